#include "ssoferry/report.h"

#include <stdlib.h>

#include "ssoferry/memory.h"
#include "spared.h"
#include "suggest.h"
#include "verdict.h"

/* Most comparisons of an unknown identifier with a row; they take some tenths of a second. */
static const uint64_t comparisons_max = 40 * 1000 * 1000;

struct report {
    struct report_options options;
    struct snapshot *snapshot;
    struct usage_reader *usage; /* NULL: nothing was ever counted */
    enum { USAGE_UNREAD, USAGE_AHEAD, USAGE_AT_END } reach;
    struct usage_row ahead; /* the next row of usage, if USAGE_AHEAD */
    struct connection_buffer connection;
    struct report_totals totals;
    bool has_spared; /* what follows is complete: at the first row, because it takes a walk */
    struct spared spared;
    struct arena *arena; /* for what follows */
    struct report_unknown *unknown;
};

/* -- opening -- */

/* Goes to before the first row of the source, or of all. */
static void go_to_start(struct report *report)
{
    char key[SOURCE_SIZE_MAX + 1];
    const struct text source = report->options.source;
    const struct text from = {key, source.size <= SOURCE_SIZE_MAX ? source_first_key(source, key) : 0};
    snapshot_seek(report->snapshot, from);
    if (report->usage != NULL)
        usage_reader_seek(report->usage, from);
    report->reach = USAGE_UNREAD;
}

void report_rewind(struct report *report)
{
    const struct report_totals *old = &report->totals;
    report->totals = (struct report_totals){.table = old->table,
                                            .counted_since = old->counted_since,
                                            .idle_days = old->idle_days,
                                            .uncounted_days = old->uncounted_days,
                                            .forgotten_days = old->forgotten_days,
                                            .additions_known_since = old->additions_known_since,
                                            .unknown_hits = old->unknown_hits,
                                            .counted_hits = old->counted_hits};
    go_to_start(report);
}

static unsigned days_beyond_known(int64_t idle)
{
    const int64_t beyond = idle - USAGE_DAYS * REPORT_DAY;
    return beyond > 0 ? (unsigned)((beyond - 1) / REPORT_DAY) + 1 : 0;
}

/* Counts days without counting, when silence says nothing about the customers. */
static bool look_for_gaps(struct report *report, struct error *error)
{
    const struct report_options *options = &report->options;
    int64_t days = options->now / REPORT_DAY - (options->now - options->idle) / REPORT_DAY + 1;
    report->totals.idle_days = days < USAGE_DAYS ? (unsigned)days : USAGE_DAYS;
    return usage_reader_uncounted(report->usage, report->totals.idle_days, &report->totals.uncounted_days, error);
}

/* Finds how far back it is known which rows are new. Those that were there when counting began have been silent since
 * then, however new they were. */
static bool look_for_additions(struct report *report, struct error *error)
{
    const struct report_options *options = &report->options;
    const int64_t idle_since = options->now - options->idle, counted_since = report->totals.counted_since;
    return spared_look_back(&report->spared, report->snapshot, idle_since > counted_since ? idle_since : counted_since,
                            options->now, &report->totals.additions_known_since, error);
}

static bool open_usage(struct report *report, struct error *error)
{
    const struct report_options *options = &report->options;
    bool good = true;
    if (options->usage != NULL)
        good = usage_reader_open_live(&report->usage, options->usage, options->now, error);
    else if (options->store != NULL)
        good = usage_reader_open(&report->usage, options->store, options->now, error);
    if (good && report->usage != NULL) {
        const struct usage_totals *counted = usage_reader_totals(report->usage);
        report->totals.counted_since = counted->since;
        report->totals.unknown_hits = counted->unknown_hits;
        for (int i = 0; i < USAGE_OUTCOMES; ++i)
            report->totals.counted_hits += counted->hits[i];
        good = options->glance || (look_for_gaps(report, error) && look_for_additions(report, error));
    }
    return good;
}

bool report_open(struct report **opened, struct table *table, const struct report_options *options, struct error *error)
{
    struct report *report = memory_zeroed(1, sizeof(*report));
    report->options = *options;
    report->arena = arena_new();
    if (report->options.idle == 0)
        report->options.idle = REPORT_IDLE_DAYS * REPORT_DAY;
    report->totals.forgotten_days = days_beyond_known(report->options.idle);
    if (!snapshot_open(&report->snapshot, table, error) || !open_usage(report, error)) {
        report_close(report);
        return false;
    }
    report->totals.table = *snapshot_state(report->snapshot);
    go_to_start(report);
    *opened = report;
    return true;
}

void report_close(struct report *report)
{
    if (report == NULL)
        return;
    usage_reader_close(report->usage);
    snapshot_close(report->snapshot);
    spared_release(&report->spared);
    arena_free(report->arena);
    free(report->unknown);
    free(report);
}

/* -- rows -- */

static bool is_wanted(const struct report *report, struct text source)
{
    return report->options.source.size == 0 || text_equal(report->options.source, source);
}

