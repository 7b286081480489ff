#include "table_fixture.h"
#include "usage_fixture.h"

#include "ssoferry/clock.h"
#include "ssoferry/report.h"

#define HOUR (DAY / 24)

/* -- rows -- */

/* The row of the connection that ends with `number`. */
static void put_of(struct change *change, unsigned number, const char *source, const char *identifier,
                   enum connection_state state)
{
    char key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX], id[] = LIVE_ID("00000000");
    struct error error = {0};
    snprintf(id + sizeof(id) - 9, 9, "%08x", number);
    struct connection row = {.state = state, .connection_id = text_of(id)};
    size_t size = connection_key(text_of(source), text_of(identifier), key);
    assert_done(change_put(change, text_slice(key, size), text_slice(record, connection_encode(&row, record)), &error));
}

/* Each of another connection. */
static void put(struct change *change, const char *source, const char *identifier, enum connection_state state)
{
    unsigned number = 1;
    for (const char *parts[] = {source, identifier}, **part = parts; part < parts + 2; ++part) {
        for (const char *at = *part; *at != '\0'; ++at)
            number = number * 31 + (unsigned char)*at;
    }
    put_of(change, number, source, identifier, state);
}

static struct report *open_report(struct table *table, const struct report_options *options)
{
    struct report *report = NULL;
    struct error error = {0};
    assert_done(report_open(&report, table, options, &error));
    return report;
}

/* All unknown identifiers, of which there are `amount`. */
static const struct report_unknown *read_unknown(struct report *report, size_t suggest, size_t amount)
{
    const struct report_unknown *unknown = NULL;
    size_t found = 0;
    struct error error = {0};
    assert_done(report_unknown(report, suggest, &unknown, &found, &error));
    assert_int_equal(found, amount);
    return unknown;
}

/* Walks to the end; returns the rows as "identifier:hits" words, with "!" behind idle ones. */
static const char *walk(struct report *report, char *out, size_t size)
{
    struct report_row row;
    struct error error = {0};
    enum lookup_result result = LOOKUP_ABSENT;
    out[0] = '\0';
    while ((result = report_next(report, &row, &error)) == LOOKUP_FOUND) {
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s%.*s:%llu%s", used > 0 ? " " : "", TEXT_ARGS(row.identifier),
                 (unsigned long long)row.hits, row.idle ? "!" : "");
    }
    assert_int_equal(result, LOOKUP_ABSENT);
    return out;
}

/* Three rows of source auth0 and four of default, with usage in the middle, at both ends, and of rows that are gone. */
static struct table *make_small(const char *store)
{
    struct table *table = open_table(store, TABLE_WRITE, 0);
    struct change *change = begin(table);
    put(change, "auth0", "acme", CONNECTION_STYTCH);
    put(change, "auth0", "globex", CONNECTION_STYTCH);
    put(change, "auth0", "initech", CONNECTION_LEGACY);
    put(change, "default", "acme", CONNECTION_STYTCH);
    put(change, "default", "hooli", CONNECTION_LEGACY);
    put(change, "default", "umbrella", CONNECTION_DISABLED);
    put(change, "default", "zorg", CONNECTION_LEGACY);
    commit(change);

    struct usage *usage = open_usage(store, 1, NOON);
    struct usage_lane *lane = usage_lane(usage, 0);
    usage_count(lane, TEXT("aaa"), TEXT("gone"), USAGE_STYTCH, NOON);
    usage_count(lane, TEXT("auth0"), TEXT("acme"), USAGE_STYTCH, NOON + 10 * DAY);
    usage_count(lane, TEXT("auth0"), TEXT("acme"), USAGE_FAILED, NOON + 50 * DAY);
    usage_count(lane, TEXT("auth0"), TEXT("gone"), USAGE_LEGACY, NOON + 50 * DAY);
    usage_count(lane, TEXT("auth0"), TEXT("initech"), USAGE_LEGACY, NOON + 10 * DAY);
    usage_count(lane, TEXT("default"), TEXT("hooli"), USAGE_LEGACY, NOON + 29 * DAY);
    usage_count(lane, TEXT("default"), TEXT("hooli"), USAGE_LEGACY, NOON + 30 * DAY);
    usage_count(lane, TEXT("default"), TEXT("zorg"), USAGE_LEGACY, NOON + 31 * DAY);
    usage_count(lane, TEXT("zzz"), TEXT("gone"), USAGE_STYTCH, NOON);
    usage_count_unknown(lane, TEXT("default"), TEXT("acmee"), NOON + 50 * DAY);
    usage_count_unknown(lane, TEXT("auth0"), TEXT("ACME"), NOON + 50 * DAY);
    usage_count_unknown(lane, TEXT("auth0"), TEXT("ACME"), NOON + 51 * DAY);
    usage_count_unknown(lane, TEXT("default"), TEXT("zorg"), NOON + 20 * DAY); /* which has a row by now */
    usage_close(usage);
    return table;
}

