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

/* Compares encoded records, because decoding millions of rows would take longer than everything else. A row without a
 * connection, such as a legacy one, has no siblings. */
static bool is_sibling(const struct siblings *siblings, struct text record)
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
        log_warning("%.*s (source %.*s) leads to the same connection and is still %s: if that is the same customer by "
                    "another name, set it as well",
                    TEXT_ARGS(identifier), TEXT_ARGS(source), connection_state_name(row->state));
}

static uint64_t warn_of_each(const struct siblings *siblings, struct snapshot *snapshot)
{
    struct error error = {0};
    struct table_row row;
    struct text source, identifier;
    struct connection_buffer buffer;
    uint64_t found = 0;
    rows_seek(snapshot, (struct text){0});
    while (snapshot_next(snapshot, &row, &error) == LOOKUP_FOUND) {
        if (is_sibling(siblings, row.record) && connection_key_split(row.key, &source, &identifier) &&
            connection_decode(row.record, &buffer, &error) && found++ < SIBLINGS_SHOWN)
            warn(siblings, source, identifier, &buffer.row);
    }
    return found;
}

void siblings_warn(struct siblings *siblings, struct table *table)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    char more[NUMBER_SIZE];
    if (siblings->count == 0 || !snapshot_open(&snapshot, table, &error))
        return; /* the command itself succeeded; this is only a hint */
    qsort(siblings->noted, siblings->count, sizeof(*siblings->noted), compare);
    uint64_t found = 0;
    if (rows_are_compared(snapshot))
        found = warn_of_each(siblings, snapshot);
    if (found > SIBLINGS_SHOWN)
        log_warning("and %s more such row%s", number_grouped(found - SIBLINGS_SHOWN, more),
                    plural(found - SIBLINGS_SHOWN));
    snapshot_close(snapshot);
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
