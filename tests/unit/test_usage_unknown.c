/* Unknown identifiers: those that repeat stay, whatever else arrives, and memory and file stay small. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "usage_fixture.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { FLOOD = 300000, MEMORY_IS_MEASURED = 0 };
#else
enum { FLOOD = 2000000, MEMORY_IS_MEASURED = 1 };
#endif

enum { REAL = 20, REAL_BEFORE = 5, REAL_ROUNDS = 100, RARE = 20, RARE_HITS = 4 };

/* SSOFERRY_TEST_FLOOD=10000000 makes it a longer one. */
static unsigned long flood_size(void)
{
    const char *wanted = getenv("SSOFERRY_TEST_FLOOD");
    return wanted != NULL ? strtoul(wanted, NULL, 10) : FLOOD;
}

/* Memory of the process's own, in KiB; the mapped file does not count. */
static long memory_used(void)
{
    char line[256];
    long size = 0;
    FILE *file = fopen("/proc/self/status", "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "RssAnon: %ld", &size) == 1)
            break;
    }
    fclose(file);
    return size;
}

static void count_each(struct usage *usage, const char *prefix, int names, int64_t now)
{
    for (int i = 0; i < names; ++i) {
        char name[32];
        snprintf(name, sizeof(name), "%s-customer-%02d", prefix, i);
        count_unknown(usage, name, now);
    }
}

/* Whether each other thread of the process waits for something. */
static bool others_sleep(void)
{
    bool asleep = true;
    struct dirent *entry = NULL;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    while ((entry = readdir(tasks)) != NULL) {
        char path[64], stat[512] = "";
        snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", entry->d_name);
        FILE *file = entry->d_name[0] == '.' || atoi(entry->d_name) == gettid() ? NULL : fopen(path, "re");
        if (file == NULL)
            continue;
        const char *name_end = fgets(stat, sizeof(stat), file) != NULL ? strrchr(stat, ')') : NULL;
        asleep = asleep && name_end != NULL && name_end[2] == 'S';
        fclose(file);
    }
    closedir(tasks);
    return asleep;
}

/* Counts so many names that come once each, with the real ones in between. These come when the thread that adds up has
 * done so: on a machine with much other work, the lane would be full all the time. */
static void flood(struct usage *usage, unsigned long size)
{
    for (unsigned long i = 0; i < size; ++i) {
        char name[48];
        snprintf(name, sizeof(name), "%lx/../../etc/passwd", i * 2654435761u % 4294967291u);
        count_unknown(usage, name, NOON + (int64_t)i);
        if (i % (size / REAL_ROUNDS) != 0)
            continue;
        for (int waits = 0; waits == 0 || (waits < 400 && !others_sleep()); ++waits)
            nanosleep(&(struct timespec){0, 5000000}, NULL);
        count_unknown(usage, name, NOON + (int64_t)i); /* it has a full batch handed over */
        count_each(usage, "real", REAL, NOON + (int64_t)i);
    }
}

static const struct usage_unknown *find_customer(struct usage_reader *reader, const char *prefix, int number)
{
    char name[32];
    snprintf(name, sizeof(name), "%s-customer-%02d", prefix, number);
    const struct usage_unknown *unknown = find_unknown(reader, name);
    if (unknown == NULL)
        fail_msg("%s was pushed out", name);
    return unknown;
}

static void assert_real_ones_are_kept(struct usage_reader *reader)
{
    for (int i = 0; i < REAL; ++i) {
        const struct usage_unknown *unknown = find_customer(reader, "real", i);
        /* Less where a lane was full for a moment; more only by what the sketch took for it at first. */
        assert_in_range(unknown->hits, REAL_ROUNDS / 2, REAL_BEFORE + REAL_ROUNDS + 1 + unknown->error);
        assert_in_range(unknown->error, 0, 4);
    }
    for (int i = 0; i < RARE; ++i)
        assert_int_equal(find_customer(reader, "rare", i)->hits, RARE_HITS);
}

