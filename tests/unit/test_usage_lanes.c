/* Lanes, their threads and the flushing thread together. Worth most under ThreadSanitizer. */
#include <pthread.h>
#include <time.h>

#include "usage_fixture.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { COUNTS = 20000, NAMES_BEYOND = 250000 };
#else
enum { COUNTS = 200000, NAMES_BEYOND = 600000 };
#endif

enum { THREADS = 4, NAMES = 500, POLLS = 600 };

static void pause_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

struct counter {
    pthread_t thread;
    struct usage_lane *lane;
    uint64_t seed;
    uint64_t hits[NAMES][USAGE_OUTCOMES], unknown;
};

/* Counts as a worker does, and keeps its own record of it. */
static void *count_much(void *argument)
{
    struct counter *counter = argument;
    char name[16];
    for (int i = 0; i < COUNTS; ++i) {
        unsigned number = random_below(&counter->seed, NAMES), outcome = random_below(&counter->seed, USAGE_OUTCOMES);
        size_t size = (size_t)snprintf(name, sizeof(name), "row-%03u", number);
        int64_t now = NOON + i;
        usage_count(counter->lane, TEXT("default"), text_slice(name, size), (enum usage_outcome)outcome, now);
        ++counter->hits[number][outcome];
        if (i % 16 == 0) {
            usage_count_unknown(counter->lane, TEXT("default"), text_slice(name, size), now);
            ++counter->unknown;
        }
        if (i % 64 == 0)
            usage_tick(counter->lane);
    }
    return NULL;
}

/* What every reader must find at any time: one state, whole. */
static void read_live(struct usage *usage)
{
    struct usage_reader *reader = NULL;
    struct error error = {0};
    assert_done(usage_reader_open_live(&reader, usage, NOON, &error));
    assert_totals_agree(reader);
    usage_reader_close(reader);
}

static void threads_lose_and_invent_nothing(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct counter *counters = calloc(THREADS, sizeof(*counters));
    assert_non_null(counters);
    struct usage *usage = open_usage(store, THREADS, NOON);
    for (int i = 0; i < THREADS; ++i) {
        counters[i].lane = usage_lane(usage, (size_t)i);
        counters[i].seed = 88172645463325252u + (uint64_t)i;
        assert_int_equal(pthread_create(&counters[i].thread, NULL, count_much, &counters[i]), 0);
    }
    for (int i = 0; i < 20; ++i)
        read_live(usage);
    uint64_t unknown = 0;
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(counters[i].thread, NULL);
        unknown += counters[i].unknown;
    }
    usage_close(usage);

    struct usage_reader *reader = open_reader(store, NOON);
    assert_int_equal(assert_totals_agree(reader), (uint64_t)THREADS * COUNTS);
    assert_int_equal(usage_reader_totals(reader)->unknown_hits, unknown);
    for (unsigned i = 0; i < NAMES; ++i) {
        char name[16];
        struct usage_row row;
        snprintf(name, sizeof(name), "row-%03u", i);
        assert_true(find_usage(reader, name, &row));
        for (int outcome = 0; outcome < USAGE_OUTCOMES; ++outcome) {
            uint64_t sum = 0;
            for (int k = 0; k < THREADS; ++k)
                sum += counters[k].hits[i][outcome];
            assert_int_equal(row.hits[outcome], sum);
        }
    }
    usage_reader_close(reader);
    free(counters);
}

static uint64_t live_hits(struct usage *usage, const char *identifier)
{
    struct usage_reader *reader = NULL;
    struct usage_row row;
    struct error error = {0};
    assert_done(usage_reader_open_live(&reader, usage, NOON, &error));
    uint64_t hits = find_usage(reader, identifier, &row) ? sum_of(row.hits) : 0;
    usage_reader_close(reader);
    return hits;
}

static uint64_t live_unknown_hits(struct usage *usage, const char *identifier)
{
    struct usage_reader *reader = NULL;
    struct error error = {0};
    assert_done(usage_reader_open_live(&reader, usage, NOON, &error));
    const struct usage_unknown *unknown = find_unknown(reader, identifier);
    uint64_t hits = unknown == NULL ? 0 : unknown->hits;
    usage_reader_close(reader);
    return hits;
}

/* Whether all is there that the next test has counted for so many flushes. */
static bool are_written(struct usage *usage, unsigned flushes)
{
    return live_hits(usage, "acme") >= flushes && live_unknown_hits(usage, "nobody") >= 2 * flushes &&
           live_unknown_hits(usage, "somebody") >= (flushes + 1) / 2;
}

/* Each flush adds what came since the one before, and nothing that the file has already. */
static void flush_upon_flush_adds_up(void **state)
{
    struct usage *usage = open_usage(scratch_path(*state, "store"), 1, NOON);
    for (unsigned flush = 1; flush <= 3; ++flush) {
        const bool odd = flush % 2 == 1;
        count(usage, "acme", USAGE_STYTCH, NOON);
        count_unknown(usage, "nobody", NOON);
        count_unknown(usage, "nobody", NOON);
        if (odd)
            count_unknown(usage, "somebody", NOON);
        /* It may have begun between two of the counts, and the rest then comes with the next one. */
        for (int i = 0; i < POLLS && !are_written(usage, flush); ++i) {
            usage_tick(usage_lane(usage, 0));
            pause_ms(50);
        }
        assert_int_equal(live_hits(usage, "acme"), flush);
        assert_int_equal(live_unknown_hits(usage, "nobody"), 2 * flush);
        assert_int_equal(live_unknown_hits(usage, "somebody"), (flush + 1) / 2);
    }
    usage_close(usage);
}

