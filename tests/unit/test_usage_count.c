#include "usage_clock.h"
#include "usage_fixture.h"

static void nothing_is_there_before_the_first_count(void **state)
{
    struct usage_reader *reader = (struct usage_reader *)1;
    struct error error = {0};
    assert_done(usage_reader_open(&reader, scratch_path(*state, "store"), NOON, &error));
    assert_null(reader);
    usage_reader_close(reader);
    usage_close(NULL);
}

static void an_opened_usage_says_since_when(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct usage_row row;
    struct error error = {0};
    usage_close(open_usage(store, 2, NOON));
    usage_close(open_usage(store, 2, NOON + DAY));
    struct usage_reader *reader = open_reader(store, NOON);
    assert_int_equal(usage_reader_totals(reader)->since, NOON);
    assert_int_equal(usage_reader_next(reader, &row, &error), LOOKUP_ABSENT);
    usage_reader_close(reader);
}

static void hits_are_kept_by_outcome(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct usage *usage = open_usage(store, 1, NOON);
    struct usage_row row;
    for (int i = 0; i < 3; ++i)
        count(usage, "acme", USAGE_STYTCH, NOON + i * SECOND);
    count(usage, "acme", USAGE_FAILED, NOON + 7 * SECOND);
    count(usage, "globex", USAGE_LEGACY, NOON + 9 * SECOND);
    count(usage, "globex", USAGE_DISABLED, NOON + 2 * SECOND);
    usage_close(usage);

    struct usage_reader *reader = open_reader(store, NOON);
    assert_true(find_usage(reader, "acme", &row));
    assert_int_equal(row.hits[USAGE_STYTCH], 3);
    assert_int_equal(row.hits[USAGE_FAILED], 1);
    assert_int_equal(sum_of(row.hits), 4);
    assert_int_equal(row.first_seen, NOON);
    assert_int_equal(row.last_seen, NOON + 7 * SECOND);
    assert_int_equal(row.days[USAGE_DAYS - 1], 4);
    assert_true(find_usage(reader, "globex", &row));
    assert_int_equal(row.hits[USAGE_LEGACY], 1);
    assert_int_equal(row.hits[USAGE_DISABLED], 1);
    assert_int_equal(row.first_seen, NOON + 2 * SECOND);
    assert_int_equal(row.last_seen, NOON + 9 * SECOND);
    assert_false(find_usage(reader, "initech", &row));
    assert_int_equal(usage_reader_totals(reader)->hits[USAGE_STYTCH], 3);
    assert_int_equal(assert_totals_agree(reader), 6);
    usage_reader_close(reader);
}

static void outcomes_have_names(void **state)
{
    (void)state;
    assert_string_equal(usage_outcome_name(USAGE_STYTCH), "stytch");
    assert_string_equal(usage_outcome_name(USAGE_LEGACY), "legacy");
    assert_string_equal(usage_outcome_name(USAGE_DISABLED), "disabled");
    assert_string_equal(usage_outcome_name(USAGE_FAILED), "failed");
}

static void a_source_is_a_namespace_and_rows_come_in_key_order(void **state)
{
    static const char *const sources[] = {"default", "auth0", "a"};
    static const char *const expected[] = {"a/acme", "auth0/acme", "default/acme", "default/acme2"};
    const char *store = scratch_path(*state, "store");
    struct usage *usage = open_usage(store, 1, NOON);
    struct usage_row row;
    struct error error = {0};
    count(usage, "acme2", USAGE_STYTCH, NOON);
    for (size_t i = 0; i < COUNT_OF(sources); ++i)
        usage_count(usage_lane(usage, 0), text_of(sources[i]), TEXT("acme"), USAGE_STYTCH, NOON);
    usage_close(usage);

    struct usage_reader *reader = open_reader(store, NOON);
    for (size_t i = 0; i < COUNT_OF(expected); ++i) {
        char shown[CONNECTION_KEY_SIZE_MAX + 1];
        assert_int_equal(usage_reader_next(reader, &row, &error), LOOKUP_FOUND);
        memcpy(shown, row.key.at, row.key.size);
        shown[strlen(shown)] = '/';
        assert_text(text_slice(shown, row.key.size), expected[i]);
    }
    assert_int_equal(usage_reader_next(reader, &row, &error), LOOKUP_ABSENT);
    usage_reader_seek(reader, TEXT("b"));
    assert_int_equal(usage_reader_next(reader, &row, &error), LOOKUP_FOUND);
    assert_text(name_of(row.key), "acme");
    usage_reader_close(reader);
}

