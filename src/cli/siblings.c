#include "siblings.h"

#include <stdlib.h>

#include "output.h"
#include "rows.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"

enum { SIBLINGS_SHOWN = 5 };

struct sibling {
    enum connection_state state;
    size_t size;
    char id[CONNECTION_RECORD_ID_MAX]; /* connection_record_id() */
};

void siblings_release(struct siblings *siblings)
{
    free(siblings->noted);
    *siblings = (struct siblings){0};
}

void siblings_note(struct siblings *siblings, const struct connection *before, const struct connection *after)
{
    bool moved = !text_equal(before->connection_id, after->connection_id);
    char record[CONNECTION_RECORD_SIZE_MAX];
    if ((!moved && before->state == after->state) || before->connection_id.size == 0 ||
        siblings->count == SIBLINGS_NOTED_MAX)
        return;
    const struct text id = connection_record_id(text_slice(record, connection_encode(before, record)));
    if (siblings->noted == NULL)
        siblings->noted = memory_allocate(SIBLINGS_NOTED_MAX * sizeof(*siblings->noted));
    struct sibling *noted = &siblings->noted[siblings->count++];
    *noted = (struct sibling){.state = before->state, .size = id.size};
    memcpy(noted->id, id.at, id.size);
    siblings->moved = siblings->moved || moved;
}

static int compare(const void *a, const void *b)
{
    const struct sibling *first = a, *second = b;
    int order = text_compare(text_slice(first->id, first->size), text_slice(second->id, second->size));
    return order != 0 ? order : (int)first->state - (int)second->state;
}

void siblings_note_change(struct siblings *siblings, const struct difference *difference)
{
    struct error error;
    struct connection_buffer before, after;
    if (++siblings->changed <= SIBLINGS_NOTED_MAX && connection_decode(difference->before, &before, &error) &&
        connection_decode(difference->after, &after, &error) &&
        text_equal(before.row.connection_id, after.row.connection_id))
        siblings_note(siblings, &before.row, &after.row);
}

/* Compares encoded records, because decoding millions of rows would take longer than everything else. A row without a
 * connection, such as a legacy one, has no siblings. */
bool siblings_have(const struct siblings *siblings, struct text record)
{
    struct sibling wanted;
    const struct text id = connection_record_id(record);
    if (id.size == 0 || !connection_record_state(record, &wanted.state))
        return false;
    wanted.size = id.size;
    memcpy(wanted.id, id.at, id.size);
    return bsearch(&wanted, siblings->noted, siblings->count, sizeof(wanted), compare) != NULL;
}

static void warn(const struct siblings *siblings, struct text source, struct text identifier,
                 const struct connection *row)
{
    if (siblings->moved)
        log_warning(
            "%.*s (source %.*s) still leads to %.*s: if that is the same customer by another name, set it as well",
            TEXT_ARGS(identifier), TEXT_ARGS(source), TEXT_ARGS(row->connection_id));
    else
        log_warning("%.*s (source %.*s) leads to the same connection and %s %s: if that is the same customer by "
                    "another name, set it as well",
                    TEXT_ARGS(identifier), TEXT_ARGS(source), siblings->would ? "would still be" : "is still",
                    connection_state_name(row->state));
}

struct snapshot *siblings_open(struct siblings *siblings, struct context *context)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    if (siblings->count == 0 || siblings->changed > SIBLINGS_NOTED_MAX ||
        !snapshot_open(&snapshot, context->table, &error))
        return NULL; /* the command itself succeeded; this is only a hint */
    if (!rows_are_compared(snapshot)) {
        snapshot_close(snapshot);
        return NULL;
    }
    siblings->found = 0;
    siblings->progress = &context->progress;
    progress_count(siblings->progress, "comparing rows", table_state_total(snapshot_state(snapshot)));
    qsort(siblings->noted, siblings->count, sizeof(*siblings->noted), compare);
    return snapshot;
}