static void a_flood_of_singles_pushes_nothing_out(void **state)
{
    const char *store = scratch_path(*state, "store");
    unsigned long size = flood_size();
    struct usage *usage = open_usage(store, 1, NOON);
    for (int i = 0; i < REAL_BEFORE; ++i)
        count_each(usage, "real", REAL, NOON);
    for (int i = 0; i < RARE_HITS; ++i)
        count_each(usage, "rare", RARE, NOON);
    long before = memory_used();
    flood(usage, size);
    long grown = memory_used() - before;
    usage_close(usage);
    if (MEMORY_IS_MEASURED && grown > 32 * 1024)
        fail_msg("%ld KiB more memory is used", grown);

    struct stat file;
    assert_int_equal(stat(scratch_path(*state, "store.usage"), &file), 0);
    assert_true(file.st_size < 4 * 1024 * 1024);
    struct usage_reader *reader = open_reader(store, NOON);
    assert_true(usage_reader_totals(reader)->unknown_hits >= size + REAL * (REAL_BEFORE + REAL_ROUNDS));
    assert_real_ones_are_kept(reader);
    usage_reader_close(reader);
}

static void one_that_repeats_finds_a_place_among_those_that_do_not(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct usage *usage = open_usage(store, 1, NOON);
    for (int i = 0; i < 3 * USAGE_UNKNOWN_MAX; ++i) {
        char name[32];
        snprintf(name, sizeof(name), "scan-%d", i);
        count_unknown(usage, name, NOON);
    }
    for (int i = 0; i < 6; ++i) {
        count_unknown(usage, "acme-corp", NOON + i * DAY);
        usage_close(usage);
        usage = open_usage(store, 1, NOON);
        /* A restart forgets what is not kept, so the last three must do. */
        for (int k = 0; k < 3 && i == 5; ++k)
            count_unknown(usage, "acme-corp", NOON + i * DAY);
    }
    usage_close(usage);
    struct usage_reader *reader = open_reader(store, NOON);
    const struct usage_unknown *all = NULL;
    size_t amount = 0;
    struct error error = {0};
    assert_done(usage_reader_unknown(reader, &all, &amount, &error));
    assert_int_equal(amount, USAGE_UNKNOWN_MAX);
    assert_text(name_of(all[0].key), "acme-corp");
    for (size_t i = 1; i < amount; ++i)
        assert_true(all[i - 1].hits >= all[i].hits);
    usage_reader_close(reader);
}

static void fill(struct usage *usage, int hits, int64_t now)
{
    for (int i = 0; i < USAGE_UNKNOWN_MAX; ++i) {
        char name[32];
        snprintf(name, sizeof(name), "old-%d", i);
        for (int k = 0; k < hits; ++k)
            count_unknown(usage, name, now);
    }
}

/* 2,000 with three hits each are kept since day 0. A newcomer comes so often on a later day: */
static const struct {
    int day, hits;
    bool kept;
} newcomers[] = {
    {1, 1, false}, {1, 3, false}, {1, 4, true}, {11, 1, false}, {11, 2, true}, {21, 1, true}, {89, 1, true},
};

static void silence_makes_room(void **state)
{
    for (size_t i = 0; i < COUNT_OF(newcomers); ++i) {
        char name[16];
        snprintf(name, sizeof(name), "store-%zu", i);
        const char *store = scratch_path(*state, name);
        int64_t now = NOON + newcomers[i].day * DAY;
        struct usage *usage = open_usage(store, 1, NOON);
        fill(usage, 3, NOON);
        usage_close(usage);
        usage = open_usage(store, 1, now);
        for (int k = 0; k < newcomers[i].hits; ++k)
            count_unknown(usage, "newcomer", now);
        usage_close(usage);
        struct usage_reader *reader = open_reader(store, now);
        if ((find_unknown(reader, "newcomer") != NULL) != newcomers[i].kept)
            fail_msg("%d hits on day %d", newcomers[i].hits, newcomers[i].day);
        usage_reader_close(reader);
    }
}

static void count_times(struct usage *usage, const char *identifier, int hits, int64_t now)
{
    for (int i = 0; i < hits; ++i)
        count_unknown(usage, identifier, now);
}

/* All but two places are taken by names that came five times. */
static struct usage *nearly_fill(const char *store)
{
    struct usage *usage = open_usage(store, 1, NOON);
    for (int i = 0; i < USAGE_UNKNOWN_MAX - 2; ++i) {
        char name[32];
        snprintf(name, sizeof(name), "old-%d", i);
        count_times(usage, name, 5, NOON);
        if (i == USAGE_UNKNOWN_MAX / 2) {
            count_times(usage, "twice", 2, NOON);
            count_times(usage, "thrice", 3, NOON);
        }
    }
    return usage;
}