static void rows_are_joined_with_their_usage(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct table *table = make_small(store);
    const struct report_options options = {.store = store, .now = NOON + 60 * DAY};
    struct report *report = open_report(table, &options);
    char text[512];
    assert_string_equal(walk(report, text, sizeof(text)),
                        "acme:2 globex:0! initech:1! acme:0! hooli:2! umbrella:0! zorg:1");
    const struct report_totals *totals = report_totals(report);
    assert_int_equal(totals->rows[CONNECTION_STYTCH], 3);
    assert_int_equal(totals->rows[CONNECTION_LEGACY], 3);
    assert_int_equal(totals->rows[CONNECTION_DISABLED], 1);
    assert_int_equal(totals->seen[CONNECTION_STYTCH], 1);
    assert_int_equal(totals->seen[CONNECTION_LEGACY], 1);
    assert_int_equal(totals->seen[CONNECTION_DISABLED], 0);
    assert_int_equal(totals->idle, 5);
    assert_int_equal(totals->never, 3);
    assert_int_equal(totals->hits, 6);
    assert_int_equal(totals->unknown_hits, 4);
    assert_int_equal(totals->counted_since, NOON);
    assert_int_equal(totals->table.revision, 1);
    report_close(report);
    table_close(table);
}

static void a_report_can_be_read_again_and_row_by_row(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct table *table = make_small(store);
    const struct report_options options = {.store = store, .now = NOON + 60 * DAY, .source = TEXT("default")};
    struct report *report = open_report(table, &options);
    struct report_row row;
    struct error error = {0};
    char text[512];
    for (int i = 0; i < 2; ++i) {
        assert_string_equal(walk(report, text, sizeof(text)), "acme:0! hooli:2! umbrella:0! zorg:1");
        assert_int_equal(report_totals(report)->rows[CONNECTION_LEGACY], 2);
        assert_int_equal(report_totals(report)->hits, 3);
        assert_int_equal(report_totals(report)->unknown_hits, 4);
        assert_int_equal(report_totals(report)->counted_since, NOON);
        report_rewind(report);
    }
    assert_int_equal(report_next(report, &row, &error), LOOKUP_FOUND);
    assert_int_equal(report_find(report, text_slice("default\0zorg", 12), &row, &error), LOOKUP_FOUND);
    assert_text(row.identifier, "zorg");
    assert_int_equal(row.connection->row.state, CONNECTION_LEGACY);
    assert_int_equal(row.hits, 1);
    assert_int_equal(report_find(report, text_slice("default\0acme", 12), &row, &error), LOOKUP_FOUND);
    assert_int_equal(row.hits, 0);
    assert_int_equal(row.usage.last_seen, 0);
    assert_true(row.idle);
    assert_int_equal(report_find(report, text_slice("default\0none", 12), &row, &error), LOOKUP_ABSENT);
    /* None of which moved it. */
    assert_int_equal(report_next(report, &row, &error), LOOKUP_FOUND);
    assert_text(row.identifier, "hooli");
    assert_int_equal(report_totals(report)->hits, 2);
    report_close(report);
    table_close(table);
}