static void a_lane_that_only_ticks_is_flushed_and_one_that_does_not_holds_nobody_up(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct usage *usage = open_usage(store, 2, NOON);
    usage_count(usage_lane(usage, 0), TEXT("default"), TEXT("stuck"), USAGE_STYTCH, NOON);
    usage_count(usage_lane(usage, 1), TEXT("default"), TEXT("ticking"), USAGE_STYTCH, NOON);
    bool flushed = false;
    for (int i = 0; i < POLLS && !flushed; ++i) {
        usage_tick(usage_lane(usage, 1));
        flushed = live_hits(usage, "ticking") == 1;
        pause_ms(50);
    }
    assert_true(flushed);
    assert_int_equal(live_hits(usage, "stuck"), 0);
    assert_int_equal(usage_flush_failures(usage), 0);
    struct error error;
    assert_false(usage_failing(usage, &error));
    usage_close(usage);

    struct usage_row row;
    struct usage_reader *reader = open_reader(store, NOON);
    assert_true(find_usage(reader, "stuck", &row));
    assert_int_equal(sum_of(row.hits), 1);
    usage_reader_close(reader);
}

/* So many distinct names at once find room whatever the flushing thread does meanwhile. */
static void a_burst_of_names_is_recorded_by_name(void **state)
{
    enum { BURST = 80000 };
    const char *store = scratch_path(*state, "store");
    struct usage *usage = open_usage(store, 1, NOON);
    for (int i = 0; i < BURST; ++i) {
        char name[32];
        snprintf(name, sizeof(name), "customer-%d", i * 7919 % BURST);
        count(usage, name, USAGE_STYTCH, NOON + i);
    }
    usage_close(usage);
    struct usage_reader *reader = open_reader(store, NOON);
    struct usage_row row;
    struct error error = {0};
    uint64_t rows = 0;
    for (; usage_reader_next(reader, &row, &error) == LOOKUP_FOUND; ++rows)
        assert_int_equal(sum_of(row.hits), 1);
    assert_int_equal(rows, BURST);
    assert_int_equal(usage_reader_totals(reader)->unnamed, 0);
    usage_reader_close(reader);
}

/* A lane makes itself larger for many names, and smaller again for few. */
static void a_busy_time_and_a_calm_one_count_alike(void **state)
{
    static const int waves[] = {30000, 5000, 300, 9000, 40, 5000};
    const char *store = scratch_path(*state, "store");
    struct usage *usage = open_usage(store, 1, NOON);
    char name[32];
    for (size_t wave = 0; wave < COUNT_OF(waves); ++wave) {
        for (int i = 0; i < 2 * waves[wave]; ++i) {
            snprintf(name, sizeof(name), "customer-%d", i % waves[wave]);
            count(usage, name, USAGE_STYTCH, NOON);
        }
        pause_ms(20); /* time to take what was handed over */
    }
    usage_close(usage);
    struct usage_reader *reader = open_reader(store, NOON);
    struct usage_row row;
    for (int i = 0; i < waves[0]; ++i) {
        uint64_t hits = 0;
        for (size_t wave = 0; wave < COUNT_OF(waves); ++wave)
            hits += i < waves[wave] ? 2 : 0;
        snprintf(name, sizeof(name), "customer-%d", i);
        assert_true(find_usage(reader, name, &row));
        assert_int_equal(sum_of(row.hits), hits);
    }
    assert_int_equal(usage_reader_totals(reader)->unnamed, 0);
    usage_reader_close(reader);
}

/* More names at once than there is room for still count. */
static void names_beyond_the_bound_count_in_the_totals(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct usage *usage = open_usage(store, 1, NOON);
    for (int i = 0; i < NAMES_BEYOND; ++i) {
        char name[32];
        size_t size = (size_t)snprintf(name, sizeof(name), "customer-%d", i);
        usage_count(usage_lane(usage, 0), TEXT("default"), text_slice(name, size), USAGE_STYTCH, NOON);
    }
    usage_close(usage);
    struct usage_reader *reader = open_reader(store, NOON);
    assert_int_equal(usage_reader_totals(reader)->hits[USAGE_STYTCH], NAMES_BEYOND);
    assert_totals_agree(reader);
    usage_reader_close(reader);
}

/* Workers write nothing down in order. */
static void the_first_is_the_earliest_of_all_lanes(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct usage *usage = open_usage(store, 3, NOON);
    struct usage_row row;
    static const int64_t times[] = {NOON + 5 * SECOND, NOON + 2 * SECOND, NOON + 9 * SECOND};
    for (size_t lane = 0; lane < COUNT_OF(times); ++lane)
        usage_count(usage_lane(usage, lane), TEXT("default"), TEXT("acme"), USAGE_STYTCH, times[lane]);
    usage_close(usage);
    struct usage_reader *reader = open_reader(store, NOON);
    assert_true(find_usage(reader, "acme", &row));
    assert_int_equal(row.first_seen, NOON + 2 * SECOND);
    assert_int_equal(row.last_seen, NOON + 9 * SECOND);
    usage_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(threads_lose_and_invent_nothing),
        scratch_test(flush_upon_flush_adds_up),
        scratch_test(a_lane_that_only_ticks_is_flushed_and_one_that_does_not_holds_nobody_up),
        scratch_test(a_burst_of_names_is_recorded_by_name),
        scratch_test(a_busy_time_and_a_calm_one_count_alike),
        scratch_test(names_beyond_the_bound_count_in_the_totals),
        scratch_test(the_first_is_the_earliest_of_all_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