static enum lookup_result advance(struct report *report, struct error *error)
{
    enum lookup_result result = usage_reader_next(report->usage, &report->ahead, error);
    report->reach = result == LOOKUP_FOUND ? USAGE_AHEAD : USAGE_AT_END;
    return result;
}

/* Both sides come in key order. Usage of rows that are no longer in the table is skipped. */
static enum lookup_result join(struct report *report, struct text key, struct usage_row *usage, struct error *error)
{
    if (report->usage == NULL)
        return LOOKUP_ABSENT;
    while (report->reach == USAGE_UNREAD ||
           (report->reach == USAGE_AHEAD && text_compare(report->ahead.key, key) < 0)) {
        if (advance(report, error) == LOOKUP_FAILED)
            return LOOKUP_FAILED;
    }
    if (report->reach == USAGE_AT_END || !text_equal(report->ahead.key, key))
        return LOOKUP_ABSENT;
    *usage = report->ahead;
    return LOOKUP_FOUND;
}

static void add_up(struct report_totals *totals, const struct report_row *row)
{
    enum connection_state state = row->connection->row.state;
    ++totals->rows[state];
    totals->seen[state] += row->seen;
    totals->idle += row->idle;
    totals->idle_never += row->idle && row->hits == 0;
    totals->never += row->hits == 0;
    totals->failed += row->usage.hits[USAGE_FAILED] > 0;
    totals->hits += row->hits;
}

static bool read_row(struct report *report, struct text key, struct text record, struct report_row *row,
                     struct error *error)
{
    struct error why;
    if (!connection_key_split(key, &row->source, &row->identifier))
        return error_set(error, ERROR_FAILED, "the table has a key that cannot be read: the store is damaged");
    row->connection = &report->connection;
    return connection_decode(record, &report->connection, &why) ||
           error_set(error, ERROR_FAILED, "%.*s in source %.*s: %s", TEXT_ARGS(row->identifier), TEXT_ARGS(row->source),
                     why.message);
}

static void finish_row(const struct report *report, struct text key, enum lookup_result used, struct report_row *row)
{
    if (used != LOOKUP_FOUND)
        row->usage = (struct usage_row){.key = key};
    row->hits = 0;
    for (int i = 0; i < USAGE_OUTCOMES; ++i)
        row->hits += row->usage.hits[i];
    row->seen = row->hits > 0 && row->usage.last_seen > report->options.now - report->options.idle;
    row->idle = !row->seen && !spared_has(&report->spared, key, row->connection->row.connection_id);
}

/* Keeps the report before its first row. */
static bool collect_spared(struct report *report, const struct report_watch *watch, struct error *error)
{
    const struct report_options *options = &report->options;
    if (report->has_spared || report->usage == NULL)
        return true;
    report->has_spared = spared_collect(&report->spared, report->snapshot, report->usage, options, watch, error);
    go_to_start(report);
    return report->has_spared;
}

bool report_prepare(struct report *report, const struct report_watch *watch, struct error *error)
{
    return collect_spared(report, watch, error);
}

enum lookup_result report_next(struct report *report, struct report_row *row, struct error *error)
{
    struct table_row found;
    if (!report_goes_on(&report->options, error) || !collect_spared(report, NULL, error))
        return LOOKUP_FAILED;
    enum lookup_result result = snapshot_next(report->snapshot, &found, error);
    if (result != LOOKUP_FOUND)
        return result;
    if (!read_row(report, found.key, found.record, row, error))
        return LOOKUP_FAILED;
    if (!is_wanted(report, row->source))
        return LOOKUP_ABSENT;
    result = join(report, found.key, &row->usage, error);
    if (result == LOOKUP_FAILED)
        return result;
    finish_row(report, found.key, result, row);
    add_up(&report->totals, row);
    return LOOKUP_FOUND;
}

enum lookup_result report_find(struct report *report, struct text key, struct report_row *row, struct error *error)
{
    if (!collect_spared(report, NULL, error))
        return LOOKUP_FAILED;
    if (!connection_key_split(key, &row->source, &row->identifier))
        return LOOKUP_ABSENT;
    row->connection = &report->connection;
    enum lookup_result result =
        snapshot_find(report->snapshot, row->source, row->identifier, &report->connection, error);
    if (result != LOOKUP_FOUND)
        return result;
    result = report->usage != NULL ? usage_reader_find(report->usage, key, &row->usage, error) : LOOKUP_ABSENT;
    if (result == LOOKUP_FAILED)
        return result;
    finish_row(report, key, result, row);
    return LOOKUP_FOUND;
}

const struct report_totals *report_totals(const struct report *report)
{
    return &report->totals;
}

void report_verdict(const struct report *report, char *out, size_t size)
{
    verdict_write(&report->totals, &report->options, report_doubt(report), out, size);
}

const char *report_counting_name(enum report_counting counting)
{
    static const char *const names[] = {"on", "off", "failing"};
    return names[counting];
}