static void what_is_too_long_for_a_name_still_counts(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct usage *usage = open_usage(store, 1, NOON);
    struct usage_row row;
    char longest[IDENTIFIER_SIZE_MAX + 2];
    memset(longest, 'x', sizeof(longest));
    longest[IDENTIFIER_SIZE_MAX + 1] = '\0';
    count(usage, longest, USAGE_STYTCH, NOON);
    count_unknown(usage, longest, NOON);
    longest[IDENTIFIER_SIZE_MAX] = '\0';
    count(usage, longest, USAGE_LEGACY, NOON);
    count_unknown(usage, longest, NOON);
    usage_close(usage);

    struct usage_reader *reader = open_reader(store, NOON);
    assert_int_equal(usage_reader_totals(reader)->unnamed, 1);
    assert_int_equal(usage_reader_totals(reader)->unknown_hits, 2);
    assert_int_equal(assert_totals_agree(reader), 1);
    assert_true(find_usage(reader, longest, &row));
    assert_int_equal(find_unknown(reader, longest)->hits, 1);
    usage_reader_close(reader);
}

static void counts_add_up_over_restarts(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct usage_row row;
    for (int i = 0; i < 5; ++i) {
        struct usage *usage = open_usage(store, 1, NOON + i * DAY);
        count(usage, "acme", USAGE_STYTCH, NOON + i * DAY);
        count_unknown(usage, "acmee", NOON + i * DAY);
        usage_close(usage);
    }
    struct usage_reader *reader = open_reader(store, NOON + 4 * DAY);
    assert_true(find_usage(reader, "acme", &row));
    assert_int_equal(row.hits[USAGE_STYTCH], 5);
    assert_int_equal(row.first_seen, NOON);
    assert_int_equal(row.last_seen, NOON + 4 * DAY);
    for (int i = 0; i < USAGE_DAYS; ++i)
        assert_int_equal(row.days[i], i >= USAGE_DAYS - 5 ? 1 : 0);
    assert_int_equal(find_unknown(reader, "acmee")->hits, 5);
    assert_int_equal(find_unknown(reader, "acmee")->error, 0);
    assert_int_equal(find_unknown(reader, "acmee")->first_seen, NOON);
    assert_int_equal(find_unknown(reader, "acmee")->last_seen, NOON + 4 * DAY);
    usage_reader_close(reader);
}

/* Hits on these days, counted from NOON's, in this order; then what a reader of `today` finds on the days up to it. */
static const struct {
    const char *what;
    int days[4]; /* ends with -1 */
    int today;
    struct {
        int day;
        uint32_t hits;
    } found[4]; /* ends with hits 0 */
} rollovers[] = {
    {"a day is a day", {0, 0, 1, -1}, 1, {{0, 2}, {1, 1}}},
    {"the ninetieth day is still there", {0, 89, -1}, 89, {{0, 1}, {89, 1}}},
    {"the day before it is not", {0, 90, -1}, 90, {{90, 1}}},
    {"nor anything before a long silence", {0, 5, 400, -1}, 400, {{400, 1}}},
    {"an old day that comes late has its place", {50, 10, 50, -1}, 50, {{10, 1}, {50, 2}}},
    {"unless it is too old", {200, 10, -1}, 200, {{200, 1}}},
    {"a reader of later sees the days move", {3, 7, -1}, 95, {{7, 1}}},
    {"a reader whose clock is behind does not see the future", {3, 7, -1}, 5, {{3, 1}}},
};

static void days_are_kept_for_ninety(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rollovers) * 2; ++i) {
        bool at_once = i % 2 == 0; /* else with a restart between any two */
        char name[16];
        snprintf(name, sizeof(name), "store-%zu", i);
        const char *store = scratch_path(*state, name);
        struct usage *usage = open_usage(store, 1, NOON);
        uint64_t sum = 0;
        for (const int *day = rollovers[i / 2].days; *day >= 0; ++day, ++sum) {
            count(usage, "acme", USAGE_STYTCH, NOON + *day * DAY);
            if (!at_once) {
                usage_close(usage);
                usage = open_usage(store, 1, NOON);
            }
        }
        usage_close(usage);

        uint32_t expected[USAGE_DAYS] = {0};
        for (size_t k = 0; k < 4 && rollovers[i / 2].found[k].hits > 0; ++k)
            expected[USAGE_DAYS - 1 - (rollovers[i / 2].today - rollovers[i / 2].found[k].day)] =
                rollovers[i / 2].found[k].hits;
        struct usage_row row;
        struct usage_reader *reader = open_reader(store, NOON + rollovers[i / 2].today * DAY);
        assert_true(find_usage(reader, "acme", &row));
        if (memcmp(row.days, expected, sizeof(expected)) != 0)
            fail_msg("%s: the days are others", rollovers[i / 2].what);
        assert_int_equal(row.hits[USAGE_STYTCH], sum);
        usage_reader_close(reader);
    }
}

