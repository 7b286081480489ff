#include "check.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ssoferry/clock.h"
#include "ssoferry/pauses.h"

enum { PATIENCE_MS = 600000 }; /* others may make each pause as long as they like */

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

/* Whether it works without a pause. A page of the program that has to be read from the disk gives the processor away,
 * too, so that once does not count. */
static bool works_on(void)
{
    bool works = false;
    for (int tries = 0; tries < 5 && !works; ++tries)
        works = work_until(1, 50) == 0;
    return works;
}

/* From the first moment on, and with nobody else there: those who come are to find them. */
static void work_pauses(void **state)
{
    (void)state;
    assert_true(works_on());
    struct pauses pauses;
    pauses_begin(&pauses);
    long paused = work_until(100, PATIENCE_MS);
    pauses_end(&pauses);
    assert_true(paused >= 100);
    assert_true(works_on());
}

/* Reads a byte that comes after a tenth of a second. Returns how often that gave the processor away: never, if the byte
 * was there already because we got it back so late. */
static long wait_for_a_byte(uint64_t *milliseconds)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t writer = fork();
    if (writer == 0) {
        const struct timespec moment = {.tv_nsec = 100000000};
        nanosleep(&moment, NULL);
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    char got = 0;
    const long before = given_away();
    const uint64_t began = clock_monotonic_ms();
    assert_int_equal(read(ends[0], &got, 1), 1);
    assert_int_equal(got, 'x');
    const long times = given_away() - before;
    *milliseconds = clock_monotonic_ms() - began;
    int status = 1;
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_int_equal(status, 0);
    close(ends[0]);
    close(ends[1]);
    return times;
}

/* A read that waits is not ended by a timer, and not woken up for a pause each time: for minutes it may wait for
 * another writer, or for somebody to answer. */
static void waiting_goes_on(void **state)
{
    (void)state;
    uint64_t milliseconds = 0;
    long times;
    struct pauses pauses;
    pauses_begin(&pauses);
    do
        times = wait_for_a_byte(&milliseconds);
    while (times == 0);
    pauses_end(&pauses);
    assert_true((uint64_t)times <= 2 * milliseconds + 10);
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
        cmocka_unit_test(work_pauses),
        cmocka_unit_test(waiting_goes_on),
        cmocka_unit_test(a_signal_from_elsewhere_is_let_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