static void a_report_may_be_of_one_source(void **state)
{
    static const struct {
        const char *source, *rows;
    } cases[] = {
        {"auth0", "acme:2 globex:0! initech:1!"},
        {"default", "acme:0! hooli:2! umbrella:0! zorg:1"},
        {"auth", ""},
        {"zzz", ""},
    };
    const char *store = scratch_path(*state, "store");
    struct table *table = make_small(store);
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        const struct report_options options = {
            .store = store, .now = NOON + 60 * DAY, .source = text_of(cases[i].source)};
        struct report *report = open_report(table, &options);
        char text[512];
        assert_string_equal(walk(report, text, sizeof(text)), cases[i].rows);
        report_close(report);
    }
    table_close(table);
}

static void idle_is_what_the_options_say(void **state)
{
    static const struct {
        int64_t idle;
        uint64_t rows;
    } cases[] = {{0, 5}, {30 * DAY, 5}, {29 * DAY, 6}, {31 * DAY, 4}, {10 * DAY, 7}, {10 * DAY + 1, 6}, {51 * DAY, 3}};
    const char *store = scratch_path(*state, "store");
    struct table *table = make_small(store);
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        const struct report_options options = {.store = store, .now = NOON + 60 * DAY, .idle = cases[i].idle};
        struct report *report = open_report(table, &options);
        char text[512];
        walk(report, text, sizeof(text));
        assert_int_equal(report_totals(report)->idle, cases[i].rows);
        report_close(report);
    }
    table_close(table);
}

static void the_days_end_with_today(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct table *table = make_small(store);
    const struct report_options options = {.store = store, .now = NOON + 31 * DAY + HOUR, .source = TEXT("default")};
    struct report *report = open_report(table, &options);
    struct report_row row;
    struct error error = {0};
    assert_int_equal(report_next(report, &row, &error), LOOKUP_FOUND);
    assert_int_equal(row.usage.last_seen, 0);
    assert_int_equal(report_next(report, &row, &error), LOOKUP_FOUND);
    assert_text(row.identifier, "hooli");
    assert_int_equal(row.connection->row.state, CONNECTION_LEGACY);
    assert_int_equal(row.usage.hits[USAGE_LEGACY], 2);
    assert_int_equal(row.usage.first_seen, NOON + 29 * DAY);
    assert_int_equal(row.usage.last_seen, NOON + 30 * DAY);
    assert_int_equal(row.usage.days[USAGE_DAYS - 1], 0);
    assert_int_equal(row.usage.days[USAGE_DAYS - 2], 1);
    assert_int_equal(row.usage.days[USAGE_DAYS - 3], 1);
    report_close(report);
    table_close(table);
}

/* The process that counts reads itself, without closing what it counts into. */
static void a_report_reads_live(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct table *table = make_small(store);
    struct usage *usage = open_usage(store, 1, NOON);
    const struct report_options options = {.usage = usage, .now = NOON + 60 * DAY};
    struct report *report = open_report(table, &options);
    char text[512];
    assert_string_equal(walk(report, text, sizeof(text)),
                        "acme:2 globex:0! initech:1! acme:0! hooli:2! umbrella:0! zorg:1");
    report_close(report);
    usage_close(usage);
    table_close(table);
}

static void a_report_without_usage_shows_the_rows(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct table *table = open_table(store, TABLE_WRITE, 0);
    const struct report_unknown *unknown = NULL;
    size_t amount = 7;
    struct error error = {0};
    load_rows(table, 1, 3, 1);
    const struct report_options options = {.store = store, .now = NOON};
    struct report *report = open_report(table, &options);
    char text[512];
    assert_string_equal(walk(report, text, sizeof(text)), "row-000001:0! row-000002:0! row-000003:0!");
    assert_int_equal(report_totals(report)->counted_since, 0);
    assert_done(report_unknown(report, 10, &unknown, &amount, &error));
    assert_int_equal(amount, 0);
    report_close(report);
    /* Nor does it look for any where it is not to. */
    table_close(table);
    table = make_small(scratch_path(*state, "counted"));
    const struct report_options without = {.now = NOON + 60 * DAY};
    report = open_report(table, &without);
    assert_string_equal(walk(report, text, sizeof(text)),
                        "acme:0! globex:0! initech:0! acme:0! hooli:0! umbrella:0! zorg:0!");
    assert_int_equal(report_totals(report)->counted_since, 0);
    report_close(report);
    table_close(table);
}

