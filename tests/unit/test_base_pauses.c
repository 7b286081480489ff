#include "check.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ssoferry/clock.h"
#include "ssoferry/pauses.h"

enum { PATIENCE_MS = 20000 };

/* One processor for us and our children. */
static void share_a_processor(void)
{
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    size_t first = 0;
    while (!CPU_ISSET(first, &all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* Somebody who wants a little of the processor, often. */
static pid_t start_neighbour(void)
{
    pid_t neighbour = fork();
    if (neighbour != 0)
        return neighbour;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const struct timespec moment = {.tv_nsec = 100000};
    for (;;)
        nanosleep(&moment, NULL);
}

static void stop_neighbour(pid_t neighbour)
{
    kill(neighbour, SIGKILL);
    assert_int_equal(waitpid(neighbour, NULL, 0), neighbour);
}

/* How often we have given the processor away. */
static long given_away(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_nvcsw;
}

/* Works, and never waits for anything, until it has given the processor away so often, or for so long. */
static long work_until(long often, uint64_t milliseconds)
{
    long before = given_away();
    uint64_t end = clock_monotonic_ms() + milliseconds;
    while (given_away() - before < often && clock_monotonic_ms() < end) {
    }
    return given_away() - before;
}

static void work_pauses_for_a_neighbour(void **state)
{
    (void)state;
    share_a_processor();
    pid_t neighbour = start_neighbour();
    assert_true(neighbour > 0);
    assert_int_equal(work_until(1, 50), 0);
    struct pauses pauses;
    pauses_begin(&pauses);
    long paused = work_until(100, PATIENCE_MS);
    pauses_end(&pauses);
    long after = work_until(1, 50);
    stop_neighbour(neighbour);
    assert_true(paused >= 100);
    assert_int_equal(after, 0);
}

/* A read that waits is not ended by a timer. */
static void system_calls_go_on(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct pauses pauses;
    pauses_begin(&pauses);
    pid_t writer = fork();
    if (writer == 0) {
        const struct timespec moment = {.tv_nsec = 100000000}; /* ten looks */
        nanosleep(&moment, NULL);
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    char got = 0;
    assert_int_equal(read(ends[0], &got, 1), 1);
    assert_int_equal(got, 'x');
    pauses_end(&pauses);
    int status = 1;
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_int_equal(status, 0);
    close(ends[0]);
    close(ends[1]);
}

/* Somebody's kill -ALRM, while there are pauses and afterwards. */
static void a_signal_from_elsewhere_is_let_be(void **state)
{
    (void)state;
    struct pauses pauses;
    pauses_begin(&pauses);
    kill(getpid(), SIGALRM);
    pauses_end(&pauses);
    kill(getpid(), SIGALRM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_pauses_for_a_neighbour),
        cmocka_unit_test(system_calls_go_on),
        cmocka_unit_test(a_signal_from_elsewhere_is_let_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