static void expect_kept(const char *store, const char *kept, const char *other, const char *gone)
{
    const struct usage_unknown *all = NULL;
    struct error error = {0};
    size_t amount = 0;
    struct usage_reader *reader = open_reader(store, NOON);
    assert_non_null(find_unknown(reader, kept));
    assert_non_null(find_unknown(reader, other));
    assert_null(find_unknown(reader, gone));
    assert_done(usage_reader_unknown(reader, &all, &amount, &error));
    assert_int_equal(amount, USAGE_UNKNOWN_MAX);
    usage_reader_close(reader);
}

static void the_lightest_gives_way_and_then_the_next(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct usage *usage = nearly_fill(store);
    count_times(usage, "once", 1, NOON + SECOND);
    usage_close(usage);
    expect_kept(store, "twice", "thrice", "once");
    usage = open_usage(store, 1, NOON);
    count_times(usage, "first", 3, NOON + SECOND);
    usage_close(usage);
    expect_kept(store, "thrice", "first", "twice");
    usage = open_usage(store, 1, NOON);
    count_times(usage, "second", 4, NOON + SECOND); /* of two with three hits the one that is silent for longer goes */
    usage_close(usage);
    expect_kept(store, "first", "second", "thrice");
}

static void after_ninety_days_of_silence_they_go(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct usage *usage = open_usage(store, 1, NOON);
    count_unknown(usage, "silent", NOON);
    count_unknown(usage, "spoke-again", NOON);
    count_unknown(usage, "spoke-again", NOON + DAY);
    usage_close(usage);
    usage_close(open_usage(store, 1, NOON + 89 * DAY));
    struct usage_reader *reader = open_reader(store, NOON);
    assert_non_null(find_unknown(reader, "silent"));
    usage_reader_close(reader);
    usage_close(open_usage(store, 1, NOON + 90 * DAY));
    reader = open_reader(store, NOON);
    assert_null(find_unknown(reader, "silent"));
    assert_non_null(find_unknown(reader, "spoke-again"));
    usage_reader_close(reader);
}

/* Another daemon: a process of its own, for LMDB must not open a file twice in one. It is made before there are threads
 * here, and starts when told. */
struct daemon {
    pid_t process;
    int start; /* to be closed */
};

static void count_elsewhere(const char *store, const char *identifier, int times, int told)
{
    struct usage *usage = NULL;
    struct error error;
    char byte;
    if (read(told, &byte, 1) != 0 || !usage_open(&usage, store, 1, NOON, -1, &error))
        _exit(1);
    for (int i = 0; i < times; ++i)
        count_unknown(usage, identifier, NOON);
    usage_close(usage);
    _exit(0);
}

static struct daemon make_daemon(const char *store, const char *identifier, int times)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t process = fork();
    assert_true(process >= 0);
    if (process == 0) {
        close(ends[1]);
        count_elsewhere(store, identifier, times, ends[0]);
    }
    close(ends[0]);
    return (struct daemon){process, ends[1]};
}

static void run_daemon(struct daemon daemon)
{
    int status = 1;
    close(daemon.start);
    assert_int_equal(waitpid(daemon.process, &status, 0), daemon.process);
    assert_int_equal(status, 0);
}

static void two_daemons_add_to_the_same(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct daemon other = make_daemon(store, "acme-corp", 5);
    struct usage *usage = open_usage(store, 1, NOON);
    for (int i = 0; i < 7; ++i)
        count_unknown(usage, "acme-corp", NOON);
    run_daemon(other);
    count_unknown(usage, "acme-corp", NOON);
    count_unknown(usage, "globex-corp", NOON);
    usage_close(usage);
    struct usage_reader *reader = open_reader(store, NOON);
    assert_int_equal(find_unknown(reader, "acme-corp")->hits, 13);
    assert_int_equal(find_unknown(reader, "globex-corp")->hits, 1);
    assert_int_equal(usage_reader_totals(reader)->unknown_hits, 14);
    usage_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(a_flood_of_singles_pushes_nothing_out),
        scratch_test(one_that_repeats_finds_a_place_among_those_that_do_not),
        scratch_test(silence_makes_room),
        scratch_test(the_lightest_gives_way_and_then_the_next),
        scratch_test(after_ninety_days_of_silence_they_go),
        scratch_test(two_daemons_add_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
