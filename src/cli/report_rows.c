#include "report_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "rows.h"
#include "ssoferry/memory.h"

/* -- options -- */

/* Added to any time of day, it still fits. */
static const int64_t duration_max = INT64_MAX / 2;

/* Reads "30d" or "12h" into microseconds. */
static bool parse_duration(struct text word, int64_t *duration)
{
    static const struct {
        char letter;
        int64_t size;
    } units[] = {
        {'w', 7 * REPORT_DAY}, {'d', REPORT_DAY}, {'h', REPORT_DAY / 24}, {'m', REPORT_DAY / 1440}, {'s', 1000000}};
    for (size_t i = 0; word.size > 1 && i < sizeof(units) / sizeof(units[0]); ++i) {
        uint64_t number;
        if (word.at[word.size - 1] != units[i].letter ||
            !text_to_number(text_slice(word.at, word.size - 1), (uint64_t)(duration_max / units[i].size), &number))
            continue;
        *duration = (int64_t)number * units[i].size;
        return number > 0;
    }
    return false;
}

static bool parse_order(struct text word, enum report_order *order)
{
    static const char *const names[] = {"identifier", "hits", "failed", "last_seen"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        if (text_equal(word, text_of(names[i]))) {
            *order = (enum report_order)i;
            return true;
        }
    }
    return false;
}

bool report_rows_choose(struct report_rows *rows, const struct arguments *arguments, int64_t now, struct error *error)
{
    *rows = (struct report_rows){
        .now = now,
        .idle = REPORT_IDLE_DAYS * REPORT_DAY,
        .any_state = arguments->state == NULL,
        .silent_only = arguments->silent,
        .limit = arguments->limit.given ? arguments->limit.value : UINT64_MAX,
    };
    if (arguments->source != NULL && !rows_source(arguments, &rows->source, error))
        return false;
    if (arguments->state != NULL && !connection_state_parse(text_of(arguments->state), &rows->state))
        return error_set(error, ERROR_INPUT, "--state: '%s' is not a state; there are stytch, legacy and disabled",
                         arguments->state);
    if (arguments->idle != NULL && !parse_duration(text_of(arguments->idle), &rows->idle))
        return error_set(error, ERROR_INPUT, "--idle: '%s' is not a time such as 30d, 12h or 90m", arguments->idle);
    if (arguments->sort != NULL && !parse_order(text_of(arguments->sort), &rows->order))
        return error_set(error, ERROR_INPUT,
                         "--sort: '%s' is not an order; there are hits, failed, last_seen and identifier",
                         arguments->sort);
    return true;
}

/* -- sorting -- */

/* Holds only the row's name; the row is looked up again when it is shown. */
struct sorted_row {
    uint64_t weight; /* the heaviest comes first; ties are sorted by key */
    struct text key;
};

static int compare_rows(const void *a, const void *b)
{
    const struct sorted_row *left = a, *right = b;
    if (left->weight != right->weight)
        return left->weight > right->weight ? -1 : 1;
    return text_compare(left->key, right->key);
}

static void free_key(struct sorted_row *row)
{
    free((void *)(uintptr_t)row->key.at);
}

/* Keeps no more rows than are shown. */
static void sort_and_cut(struct report_rows *rows)
{
    if (rows->sorted_count > 0)
        qsort(rows->sorted, rows->sorted_count, sizeof(*rows->sorted), compare_rows);
    while (rows->sorted_count > rows->limit)
        free_key(&rows->sorted[--rows->sorted_count]);
}

static uint64_t weight_of(enum report_order order, const struct report_row *row)
{
    switch (order) {
    case ORDER_IDENTIFIER:
        return 0;
    case ORDER_HITS:
        return row->hits;
    case ORDER_FAILED:
        return row->usage.hits[USAGE_FAILED];
    case ORDER_LAST_SEEN:
        return (uint64_t)row->usage.last_seen;
    }
    return 0;
}

static void remember(struct report_rows *rows, size_t *room, const struct report_row *row)
{
    enum { ROOM_AT_FIRST = 1024 };
    if (rows->order == ORDER_IDENTIFIER && rows->sorted_count >= rows->limit)
        return; /* they come in that order already */
    if (rows->sorted_count == *room && rows->sorted_count / 2 >= rows->limit)
        sort_and_cut(rows);
    if (rows->sorted_count == *room) {
        *room = *room > 0 ? 2 * *room : ROOM_AT_FIRST;
        rows->sorted = memory_resize(rows->sorted, *room * sizeof(*rows->sorted));
    }
    const struct text key = row->usage.key;
    rows->sorted[rows->sorted_count++] = (struct sorted_row){
        .weight = weight_of(rows->order, row),
        .key = {memory_string(key), key.size},
    };
}

/* -- walking -- */

static bool is_asked_for(const struct report_rows *rows, const struct report_row *row)
{
    return (rows->any_state || row->connection->row.state == rows->state) && (!rows->silent_only || row->idle);
}

/* Begins a pass that shows rows, or only reads them. */
static void count_progress(const struct report_rows *rows, bool shows, uint64_t steps)
{
    if (shows && rows->printing)
        progress_count_printed(rows->progress, steps);
    else
        progress_count(rows->progress, "reading the table", steps);
}

/* One pass in the table's order: shows rows, or remembers them if `on_row` is NULL. */
static bool walk(struct report_rows *rows, void (*on_row)(void *context, const struct report_row *row), void *context,
                 struct error *error)
{
    struct report_row row;
    enum lookup_result result = LOOKUP_ABSENT;
    size_t room = 0;
    report_rewind(rows->report);
    count_progress(rows, on_row != NULL, table_state_total(&report_totals(rows->report)->table));
    while (!ferror(stdout) && (result = report_next(rows->report, &row, error)) == LOOKUP_FOUND) {
        progress_step(rows->progress);
        if (!is_asked_for(rows, &row))
            continue;
        if (on_row == NULL)
            remember(rows, &room, &row);
        else
            on_row(context, &row);
    }
    return result != LOOKUP_FAILED;
}

static bool each(struct report_rows *rows, void (*on_row)(void *context, const struct report_row *row), void *context,
                 struct error *error)
{
    if (rows->order == ORDER_IDENTIFIER && rows->limit == UINT64_MAX)
        return walk(rows, on_row, context, error);
    if (!rows->collected) {
        if (!walk(rows, NULL, NULL, error))
            return false;
        sort_and_cut(rows);
        rows->collected = true;
    }
    count_progress(rows, true, rows->sorted_count);
    for (size_t i = 0; i < rows->sorted_count && !ferror(stdout); ++i) {
        struct report_row row;
        progress_step(rows->progress);
        enum lookup_result result = report_find(rows->report, rows->sorted[i].key, &row, error);
        if (result == LOOKUP_FAILED)
            return false;
        if (result == LOOKUP_FOUND)
            on_row(context, &row);
    }
    return true;
}

bool report_rows_each(struct report_rows *rows, void (*on_row)(void *context, const struct report_row *row),
                      void *context, struct error *error)
{
    const bool good = each(rows, on_row, context, error);
    progress_erase(rows->progress);
    return good;
}

void report_rows_release(struct report_rows *rows)
{
    for (size_t i = 0; i < rows->sorted_count; ++i)
        free_key(&rows->sorted[i]);
    free(rows->sorted);
}
