#include "rows.h"

#include "context.h"
#include "output.h"
#include "ssoferry/log.h"
#include "ssoferry/revision.h"

enum { SOURCES_SHOWN = 8, ROWS_ASKED_MAX = 1000 };

bool rows_source(const struct arguments *arguments, struct text *source, struct error *error)
{
    *source = arguments->source != NULL ? text_of(arguments->source) : TEXT("default");
    const char *problem = source_problem(*source);
    return problem == NULL ||
           error_set(error, ERROR_INPUT, "--source: the source '%.*s' %s", TEXT_ARGS(*source), problem);
}

void rows_seek(struct snapshot *snapshot, struct text source)
{
    char key[SOURCE_SIZE_MAX + 1];
    snapshot_seek(snapshot, text_slice(key, source_first_key(source, key)));
}

enum lookup_result rows_next(struct snapshot *snapshot, struct text source, struct table_row *row,
                             struct text *row_source, struct text *identifier, struct error *error)
{
    enum lookup_result result = snapshot_next(snapshot, row, error);
    if (result != LOOKUP_FOUND)
        return result;
    if (!connection_key_split(row->key, row_source, identifier)) {
        error_set(error, ERROR_FAILED, "a row of the table has a key that cannot be read: the store is damaged");
        return LOOKUP_FAILED;
    }
    return source.size == 0 || text_equal(source, *row_source) ? LOOKUP_FOUND : LOOKUP_ABSENT;
}

enum lookup_result rows_next_source(struct snapshot *snapshot, struct text after, char *name, struct error *error)
{
    char key[SOURCE_SIZE_MAX + 1];
    snapshot_seek(snapshot, text_slice(key, source_behind_key(after, key)));
    struct table_row row;
    struct text source, identifier;
    enum lookup_result result = rows_next(snapshot, (struct text){0}, &row, &source, &identifier, error);
    if (result != LOOKUP_FOUND)
        return result;
    /* The caller could not get past such a source, and would find it again and again. */
    if (source.size == 0 || source.size > SOURCE_SIZE_MAX) {
        error_set(error, ERROR_FAILED, "a row of the table has a source that cannot be one: the store is damaged");
        return LOOKUP_FAILED;
    }
    memcpy(name, source.at, source.size);
    name[source.size] = '\0';
    return LOOKUP_FOUND;
}

bool rows_stage(struct snapshot *snapshot, struct text source,
                bool (*is_left_out)(const void *context, struct text source, struct text identifier),
                const void *context, bool *is_test)
{
    struct error error = {0};
    struct table_row row;
    struct text row_source, identifier;
    rows_seek(snapshot, source);
    for (int i = 0; i < ROWS_ASKED_MAX; ++i) {
        if (rows_next(snapshot, source, &row, &row_source, &identifier, &error) != LOOKUP_FOUND)
            return false;
        if ((is_left_out == NULL || !is_left_out(context, row_source, identifier)) &&
            connection_record_is_test(row.record, is_test))
            return true;
    }
    return false;
}

void rows_warn_of_stage(bool is_test)
{
    log_warning("rows of a %s project now stand beside rows of a %s project: the sign-ins of one of them end at the "
                "wrong place",
                is_test ? "test" : "live", is_test ? "live" : "test");
}

bool rows_is_cut_over(const enum connection_state *was, const struct connection *row)
{
    return (was == NULL || *was != CONNECTION_STYTCH) && row->state == CONNECTION_STYTCH && row->legacy_url.size == 0;
}

void rows_warn_of_cut_over(uint64_t rows, bool would)
{
    char count[NUMBER_SIZE];
    if (rows == 0)
        return;
    log_warning("%s row%s %s to Stytch in spite of `observe: true`: a route without a legacy_url takes no part in the "
                "rehearsal, and `ssoferryd --check` names it",
                number_grouped(rows, count), plural(rows),
                would       ? "would go"
                : rows == 1 ? "goes"
                            : "go");
}

int rows_complain_source(struct snapshot *snapshot, struct text source)
{
    struct error error = {0};
    char sources[SOURCES_SHOWN * (SOURCE_SIZE_MAX + 2) + 1] = "";
    char name[SOURCE_SIZE_MAX + 1] = "";
    for (int i = 0; i < SOURCES_SHOWN && rows_next_source(snapshot, text_of(name), name, &error) == LOOKUP_FOUND; ++i)
        snprintf(sources + strlen(sources), sizeof(sources) - strlen(sources), "%s%s", i > 0 ? ", " : "", name);
    if (error.kind != ERROR_NONE)
        return complain(&error);
    if (sources[0] == '\0')
        log_error("the table has no rows; `ssoferry load` fills it");
    else
        log_error("source %.*s has no rows; there are rows of: %s", TEXT_ARGS(source), sources);
    return STATUS_FAILED;
}

bool rows_has_source(struct snapshot *snapshot, struct text source)
{
    struct error error = {0};
    struct table_row row;
    struct text row_source, identifier;
    rows_seek(snapshot, source);
    return rows_next(snapshot, source, &row, &row_source, &identifier, &error) != LOOKUP_ABSENT;
}