struct hits {
    int64_t when;                /* by a clock that may be wrong */
    const char *unknown, *known; /* NULL: acme */
};

/* Opens, counts some hours later, and closes: while `hours` pass, the machine's clock only ticks. */
static void count_later(const char *store, int hours, struct hits hits)
{
    struct usage *usage = open_usage(store, 1, hits.when);
    atomic_store(&hours_passed, hours);
    count(usage, hits.known != NULL ? hits.known : "acme", USAGE_STYTCH, hits.when);
    count_unknown(usage, hits.unknown, hits.when);
    usage_close(usage);
    atomic_store(&hours_passed, 0);
}

/* A machine that boots with its clock a year ahead of what it says now. */
static void a_clock_that_was_ahead_leaves_nothing_behind(void **state)
{
    const char *store = scratch_path(*state, "store");
    const int64_t now = clock_utc_us();
    struct usage_row row;
    count_later(store, 0, (struct hits){now - 20 * DAY, "acmee", NULL});
    count_later(store, 0, (struct hits){now + 365 * DAY, "globexx", NULL});
    count_later(store, 2, (struct hits){now, "globexx", NULL});

    struct usage_reader *reader = open_reader(store, now);
    assert_true(find_usage(reader, "acme", &row));
    assert_int_equal(row.hits[USAGE_STYTCH], 3);
    assert_int_equal(row.first_seen, now - 20 * DAY);
    assert_true(row.last_seen < now + DAY);
    assert_int_equal(row.days[USAGE_DAYS - 1], 1);
    assert_non_null(find_unknown(reader, "acmee"));
    assert_true(find_unknown(reader, "globexx")->last_seen < now + DAY);
    usage_reader_close(reader);
    reader = open_reader(store, now + 400 * DAY); /* to whom a year ahead is no future */
    assert_true(find_usage(reader, "acme", &row));
    assert_true(row.last_seen < now + DAY);
    assert_true(find_unknown(reader, "globexx")->last_seen < now + DAY);
    usage_reader_close(reader);
}

/* Many at once, so that rows lie on several pages: each is corrected, and none is lost. */
static void all_rows_of_a_clock_that_was_ahead_are_corrected(void **state)
{
    enum { NAMES = 1000 };
    char name[16];
    const char *store = scratch_path(*state, "store");
    const int64_t now = clock_utc_us();
    struct usage_row row;
    struct usage *usage = open_usage(store, 1, now);
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "row-%d", i);
        for (int hits = 0; hits <= i % 200; hits++)
            count(usage, name, USAGE_STYTCH, i % 3 == 0 ? now : now + 365 * DAY);
    }
    usage_close(usage);
    count_later(store, 2, (struct hits){now, "acmee", NULL});
    struct usage_reader *reader = open_reader(store, now + 400 * DAY);
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "row-%d", i);
        assert_true(find_usage(reader, name, &row));
        assert_int_equal(row.hits[USAGE_STYTCH], i % 200 + 1);
        assert_true(row.first_seen < now + DAY && row.last_seen < now + DAY);
    }
    usage_reader_close(reader);
}

/* A day without one request is none without counting. */
static void days_of_counting_are_noted_without_hits(void **state)
{
    enum { TRIES = 600 };
    const char *store = scratch_path(*state, "store");
    const int64_t now = clock_utc_us();
    unsigned uncounted = 0;
    struct error error = {0};
    struct usage *usage = open_usage(store, 1, now);
    atomic_store(&days_jumped, 3);
    for (int i = 0; i < TRIES && uncounted != 2; ++i) { /* those in between */
        struct usage_reader *reader = NULL;
        nanosleep(&(struct timespec){0, 50 * 1000 * 1000}, NULL);
        assert_done(usage_reader_open_live(&reader, usage, now + 3 * DAY, &error));
        assert_done(usage_reader_uncounted(reader, 10, &uncounted, &error));
        usage_reader_close(reader);
    }
    usage_close(usage);
    atomic_store(&days_jumped, 0);
    assert_int_equal(uncounted, 2);
}

static unsigned uncounted_of(const char *store, int64_t now)
{
    unsigned uncounted = 0;
    struct error error = {0};
    struct usage_reader *reader = open_reader(store, now);
    assert_done(usage_reader_uncounted(reader, USAGE_DAYS, &uncounted, &error));
    usage_reader_close(reader);
    return uncounted;
}

