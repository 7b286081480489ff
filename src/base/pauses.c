#include "ssoferry/pauses.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "ssoferry/clock.h"

enum {
    WORK_NS = 50 * 1000, /* longest that a thread which wakes up may have to wait */
    WORK_NS_MAX = 100 * 1000 * 1000,
    PAUSE_NS = 50 * 1000,
    SHARE = 4,                   /* of a long pause; working longer is felt where others are only briefly busy */
    WAITED_NS_MAX = 1000 * 1000, /* until the next look at whether the program still waits */
    SLACK_NS = 1000              /* prctl(2); the default turns a pause of 50 us into one of 100 */
};

/* How often this thread has given up the processor, pauses included. */
static long given_away(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw : 0;
}

/* Pauses. Returns how long that took, in nanoseconds. */
static int64_t rest(void)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    uint64_t began = clock_monotonic_ns();
    nanosleep(&pause, NULL);
    return (int64_t)(clock_monotonic_ns() - began);
}

/* How long to work after a pause. On a processor that is never idle, a pause lasts until others have used up their
 * slices, some milliseconds; with only 50 us of work after each, nothing would ever finish. So work gets a share of
 * that. */
static int64_t work_behind(int64_t paused)
{
    int64_t work = paused / SHARE;
    return work < WORK_NS ? WORK_NS : work > WORK_NS_MAX ? WORK_NS_MAX : work;
}

/* Returns when the next pause is due. While the program waits for a disk, a pipe or another writer, it is woken less
 * and less often, since it need not pause; but a short wait is no reason to work on for long. */
static long pause_work(struct pauses *pauses)
{
    int64_t work = pauses->waited_ns;
    if (given_away() == pauses->given_away) {
        work = work_behind(rest());
        pauses->waited_ns = WORK_NS;
    } else if (work < WAITED_NS_MAX) {
        pauses->waited_ns = 2 * work;
    }
    pauses->given_away = given_away();
    return (long)work;
}

static void set_timer(const struct pauses *pauses, long ns)
{
    const struct itimerspec once = {.it_value.tv_nsec = ns};
    timer_settime(pauses->timer, 0, &once, NULL);
}

/* Sets the timer anew instead of using its interval, so that work gets its share however late the signal arrives. */
static void on_timer(int number, siginfo_t *signal, void *context)
{
    (void)number;
    (void)context;
    if (signal->si_code != SI_TIMER)
        return; /* sent by kill -ALRM */
    int before = errno;
    struct pauses *pauses = signal->si_value.sival_ptr;
    set_timer(pauses, pause_work(pauses));
    errno = before;
}

void pauses_begin(struct pauses *pauses)
{
    *pauses = (struct pauses){.given_away = given_away(), .waited_ns = WORK_NS};
    struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_ptr = pauses};
    if (sigaction(SIGALRM, &action, NULL) != 0 || timer_create(CLOCK_MONOTONIC, &event, &pauses->timer) != 0)
        return;
    pauses->running = true;
    (void)prctl(PR_SET_TIMERSLACK, SLACK_NS);
    set_timer(pauses, WORK_NS);
}

void pauses_end(struct pauses *pauses)
{
    if (!pauses->running)
        return;
    pauses->running = false;
    timer_delete(pauses->timer);       /* keep the handler: a last signal may be on its way */
    (void)prctl(PR_SET_TIMERSLACK, 0); /* back to the thread's default */
}