void siblings_tell(struct siblings *siblings, struct text key, struct text record)
{
    struct error error = {0};
    struct text source, identifier;
    struct connection_buffer buffer;
    if (!siblings_have(siblings, record) || !connection_key_split(key, &source, &identifier) ||
        !connection_decode(record, &buffer, &error) || siblings->found++ >= SIBLINGS_SHOWN)
        return;
    progress_erase(siblings->progress);
    warn(siblings, source, identifier, &buffer.row);
}

void siblings_close(struct siblings *siblings, struct snapshot *snapshot)
{
    char more[NUMBER_SIZE];
    snapshot_close(snapshot);
    progress_erase(siblings->progress);
    if (siblings->found > SIBLINGS_SHOWN)
        log_warning("and %s more such row%s", number_grouped(siblings->found - SIBLINGS_SHOWN, more),
                    plural(siblings->found - SIBLINGS_SHOWN));
}

void siblings_warn(struct siblings *siblings, struct context *context)
{
    struct error error = {0};
    struct table_row row;
    struct snapshot *snapshot = siblings_open(siblings, context);
    if (snapshot == NULL)
        return;
    rows_seek(snapshot, (struct text){0});
    while (snapshot_next(snapshot, &row, &error) == LOOKUP_FOUND) {
        progress_step(siblings->progress);
        siblings_tell(siblings, row.key, row.record);
    }
    siblings_close(siblings, snapshot);
}

static bool tell_of_difference(void *context, const struct difference *difference, struct error *error)
{
    struct siblings *siblings = context;
    (void)error;
    progress_step(siblings->progress);
    if (difference->kind != DIFFERENCE_REMOVED)
        siblings_tell(siblings, difference->key, difference->after);
    return true;
}

static void tell_of_source(struct siblings *siblings, struct snapshot *snapshot, struct text source)
{
    struct error error = {0};
    struct table_row row;
    struct text row_source, identifier;
    rows_seek(snapshot, source);
    while (rows_next(snapshot, source, &row, &row_source, &identifier, &error) == LOOKUP_FOUND) {
        progress_step(siblings->progress);
        siblings_tell(siblings, row.key, row.record);
    }
}

void siblings_warn_of_files(struct siblings *siblings, struct context *context, const struct files *files,
                            const struct arguments *arguments)
{
    struct error error = {0};
    char name[SOURCE_SIZE_MAX + 1] = "";
    struct snapshot *snapshot = siblings_open(siblings, context);
    if (snapshot == NULL)
        return;
    siblings->would = true;
    bool fine = files_compare(files, snapshot, arguments, tell_of_difference, siblings, &error);
    while (fine && rows_next_source(snapshot, text_of(name), name, &error) == LOOKUP_FOUND) {
        if (!mapping_has_source(files->mapping, text_of(name)))
            tell_of_source(siblings, snapshot, text_of(name));
    }
    siblings_close(siblings, snapshot);
}

void siblings_tell_sharers(struct table *table, struct text connection_id,
                           bool (*is_left_out)(const void *context, struct text source, struct text identifier),
                           const void *context)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct table_row row;
    struct text source, identifier;
    struct connection_buffer buffer;
    if (!snapshot_open(&snapshot, table, &error))
        return; /* as above */
    rows_seek(snapshot, (struct text){0});
    bool few = rows_are_compared(snapshot);
    for (int shown = 0; few && shown < SIBLINGS_SHOWN && snapshot_next(snapshot, &row, &error) == LOOKUP_FOUND;) {
        if (!connection_key_split(row.key, &source, &identifier) || !connection_decode(row.record, &buffer, &error) ||
            !text_equal(buffer.row.connection_id, connection_id) || is_left_out(context, source, identifier))
            continue;
        log_info("%.*s (source %.*s) leads to that connection as well: right if both are the same customer; otherwise "
                 "the connection_id was pasted from another one's row",
                 TEXT_ARGS(identifier), TEXT_ARGS(source));
        ++shown;
    }
    snapshot_close(snapshot);
}