static void start_days_later(const char *store, int days)
{
    atomic_store(&days_jumped, days);
    usage_close(open_usage(store, 1, clock_utc_us()));
    atomic_store(&days_jumped, 0);
}

/* By a former release in between, which notes no days, and before a clock that was ahead left no room for the notes. */
static void days_with_hits_were_counted_on_though_nobody_noted_them(void **state)
{
    const char *store = scratch_path(*state, "store");
    start_days_later(store, -40);
    start_days_later(store, 0);
    const int64_t now = clock_utc_us();
    assert_int_equal(uncounted_of(store, now), 39);
    struct usage *usage = open_usage(store, 1, now);
    count(usage, "acme", USAGE_STYTCH, now);
    for (int day = 3; day < 40; ++day)
        count(usage, day % 2 == 0 ? "acme" : "globex", USAGE_FAILED, now - day * DAY);
    usage_close(usage);
    assert_int_equal(uncounted_of(store, now), 2);
    start_days_later(store, 365);
    start_days_later(store, 0);
    assert_int_equal(uncounted_of(store, now), 3); /* the fortieth, too, of which there is a note only */
}

/* Where a machine boots without knowing the time. */
static void the_first_day_of_all_is_noted(void **state)
{
    const char *store = scratch_path(*state, "store");
    const int64_t now = clock_utc_us();
    start_days_later(store, (int)(-now / DAY));
    assert_int_equal(uncounted_of(store, now), USAGE_DAYS);
}

/* Else nobody could be called silent before the wrong time has come. */
static void counting_did_not_begin_later_than_now(void **state)
{
    const char *store = scratch_path(*state, "store");
    const int64_t now = clock_utc_us();
    atomic_store(&hours_passed, 365 * 24);
    usage_close(open_usage(store, 1, now + 365 * DAY));
    atomic_store(&hours_passed, 0);
    struct usage_reader *reader = open_reader(store, now);
    assert_int_equal(usage_reader_totals(reader)->since, now);
    usage_reader_close(reader);

    count_later(store, 2, (struct hits){now, "acmee", NULL});
    reader = open_reader(store, now + 400 * DAY);
    assert_true(usage_reader_totals(reader)->since > now && usage_reader_totals(reader)->since < now + DAY / 4);
    usage_reader_close(reader);
}

/* Who came then and never again was not seen later than now, and has not been seen since. */
static void who_came_by_a_clock_that_was_ahead_was_not_seen_later_than_now(void **state)
{
    static const struct {
        const char *store;
        int64_t ahead;
    } cases[] = {{"hours", DAY / 2}, {"a-year", 365 * DAY}};
    const int64_t now = clock_utc_us();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct usage_row row;
        const char *store = scratch_path(*state, cases[i].store);
        count_later(store, 0, (struct hits){now + cases[i].ahead, "acmee", NULL});
        struct usage_reader *reader = open_reader(store, now);
        assert_true(find_usage(reader, "acme", &row));
        assert_int_equal(row.first_seen, now);
        assert_int_equal(row.last_seen, now);
        assert_int_equal(find_unknown(reader, "acmee")->last_seen, now);
        usage_reader_close(reader);

        count_later(store, 2, (struct hits){now, "acmeee", "globex"});
        reader = open_reader(store, now + 30 * DAY);
        assert_true(find_usage(reader, "acme", &row));
        assert_true(row.first_seen > now && row.first_seen < now + DAY / 4);
        assert_true(row.last_seen > now && row.last_seen < now + DAY / 4);
        usage_reader_close(reader);
    }
}

/* One that boots years behind: for the hour in which it is corrected, the file is right. */
static void a_clock_that_is_behind_takes_nothing_away(void **state)
{
    const char *store = scratch_path(*state, "store");
    const int64_t now = clock_utc_us() + 365 * DAY;
    struct usage_row row;
    count_later(store, 0, (struct hits){now, "acmee", NULL});
    count_later(store, 0, (struct hits){now - 365 * DAY, "acmee", NULL});
    struct usage_reader *reader = open_reader(store, now);
    assert_true(find_usage(reader, "acme", &row));
    assert_int_equal(row.last_seen, now);
    assert_int_equal(row.days[USAGE_DAYS - 1], 1);
    assert_int_equal(find_unknown(reader, "acmee")->last_seen, now);
    usage_reader_close(reader);
}