enum report_doubt report_doubt(const struct report *report)
{
    const struct report_options *options = &report->options;
    const struct report_totals *totals = &report->totals;
    if (options->counting != COUNTING_ON)
        return options->counting == COUNTING_OFF ? REPORT_COUNTING_IS_OFF : REPORT_COUNTING_FAILS;
    if (totals->counted_since == 0)
        return REPORT_NOTHING_COUNTED;
    if (totals->forgotten_days > 0)
        return REPORT_IDLE_TOO_LONG;
    if (options->now - totals->counted_since < options->idle)
        return REPORT_COUNTING_IS_NEW;
    if (report_misses_days(totals))
        return REPORT_DAYS_MISSED;
    if (totals->additions_known_since != 0)
        return REPORT_ROWS_MAY_BE_NEW;
    return options->rehearsing > 0 ? REPORT_REHEARSING : REPORT_CERTAIN;
}

struct text report_doubt_name(enum report_doubt doubt)
{
    static const char *const names[] = {
        [REPORT_CERTAIN] = "",
        [REPORT_COUNTING_IS_OFF] = "counting_is_off",
        [REPORT_COUNTING_FAILS] = "counting_fails",
        [REPORT_NOTHING_COUNTED] = "nothing_counted",
        [REPORT_IDLE_TOO_LONG] = "idle_too_long",
        [REPORT_COUNTING_IS_NEW] = "counting_is_new",
        [REPORT_DAYS_MISSED] = "days_missed",
        [REPORT_ROWS_MAY_BE_NEW] = "rows_may_be_new",
        [REPORT_REHEARSING] = "rehearsing",
    };
    return text_of(names[doubt]);
}

bool report_may_retire(const struct report *report)
{
    return report_doubt(report) == REPORT_CERTAIN;
}

/* -- unknown identifiers -- */

/* Selects those of the wanted source that still have no row. Returns their number. */
static size_t choose_unknown(struct report *report, const struct usage_unknown *from, size_t from_count)
{
    struct connection_buffer buffer;
    struct error error;
    size_t count = 0;
    report->unknown = memory_zeroed(from_count, sizeof(report->unknown[0]));
    for (size_t i = 0; i < from_count; ++i) {
        struct report_unknown *to = &report->unknown[count];
        if (!connection_key_split(from[i].key, &to->source, &to->identifier) || !is_wanted(report, to->source) ||
            snapshot_find(report->snapshot, to->source, to->identifier, &buffer, &error) != LOOKUP_ABSENT)
            continue;
        to->hits = from[i].hits;
        to->error = from[i].error;
        to->first_seen = from[i].first_seen;
        to->last_seen = from[i].last_seen;
        ++count;
    }
    return count;
}

static bool compare_with_rows(struct report *report, struct suggest *suggest, struct error *error)
{
    struct table_row row;
    struct text source, identifier;
    enum lookup_result result = LOOKUP_ABSENT;
    go_to_start(report);
    while ((result = snapshot_next(report->snapshot, &row, error)) == LOOKUP_FOUND) {
        if (!connection_key_split(row.key, &source, &identifier))
            continue;
        if (!is_wanted(report, source))
            return true;
        suggest_offer(suggest, source, identifier);
    }
    return result == LOOKUP_ABSENT;
}

/* Finds what the first `count` may have meant. */
static bool find_meant(struct report *report, size_t count, struct error *error)
{
    struct suggest suggest;
    struct wanted *wanted = memory_zeroed(count, sizeof(*wanted));
    for (size_t i = 0; i < count; ++i) {
        wanted[i].source = report->unknown[i].source;
        wanted[i].identifier = report->unknown[i].identifier;
    }
    suggest_start(&suggest, wanted, count, arena_memory(report->arena));
    bool good = compare_with_rows(report, &suggest, error);
    suggest_end(&suggest);
    for (size_t i = 0; i < count; ++i)
        report->unknown[i].meant = wanted[i].meant;
    free(wanted);
    return good;
}

/* The most frequent first. Of as many hits, most are of strangers; one that is close to a row is more likely a
 * customer's. */
static int compare_unknown(const void *a, const void *b)
{
    const struct report_unknown *left = a, *right = b;
    if (left->hits != right->hits)
        return left->hits > right->hits ? -1 : 1;
    if ((left->meant.size > 0) != (right->meant.size > 0))
        return left->meant.size > 0 ? -1 : 1;
    const int source = text_compare(left->source, right->source);
    return source != 0 ? source : text_compare(left->identifier, right->identifier);
}

bool report_unknown(struct report *report, size_t suggest, const struct report_unknown **unknown, size_t *count,
                    struct error *error)
{
    const struct usage_unknown *from = NULL;
    size_t from_count = 0;
    if (report->usage != NULL && !usage_reader_unknown(report->usage, &from, &from_count, error))
        return false;
    free(report->unknown);
    *count = choose_unknown(report, from, from_count);
    *unknown = report->unknown;
    uint64_t rows = table_state_total(&report->totals.table);
    uint64_t affordable = rows > 0 ? comparisons_max / rows : 0;
    suggest = suggest < *count ? suggest : *count;
    suggest = suggest < affordable ? suggest : (size_t)affordable;
    if (suggest == 0)
        return true;
    bool good = find_meant(report, suggest, error);
    qsort(report->unknown, *count, sizeof(report->unknown[0]), compare_unknown);
    return good;
}