/* -- who is not to be retired -- */

/* hooli has no hit, but another row of its connection has; old was used only then. A month later new was added, which
 * nobody can have used for that long; so was back, which had been there before. */
static void who_is_in_use_or_new_is_not_idle(void **state)
{
    const char *store = scratch_path(*state, "store");
    const int64_t now = clock_utc_us();
    struct table *table = open_table(store, TABLE_WRITE, 0);
    struct error error = {0};
    char rows[512], key[CONNECTION_KEY_SIZE_MAX];
    struct change *change = begin(table);
    put_of(change, 1, "default", "acme", CONNECTION_STYTCH);
    put_of(change, 2, "default", "back", CONNECTION_STYTCH);
    put_of(change, 1, "default", "hooli", CONNECTION_STYTCH);
    put_of(change, 3, "default", "old", CONNECTION_STYTCH);
    commit(change);
    struct usage *usage = open_usage(store, 1, clock_utc_us());
    count(usage, "acme", USAGE_STYTCH, clock_utc_us() + 40 * DAY);
    count(usage, "old", USAGE_STYTCH, now);
    usage_close(usage);
    change = begin(table);
    assert_done(change_remove(change, text_slice(key, connection_key(TEXT("default"), TEXT("back"), key)), &error));
    commit(change);
    change = begin(table);
    put_of(change, 2, "default", "back", CONNECTION_STYTCH);
    put_of(change, 4, "default", "new", CONNECTION_STYTCH);
    commit(change);

    struct report_options options = {.store = store, .now = clock_utc_us() + 40 * DAY, .idle = 40 * DAY - 1000000};
    struct report *report = open_report(table, &options);
    assert_string_equal(walk(report, rows, sizeof(rows)), "acme:1 back:0! hooli:0 new:0! old:1!");
    assert_int_equal(report_totals(report)->idle_never, 2);
    report_close(report);
    options.idle = 80 * DAY;
    report = open_report(table, &options);
    struct report_row row;
    size_t size = connection_key(TEXT("default"), TEXT("new"), key);
    assert_int_equal(report_find(report, text_slice(key, size), &row, &error), LOOKUP_FOUND);
    assert_false(row.idle);
    assert_string_equal(walk(report, rows, sizeof(rows)), "acme:1 back:0! hooli:0 new:0 old:1");
    assert_int_equal(report_totals(report)->never, 3);
    assert_int_equal(report_totals(report)->seen[CONNECTION_STYTCH], 2);
    assert_false(report_may_retire(report));
    report_close(report);
    table_close(table);
}

/* -- the verdict -- */