/* Nor does one that has long been right, in the hour after somebody sets it back. */
static void a_clock_that_is_set_back_takes_nothing_away(void **state)
{
    const char *store = scratch_path(*state, "store");
    const int64_t now = clock_utc_us();
    struct usage_row row;
    count_later(store, 0, (struct hits){now, "acmee", NULL});
    struct usage *usage = open_usage(store, 1, now);
    atomic_store(&hours_passed, 2);
    atomic_store(&days_jumped, -365);
    count(usage, "globex", USAGE_STYTCH, now - 365 * DAY);
    usage_close(usage);
    atomic_store(&hours_passed, 0);
    atomic_store(&days_jumped, 0);
    struct usage_reader *reader = open_reader(store, now);
    assert_true(find_usage(reader, "acme", &row));
    assert_int_equal(row.last_seen, now);
    assert_int_equal(find_unknown(reader, "acmee")->last_seen, now);
    usage_reader_close(reader);
}

enum { MODEL_NAMES = 40, MODEL_DAYS = 200, MODEL_STEPS = 20000 };

struct model_row {
    uint64_t hits[USAGE_OUTCOMES];
    int64_t first, last;
    uint32_t days[MODEL_DAYS];
};

static size_t model_day(int64_t now)
{
    return (size_t)(now / DAY - NOON / DAY);
}

static void compare_with_model(const char *store, const struct model_row *model, int64_t now)
{
    struct usage_reader *reader = open_reader(store, now);
    size_t today = model_day(now);
    for (unsigned i = 0; i < MODEL_NAMES; ++i) {
        char name[16];
        struct usage_row row;
        snprintf(name, sizeof(name), "row-%u", i);
        assert_int_equal(find_usage(reader, name, &row), sum_of(model[i].hits) > 0);
        if (sum_of(model[i].hits) == 0)
            continue;
        assert_memory_equal(row.hits, model[i].hits, sizeof(row.hits));
        assert_int_equal(row.first_seen, model[i].first);
        assert_int_equal(row.last_seen, model[i].last);
        for (size_t day = 0; day < USAGE_DAYS; ++day)
            assert_int_equal(row.days[USAGE_DAYS - 1 - day], day <= today ? model[i].days[today - day] : 0);
    }
    assert_totals_agree(reader);
    usage_reader_close(reader);
}

static void random_counts_equal_a_model(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct model_row *model = calloc(MODEL_NAMES, sizeof(*model));
    struct usage *usage = open_usage(store, 1, NOON);
    uint64_t random = 88172645463325252u;
    int64_t now = NOON;
    assert_non_null(model);
    for (int step = 0; step < MODEL_STEPS; ++step) {
        /* Names differ in how often they come. */
        unsigned name = random_below(&random, 1 + random_below(&random, MODEL_NAMES));
        unsigned outcome = random_below(&random, USAGE_OUTCOMES);
        char identifier[16];
        snprintf(identifier, sizeof(identifier), "row-%u", name);
        count(usage, identifier, (enum usage_outcome)outcome, now);
        struct model_row *row = &model[name];
        row->first = sum_of(row->hits) == 0 ? now : row->first;
        row->last = now;
        ++row->hits[outcome];
        ++row->days[model_day(now)];
        now += random_below(&random, (uint32_t)(DAY / (MODEL_STEPS / 150)));
        if (random_below(&random, MODEL_STEPS / 20) == 0) {
            usage_close(usage);
            compare_with_model(store, model, now);
            usage = open_usage(store, 1, now);
        }
    }
    usage_close(usage);
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(nothing_is_there_before_the_first_count),
        scratch_test(an_opened_usage_says_since_when),
        scratch_test(hits_are_kept_by_outcome),
        cmocka_unit_test(outcomes_have_names),
        scratch_test(a_source_is_a_namespace_and_rows_come_in_key_order),
        scratch_test(what_is_too_long_for_a_name_still_counts),
        scratch_test(counts_add_up_over_restarts),
        scratch_test(days_are_kept_for_ninety),
        scratch_test(a_clock_that_was_ahead_leaves_nothing_behind),
        scratch_test(all_rows_of_a_clock_that_was_ahead_are_corrected),
        scratch_test(days_of_counting_are_noted_without_hits),
        scratch_test(days_with_hits_were_counted_on_though_nobody_noted_them),
        scratch_test(the_first_day_of_all_is_noted),
        scratch_test(counting_did_not_begin_later_than_now),
        scratch_test(who_came_by_a_clock_that_was_ahead_was_not_seen_later_than_now),
        scratch_test(a_clock_that_is_behind_takes_nothing_away),
        scratch_test(a_clock_that_is_set_back_takes_nothing_away),
        scratch_test(random_counts_equal_a_model),
    };
    return cmocka_run_group_tests(tests, begin_at_noon, NULL);
}
