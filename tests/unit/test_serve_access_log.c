#include "check.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static atomic_bool disk_full;
enum { ROOM = 10 }; /* bytes that a full disk still takes, once */

/* In libc's place: ENOSPC for what is longer than the room that is left. */
ssize_t write(int fd, const void *bytes, size_t size)
{
    static atomic_bool room_taken;
    if (fd <= STDERR_FILENO || !atomic_load(&disk_full))
        return (ssize_t)syscall(SYS_write, fd, bytes, size);
    if (size > ROOM && !atomic_exchange(&room_taken, true))
        return (ssize_t)syscall(SYS_write, fd, bytes, (size_t)ROOM);
    errno = ENOSPC;
    return -1;
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

static size_t resident_kib(void)
{
    char line[256];
    size_t size = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r"); /* exact, where statm is an estimate */
    assert_non_null(file);
    while (size == 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "Rss:", 4) == 0)
            size = strtoul(line + 4, NULL, 10);
    }
    fclose(file);
    assert_true(size > 0);
    return size;
}

/* Reads until nothing comes for longer than the log waits to write. */
static void read_all(int reader)
{
    static char read_here[65536];
    struct pollfd poll_fd = {reader, POLLIN, 0};
    while (poll(&poll_fd, 1, 300) == 1)
        assert_true(read(reader, read_here, sizeof(read_here)) > 0);
}

static void memory_of_a_peak_is_given_back(void **state)
{
    struct logged *logged = *state;
    const size_t least = 2048;
    lines_that_are_dropped_are_told_while_nobody_reads(state);
    const size_t most = resident_kib();
    for (int i = 0; i < 10 && resident_kib() + least > most; ++i) { /* until it was each buffer's turn */
        read_all(logged->reader);
        add_line(logged->log, 0);
    }
    assert_in_range(resident_kib(), 0, most - least);
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

static void wait_for_dropped(struct access_log *log, uint64_t lines)
{
    for (int waited = 0; access_log_dropped(log) < lines && waited < PATIENCE_MS; waited += 10)
        poll(NULL, 0, 10);
    assert_int_equal(access_log_dropped(log), lines);
}

static void a_full_disk_costs_lines_and_not_the_log(void **state)
{
    struct logged *logged = *state;
    char bytes[4096] = {0};
    size_t size = 0;
    atomic_store(&disk_full, true);
    for (int round = 1; round <= 2; ++round) {
        for (int i = 0; i < 5; ++i)
            add_line(logged->log, 1);
        wait_for_dropped(logged->log, 5 * (uint64_t)round);
    }
    atomic_store(&disk_full, false);
    add_line(logged->log, 1);
    while (strstr(bytes, "\n{\"event\":\"log_lines_dropped\",\"lines\":10}\n") == NULL) {
        struct pollfd reader = {logged->reader, POLLIN, 0};
        assert_int_equal(poll(&reader, 1, PATIENCE_MS), 1);
        size += (size_t)read(logged->reader, bytes + size, sizeof(bytes) - 1 - size);
    }
    assert_int_equal(bytes[ROOM], '\n'); /* what was torn is a line by itself, and the next one is whole */
    assert_int_equal(bytes[ROOM + 1], '{');
    assert_int_equal(access_log_dropped(logged->log), 10);
}

static void who_has_gone_is_counted_for(void **state)
{
    struct logged *logged = *state;
    close(logged->reader);
    logged->reader = -1;
    add_line(logged->log, 0);
    wait_for_dropped(logged->log, 1);
    for (int i = 0; i < 5; ++i)
        add_line(logged->log, 0);
    wait_for_dropped(logged->log, 6);
}

static void lines_are_written_when_the_clock_is_set_back(void **state)
{
    struct logged *logged = *state;
    struct pollfd reader = {logged->reader, POLLIN, 0};
    add_line(logged->log, 0);
    assert_int_equal(poll(&reader, 1, PATIENCE_MS), 1);
}

enum { THREADS = 2, NUMBERED = 100000 };

struct numbering {
    struct access_log *log;
    size_t lane;
};

/* Adds lines whose request ids are the lane's letter, and whose durations count up. */
static void *add_numbered(void *argument)
{
    const struct numbering *numbering = argument;
    static const struct decision decision = {.outcome = OUTCOME_NO_ROUTE, .status = 404};
    static const char *const letters[THREADS] = {"a", "b"};
    for (uint64_t number = 1; number <= NUMBERED; ++number) {
        const struct access_record record = {
            .request_id = text_of(letters[numbering->lane]), .duration_us = number, .decision = &decision};
        access_log_add(access_log_lane(numbering->log, numbering->lane), &record);
    }
    return NULL;
}

static uint64_t number_behind(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    assert_non_null(at);
    return strtoull(at + strlen(name), NULL, 10);
}

/* The thread that writes takes both buffers of both lanes again and again meanwhile. */
static void lines_are_whole_and_in_order(void **state)
{
    struct access_log *log;
    struct error error;
    pthread_t threads[THREADS];
    struct numbering numberings[THREADS];
    uint64_t last[THREADS] = {0}, lines = 0;
    char line[1024];
    FILE *file = tmpfile();
    (void)state;
    assert_true(access_log_open(&log, fileno(file), THREADS, &error));
    for (size_t i = 0; i < THREADS; ++i) {
        numberings[i] = (struct numbering){log, i};
        assert_int_equal(pthread_create(&threads[i], NULL, add_numbered, &numberings[i]), 0);
    }
    for (size_t i = 0; i < THREADS; ++i)
        pthread_join(threads[i], NULL);
    const uint64_t dropped = access_log_dropped(log);
    access_log_close(log);
    rewind(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        assert_int_equal(line[0], '{');
        assert_string_equal(line + strlen(line) - 2, "}\n");
        if (strstr(line, "log_lines_dropped") != NULL)
            continue;
        const size_t lane = strstr(line, "\"a\"") != NULL ? 0 : 1;
        const uint64_t number = number_behind(line, "\"duration_us\":");
        assert_true(number > last[lane]);
        last[lane] = number;
        ++lines;
    }
    fclose(file);
    assert_int_equal(lines + dropped, THREADS * NUMBERED);
    assert_true(lines > NUMBERED / 10);
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
        cmocka_unit_test_setup_teardown(memory_of_a_peak_is_given_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_that_has_stopped_is_waited_for_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_costs_lines_and_not_the_log, setup, teardown),
        cmocka_unit_test_setup_teardown(who_has_gone_is_counted_for, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_are_written_when_the_clock_is_set_back, setup_ahead, teardown_ahead),
        cmocka_unit_test(lines_are_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