static const struct {
    unsigned stytch, legacy, disabled; /* rows, of which */
    unsigned seen;                     /* so many of the first have a hit 20 days after counting began, and */
    unsigned silent;                   /* so many behind them one on its first day */
    unsigned failed;                   /* so many of the first have one on the twentieth that failed */
    bool counted;
    int now;      /* days since counting began */
    int64_t idle; /* hours; 0: 30 days */
    const char *verdict;
    size_t rehearsing; /* of two routes */
    enum report_counting counting;
} verdicts[] = {
    {0, 0, 0, 0, 0, 0, true, 40, 0, "The table has no connections.", 0, COUNTING_ON},
    {4, 0, 0, 0, 0, 0, false, 0, 0,
     "4 of 4 connections are cut over. Nothing has been counted yet, so nothing is known of who still uses the old "
     "addresses.",
     0, COUNTING_ON},
    {4, 0, 0, 0, 0, 0, false, 0, 0,
     "4 of 4 connections are cut over. Counting is off (usage: false), so it is not known who still uses the old "
     "addresses.",
     0, COUNTING_OFF},
    {3, 2, 1, 2, 1, 0, true, 40, 0,
     "3 of 6 connections are cut over, 2 of them seen in the last 30 days; 2 are still legacy; 1 is disabled. Counts "
     "cannot be written, so it is not known who still uses the old addresses.",
     0, COUNTING_FAILS},
    {3, 2, 1, 2, 1, 0, true, 40, 0,
     "3 of 6 connections are cut over, 2 of them seen in the last 30 days; 2 are still legacy; 1 is disabled. 4 have "
     "been silent for 30 days, 3 of them ever since counting began.",
     0, COUNTING_ON},
    {2, 0, 0, 2, 0, 0, true, 40, 0,
     "2 of 2 connections are cut over, all of them seen in the last 30 days. None has been silent for 30 days.", 0,
     COUNTING_ON},
    {1, 0, 0, 1, 0, 0, true, 40, 0,
     "1 of 1 connection is cut over and was seen in the last 30 days. None has been silent for 30 days.", 0,
     COUNTING_ON},
    {2, 1, 0, 0, 3, 0, true, 40, 36,
     "2 of 3 connections are cut over, none of them seen in the last 36 hours; 1 is still legacy. 3 have been silent "
     "for 36 hours.",
     0, COUNTING_ON},
    {0, 1, 0, 0, 1, 0, true, 40, 24, "0 of 1 connection is cut over; 1 is still legacy. 1 has been silent for 1 day.",
     0, COUNTING_ON},
    {2, 1, 0, 1, 0, 0, true, 25, 0,
     "2 of 3 connections are cut over, 1 of them seen in the last 30 days; 1 is still legacy. Counting began only 25 "
     "days ago; 2 have not been seen since.",
     0, COUNTING_ON},
    {0, 2, 0, 0, 0, 0, true, 40, 0,
     "0 of 2 connections are cut over; 2 are still legacy. 2 have been silent for 30 days, ever since counting began.",
     0, COUNTING_ON},
    {1, 0, 0, 0, 0, 0, true, 0, 0,
     "1 of 1 connection is cut over but was not seen in the last 30 days. Counting began only 0 seconds ago; 1 has "
     "not been seen since.",
     0, COUNTING_ON},
    {2, 1, 0, 3, 0, 1, true, 40, 0,
     "2 of 3 connections are cut over, all of them seen in the last 30 days; 1 is still legacy. Requests for 1 "
     "connection have failed since counting began. None has been silent for 30 days.",
     0, COUNTING_ON},
    {0, 2, 0, 0, 0, 2, true, 40, 0,
     "0 of 2 connections are cut over; 2 are still legacy. Requests for 2 connections have failed since counting "
     "began. None has been silent for 30 days.",
     0, COUNTING_ON},
    {2, 1, 0, 1, 0, 0, true, 40, 0,
     "Rehearsal (observe): every sign-in goes to the old system. Without it, 2 of 3 connections would be cut over, 1 "
     "of them seen in the last 30 days; 1 is still legacy. 2 have been silent for 30 days, ever since counting began.",
     2, COUNTING_ON},
    {1, 0, 0, 1, 0, 0, true, 40, 0,
     "Rehearsal on some routes (observe): every sign-in by them goes to the old system. Without it, 1 of 1 connection "
     "would be cut over and was seen in the last 30 days. None has been silent for 30 days.",
     1, COUNTING_ON},
};

static void put_rows(struct change *change, unsigned *next, unsigned count, enum connection_state state)
{
    for (unsigned end = *next + count; *next < end; ++*next) {
        char name[16];
        snprintf(name, sizeof(name), "row-%03u", *next);
        put(change, "default", name, state);
    }
}

