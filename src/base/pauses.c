#include "ssoferry/pauses.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum {
    WORK_NS = 50 * 1000, /* what a thread that wakes up may have to wait for */
    WORK_NS_MAX = 100 * 1000 * 1000,
    PAUSE_NS = 50 * 1000,
    LONG_PAUSE_NS = 500 * 1000, /* longer than those who answer are at work: somebody uses up whole slices */
    SLACK_NS = 1000,            /* prctl(2); the usual one makes 100 us of a pause of 50 */
    LOOK_NS = 10 * 1000 * 1000,
    SHORT_LOOK_NS = 3 * 1000 * 1000, /* who has paused looks without pauses for no longer */
    OFTEN = 2,                       /* interruptions between two looks */
    OFTEN_AGAIN = 1,
    PAUSING_NS = 2000 * 1000 * 1000 /* until the next look, for only who works without pauses sees who interrupts it */
};

static long interruptions(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Returns how long to work then: as long as a long pause has lasted. Where the processor is never idle one lasts until
 * others have used up their slices, some milliseconds, and after 50 us of work each time nothing would ever come to its
 * end. */
static long pause_work(struct pauses *pauses)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int64_t began = now_ns();
    nanosleep(&pause, NULL);
    int64_t now = now_ns(), lasted = now - began;
    if (now >= pauses->until_ns) {
        pauses->pausing = false;
        pauses->often = OFTEN_AGAIN;
        pauses->interrupted = interruptions();
        return SHORT_LOOK_NS;
    }
    return lasted < LONG_PAUSE_NS ? WORK_NS : lasted > WORK_NS_MAX ? WORK_NS_MAX : (long)lasted;
}

/* Returns when to look again, or to pause. */
static long look(struct pauses *pauses)
{
    long before = pauses->interrupted;
    pauses->interrupted = interruptions();
    pauses->pausing = pauses->interrupted - before >= pauses->often;
    pauses->often = OFTEN;
    pauses->until_ns = now_ns() + PAUSING_NS;
    return pauses->pausing ? WORK_NS : LOOK_NS;
}

static void set_timer(struct pauses *pauses, long ns)
{
    const struct itimerspec once = {.it_value.tv_nsec = ns};
    timer_settime(pauses->timer, 0, &once, NULL);
}

/* Once each time, and not by the timer's own interval: work is to have its share, however late the signal came. */
static void on_timer(int number, siginfo_t *signal, void *context)
{
    (void)number;
    (void)context;
    if (signal->si_code != SI_TIMER)
        return; /* kill -ALRM */
    int before = errno;
    struct pauses *pauses = signal->si_value.sival_ptr;
    set_timer(pauses, pauses->pausing ? pause_work(pauses) : look(pauses));
    errno = before;
}

void pauses_begin(struct pauses *pauses)
{
    *pauses = (struct pauses){.interrupted = interruptions(), .often = OFTEN};
    struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_ptr = pauses};
    if (sigaction(SIGALRM, &action, NULL) != 0 || timer_create(CLOCK_MONOTONIC, &event, &pauses->timer) != 0)
        return;
    pauses->running = true;
    (void)prctl(PR_SET_TIMERSLACK, SLACK_NS);
    set_timer(pauses, LOOK_NS);
}

void pauses_end(struct pauses *pauses)
{
    if (!pauses->running)
        return;
    pauses->running = false;
    timer_delete(pauses->timer);       /* the handler stays: its last signal may be on its way */
    (void)prctl(PR_SET_TIMERSLACK, 0); /* the one it had */
}
