#include "check.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ssoferry/access_log.h"
#include "ssoferry/clock.h"

enum { LANES = 8, LINES = 4000, PATIENCE_MS = 20000 };

static atomic_bool hour_ahead;

/* In libc's place. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, time);
    if (clock == CLOCK_REALTIME && atomic_load(&hour_ahead))
        time->tv_sec += 3600;
    return failed;
}

struct logged {
    struct access_log *log;
    int reader, writer;
};

static int setup(void **state)
{
    static struct logged logged;
    struct error error;
    int ends[2];
    *state = &logged;
    signal(SIGPIPE, SIG_IGN);
    if (pipe(ends) != 0)
        return -1;
    logged = (struct logged){.reader = ends[0], .writer = ends[1]};
    return access_log_open(&logged.log, logged.writer, LANES, &error) ? 0 : -1;
}

static int teardown(void **state)
{
    struct logged *logged = *state;
    close(logged->reader); /* so that the end waits for nobody */
    access_log_close(logged->log);
    close(logged->writer);
    return 0;
}

static void add_line(struct access_log *log, size_t lane)
{
    static const char path[256] = {'/'};
    static const struct decision decision = {.outcome = OUTCOME_NO_ROUTE, .status = 404};
    const struct access_record record = {.request_id = TEXT("0123456789abcdef0123456789abcdef"),
                                         .method = TEXT("GET"),
                                         .path = text_slice(path, sizeof(path)),
                                         .peer = TEXT("192.0.2.1:50000"),
                                         .decision = &decision};
    access_log_add(access_log_lane(log, lane), &record);
}

static void lines_that_are_dropped_are_told_while_nobody_reads(void **state)
{
    struct logged *logged = *state;
    assert_int_equal(access_log_dropped(logged->log), 0);
    for (size_t i = 0; i < 3 * LINES && access_log_dropped(logged->log) == 0; ++i)
        add_line(logged->log, 0);
    assert_true(access_log_dropped(logged->log) > 0);
}

static void who_reads_again_is_told_how_many_were_dropped(void **state)
{
    struct logged *logged = *state;
    struct pollfd reader = {logged->reader, POLLIN, 0};
    char told[96], read_last[sizeof(told) + 65536];
    size_t kept = 0;
    lines_that_are_dropped_are_told_while_nobody_reads(state);
    int size = snprintf(told, sizeof(told), "\n{\"event\":\"log_lines_dropped\",\"lines\":%llu}\n",
                        (unsigned long long)access_log_dropped(logged->log));
    do {
        const size_t seam = kept < sizeof(told) ? kept : sizeof(told);
        memmove(read_last, read_last + kept - seam, seam);
        assert_int_equal(poll(&reader, 1, PATIENCE_MS), 1);
        kept = seam + (size_t)read(logged->reader, read_last + seam, 65536);
    } while (memmem(read_last, kept, told, (size_t)size) == NULL);
}

static void a_reader_that_has_stopped_is_waited_for_once(void **state)
{
    struct logged *logged = *state;
    for (size_t i = 0; i < LANES * (size_t)LINES; ++i)
        add_line(logged->log, i % LANES);
    uint64_t begin = clock_monotonic_ms();
    access_log_close(logged->log);
    logged->log = NULL;
    uint64_t passed = clock_monotonic_ms() - begin;
    if (passed >= LANES * 2000)
        fail_msg("it took %llu ms", (unsigned long long)passed);
}

static void lines_are_written_when_the_clock_is_set_back(void **state)
{
    struct logged *logged = *state;
    struct pollfd reader = {logged->reader, POLLIN, 0};
    add_line(logged->log, 0);
    assert_int_equal(poll(&reader, 1, PATIENCE_MS), 1);
}

static int setup_ahead(void **state)
{
    atomic_store(&hour_ahead, true);
    return setup(state);
}

static int teardown_ahead(void **state)
{
    atomic_store(&hour_ahead, false);
    return teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_that_are_dropped_are_told_while_nobody_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(who_reads_again_is_told_how_many_were_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_that_has_stopped_is_waited_for_once, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_are_written_when_the_clock_is_set_back, setup_ahead, teardown_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