static void the_verdict_is_a_sentence(void **state)
{
    for (size_t i = 0; i < COUNT_OF(verdicts); ++i) {
        char file[16], text[REPORT_VERDICT_SIZE], rows[512];
        unsigned next = 0;
        snprintf(file, sizeof(file), "store-%zu", i);
        const char *store = scratch_path(*state, file);
        struct table *table = open_table(store, TABLE_WRITE, 0);
        struct change *change = begin(table);
        put_rows(change, &next, verdicts[i].stytch, CONNECTION_STYTCH);
        put_rows(change, &next, verdicts[i].legacy, CONNECTION_LEGACY);
        put_rows(change, &next, verdicts[i].disabled, CONNECTION_DISABLED);
        commit(change);
        struct usage *usage = verdicts[i].counted ? open_usage(store, 1, NOON) : NULL;
        for (unsigned k = 0; k < verdicts[i].seen + verdicts[i].silent; ++k) {
            char name[16];
            snprintf(name, sizeof(name), "row-%03u", k);
            count(usage, name, USAGE_STYTCH, NOON + (k < verdicts[i].seen ? 20 * DAY : 0));
        }
        for (unsigned k = 0; k < verdicts[i].failed; ++k) {
            char name[16];
            snprintf(name, sizeof(name), "row-%03u", k);
            count(usage, name, USAGE_FAILED, NOON + 20 * DAY);
        }
        usage_close(usage);

        const struct report_options options = {.store = store,
                                               .now = NOON + verdicts[i].now * DAY,
                                               .idle = verdicts[i].idle * HOUR,
                                               .routes = 2,
                                               .rehearsing = verdicts[i].rehearsing,
                                               .counting = verdicts[i].counting};
        struct report *report = open_report(table, &options);
        walk(report, rows, sizeof(rows));
        report_verdict(report, text, sizeof(text));
        assert_string_equal(text, verdicts[i].verdict);
        assert_int_equal(report_may_retire(report), verdicts[i].counted && options.now - NOON >= 30 * DAY &&
                                                        verdicts[i].rehearsing == 0 &&
                                                        verdicts[i].counting == COUNTING_ON);
        report_verdict(report, rows, 10); /* is cut, not overrun */
        assert_memory_equal(rows, verdicts[i].verdict, 9);
        assert_int_equal(strlen(rows), 9);
        report_close(report);
        table_close(table);
    }
}

/* -- unknown identifiers -- */

static void unknown_ones_come_with_their_source_and_without_those_that_have_a_row(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct table *table = make_small(store);
    const struct report_options options = {.store = store, .now = NOON + 60 * DAY};
    struct report *report = open_report(table, &options);
    char text[512];
    walk(report, text, sizeof(text));
    const struct report_unknown *unknown = read_unknown(report, 10, 2);
    assert_text(unknown[0].source, "auth0");
    assert_text(unknown[0].identifier, "ACME");
    assert_text(unknown[0].meant, "acme");
    assert_int_equal(unknown[0].hits, 2);
    assert_int_equal(unknown[0].first_seen, NOON + 50 * DAY);
    assert_int_equal(unknown[0].last_seen, NOON + 51 * DAY);
    assert_text(unknown[1].source, "default");
    assert_text(unknown[1].identifier, "acmee");
    assert_text(unknown[1].meant, "acme");
    /* Only so many are compared, those that come most often first. */
    unknown = read_unknown(report, 1, 2);
    assert_text(unknown[0].meant, "acme");
    assert_int_equal(unknown[1].meant.size, 0);
    report_close(report);
    table_close(table);
}

static const char *const known[] = {
    "ab",
    "acme",
    "acme-corp",
    "globex",
    "initech-europe",
    "51861cbc-d3b9-428b-9761-227f5fb12be9",
    "Umbrella",
    "soylent%20gr%C3%BCn",
};

static const struct {
    const char *unknown, *meant;
} meanings[] = {
    {"ACME-Corp", "acme-corp"},
    {"acme_corp", "acme-corp"},
    {"acmecorp", "acme-corp"},
    {"amce-corp", "acme-corp"},
    {"acme-crp", "acme-corp"},
    {"acne", "acme"},
    {"acmes", "acme"},
    {"umbrella", "Umbrella"},
    {"gloebx", "globex"},
    {"initech-eu", ""}, /* four of ten */
    {"initech_europa", "initech-europe"},
    {"51861cbc-d3b9-428b-9761-227f5fb12be", "51861cbc-d3b9-428b-9761-227f5fb12be9"},
    {"51861CBC-D3B9-428B-9761-227F5FB12BE9", "51861cbc-d3b9-428b-9761-227f5fb12be9"},
    {"51861cbcd3b9428b9761227f5fb12be9", "51861cbc-d3b9-428b-9761-227f5fb12be9"},
    {"61961cbc-d3b9-428b-9761-227f5fb13ce8", ""}, /* five of 36 */
    {"AB", "ab"},
    {"a", ""}, /* of so short a one any name is near */
    {"xy", ""},
    {"hooli", ""},
    {"soylent gr\xc3\xbcn", "soylent%20gr%C3%BCn"}, /* which no URL leads to */
};

static void what_was_meant_is_near(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct table *table = open_table(store, TABLE_WRITE, 0);
    struct change *change = begin(table);
    struct usage *usage = open_usage(store, 1, NOON);
    for (size_t i = 0; i < COUNT_OF(known); ++i)
        put(change, "default", known[i], CONNECTION_STYTCH);
    put(change, "other", "hooli", CONNECTION_STYTCH);
    commit(change);
    for (size_t i = 0; i < COUNT_OF(meanings); ++i)
        count_unknown(usage, meanings[i].unknown, NOON);
    usage_close(usage);

    const struct report_options options = {.store = store, .now = NOON};
    struct report *report = open_report(table, &options);
    const struct report_unknown *unknown = read_unknown(report, SIZE_MAX, COUNT_OF(meanings));
    for (size_t i = 0; i < COUNT_OF(meanings); ++i) {
        size_t at = 0;
        while (!text_equal(unknown[at].identifier, text_of(meanings[i].unknown)))
            assert_true(++at < COUNT_OF(meanings));
        if (!text_equal(unknown[at].meant, text_of(meanings[i].meant)))
            fail_msg("%s: \"%.*s\", not \"%s\"", meanings[i].unknown, TEXT_ARGS(unknown[at].meant), meanings[i].meant);
    }
    report_close(report);
    table_close(table);
}

/* More than a tenth of the days, and more than one. */
static void few_days_without_counting_do_not_matter(void **state)
{
    static const struct {
        unsigned uncounted, days;
        bool missed;
    } gaps[] = {{0, 90, false}, {1, 2, false}, {2, 20, false}, {2, 19, true}, {9, 90, false}, {10, 90, true}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(gaps); ++i) {
        const struct report_totals totals = {.uncounted_days = gaps[i].uncounted, .idle_days = gaps[i].days};
        assert_int_equal(report_misses_days(&totals), gaps[i].missed);
    }
}

/* It asks for what the file's totals say, and for nothing that takes a walk through the hits. */
static void a_glance_does_not_look_for_days_without_counting(void **state)
{
    const char *store = scratch_path(*state, "store");
    const int64_t now = clock_utc_us();
    struct table *table = open_table(store, TABLE_WRITE, 0);
    struct usage *usage = open_usage(store, 1, now);
    count(usage, "acme", USAGE_STYTCH, now);
    usage_close(usage);
    for (int glance = 0; glance < 2; ++glance) {
        const struct report_options options = {.store = store, .now = now + 5 * DAY, .glance = glance == 1};
        struct report *report = open_report(table, &options);
        assert_int_equal(report_totals(report)->counted_hits, 1);
        assert_int_equal(report_totals(report)->uncounted_days > 0, glance == 0);
        report_close(report);
    }
    table_close(table);
}

/* Names that differ from very many rows by an edit more than is near, at both ends: each asks for a distance in full,
 * and gives up long before it comes to the last row, though that is near. One that is not so finds its row. */
static void names_made_to_be_slow_do_not_hold_a_report_up(void **state)
{
    enum { ROWS = 2000, NAMES = 99 };
    const char *store = scratch_path(*state, "store");
    struct table *table = open_table(store, TABLE_WRITE, 0);
    struct change *change = begin(table);
    struct usage *usage = open_usage(store, 1, NOON);
    char name[IDENTIFIER_SIZE_MAX];
    for (unsigned i = 0; i < ROWS; ++i) {
        snprintf(name, sizeof(name), "https://login.example.com/%0200d/%06u/metadata", 0, i);
        put_of(change, i, "default", name, CONNECTION_STYTCH);
    }
    snprintf(name, sizeof(name), "hxxps://login.example.com/%0200d/000001/metadata", 0);
    put_of(change, ROWS, "default", name, CONNECTION_STYTCH);
    commit(change);
    for (unsigned i = 0; i < NAMES; ++i) {
        snprintf(name, sizeof(name), "hxxps://login.example.com/%0200d/%06u/metadayyy", 0, i);
        count_unknown(usage, name, NOON);
    }
    snprintf(name, sizeof(name), "https://login.example.com/%0200d/000123/meta-data", 0);
    count_unknown(usage, name, NOON);
    usage_close(usage);

    const struct report_options options = {.store = store, .now = NOON};
    struct report *report = open_report(table, &options);
    const struct report_unknown *unknown = read_unknown(report, SIZE_MAX, NAMES + 1);
    for (size_t i = 0; i < NAMES + 1; ++i) {
        if (text_ends(unknown[i].identifier, TEXT("/000123/meta-data")))
            assert_true(text_ends(unknown[i].meant, TEXT("/000123/metadata")));
        else
            assert_int_equal(unknown[i].meant.size, 0);
    }
    report_close(report);
    table_close(table);
}

/* -- a model -- */

enum { MODEL_NAMES = 3000 };

struct model_row {
    bool there;
    uint32_t hits;
};

/* Each name is a row or not, and was used or not. Returns the hits of those that are rows. */
static uint64_t make_model(const char *store, struct table *table, struct model_row *model)
{
    uint64_t random = 88172645463325252u, hits = 0;
    struct change *change = begin(table);
    struct usage *usage = open_usage(store, 1, NOON);
    for (unsigned i = 0; i < MODEL_NAMES; ++i) {
        char name[32];
        /* Lengths differ, so that keys are prefixes of each other. */
        snprintf(name, sizeof(name), "%x", i);
        model[i] = (struct model_row){random_below(&random, 3) > 0, random_below(&random, 4)};
        if (model[i].there)
            put(change, "default", name, CONNECTION_LEGACY);
        for (unsigned k = 0; k < model[i].hits; ++k)
            count(usage, name, USAGE_LEGACY, NOON);
        hits += model[i].there ? model[i].hits : 0;
    }
    commit(change);
    usage_close(usage);
    return hits;
}

static void a_join_of_many_rows_equals_a_model(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct model_row model[MODEL_NAMES];
    struct table *table = open_table(store, TABLE_WRITE, 0);
    uint64_t expected_hits = make_model(store, table, model);
    const struct report_options options = {.store = store, .now = NOON};
    struct report *report = open_report(table, &options);
    struct report_row row;
    struct error error = {0};
    unsigned rows = 0;
    while (report_next(report, &row, &error) == LOOKUP_FOUND) {
        char name[32];
        snprintf(name, sizeof(name), "%.*s", TEXT_ARGS(row.identifier));
        unsigned long number = strtoul(name, NULL, 16);
        assert_true(number < MODEL_NAMES && model[number].there);
        assert_int_equal(row.hits, model[number].hits);
        model[number].there = false;
        ++rows;
    }
    for (unsigned i = 0; i < MODEL_NAMES; ++i)
        assert_false(model[i].there);
    assert_int_equal(report_totals(report)->rows[CONNECTION_LEGACY], rows);
    assert_int_equal(report_totals(report)->hits, expected_hits);
    report_close(report);
    table_close(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(rows_are_joined_with_their_usage),
        scratch_test(a_report_can_be_read_again_and_row_by_row),
        scratch_test(a_report_may_be_of_one_source),
        scratch_test(who_is_in_use_or_new_is_not_idle),
        scratch_test(idle_is_what_the_options_say),
        scratch_test(the_days_end_with_today),
        scratch_test(a_report_reads_live),
        scratch_test(a_report_without_usage_shows_the_rows),
        scratch_test(the_verdict_is_a_sentence),
        scratch_test(unknown_ones_come_with_their_source_and_without_those_that_have_a_row),
        scratch_test(what_was_meant_is_near),
        cmocka_unit_test(few_days_without_counting_do_not_matter),
        scratch_test(a_glance_does_not_look_for_days_without_counting),
        scratch_test(names_made_to_be_slow_do_not_hold_a_report_up),
        scratch_test(a_join_of_many_rows_equals_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
