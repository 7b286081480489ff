#include "mapping.h"

struct comparison {
    struct mapping *mapping;
    struct snapshot *snapshot;
    enum mapping_mode mode;
    bool (*on_difference)(void *context, const struct difference *difference, struct error *error);
    void *context;
    struct table_row
        before; /* the table's; points to the copies below, because a write invalidates what the snapshot returned */
    char before_key[TABLE_KEY_SIZE_MAX], before_record[CONNECTION_RECORD_SIZE_MAX];
    struct rowset_row after;    /* the mapping's */
    bool ended;                 /* the mapping has no rows left */
    bool has_before, has_after; /* in the current source */
};

/* Copies at most `room` bytes. A tampered record may be longer, and then still differs from every valid one. */
static struct text keep(struct text t, char *copy, size_t room)
{
    size_t size = t.size < room ? t.size : room;
    if (size > 0)
        memcpy(copy, t.at, size);
    return text_slice(copy, size);
}

static bool next_before(struct comparison *comparison, struct text start, struct error *error)
{
    enum lookup_result result = snapshot_next(comparison->snapshot, &comparison->before, error);
    comparison->has_before = result == LOOKUP_FOUND && text_starts(comparison->before.key, start);
    if (comparison->has_before) {
        comparison->before.key = keep(comparison->before.key, comparison->before_key, sizeof comparison->before_key);
        comparison->before.record =
            keep(comparison->before.record, comparison->before_record, sizeof comparison->before_record);
    }
    return result != LOOKUP_FAILED;
}

static bool next_after(struct comparison *comparison, struct text start, struct error *error)
{
    enum lookup_result result = rowset_next(comparison->mapping->rows, &comparison->after, error);
    comparison->ended = result != LOOKUP_FOUND;
    comparison->has_after = result == LOOKUP_FOUND && text_starts(comparison->after.row.key, start);
    return result != LOOKUP_FAILED;
}

/* Reports the lesser of the two rows, or both if their keys are equal, and advances. */
static bool compare_next(struct comparison *comparison, struct text start, struct error *error)
{
    const struct table_row *before = &comparison->before, *after = &comparison->after.row;
    int order = !comparison->has_before ? 1 : !comparison->has_after ? -1 : text_compare(before->key, after->key);
    struct difference difference = {DIFFERENCE_ADDED, order <= 0 ? before->key : after->key, {NULL, 0}, {NULL, 0}};
    if (order <= 0)
        difference.before = before->record;
    if (order >= 0)
        difference.after = after->record;
    if (order == 0)
        difference.kind = text_equal(before->record, after->record) ? DIFFERENCE_NONE : DIFFERENCE_CHANGED;
    else if (order < 0)
        difference.kind = DIFFERENCE_REMOVED;
    if (order < 0 && comparison->mode == MAPPING_MERGE) {
        difference.kind = DIFFERENCE_NONE;
        difference.after = before->record;
    }
    return comparison->on_difference(comparison->context, &difference, error) &&
           (order > 0 || next_before(comparison, start, error)) && (order < 0 || next_after(comparison, start, error));
}

/* Compares the rows of one source, whose keys start with `start`. */
static bool compare_source(struct comparison *comparison, struct text start, struct error *error)
{
    snapshot_seek(comparison->snapshot, start);
    comparison->has_after = !comparison->ended && text_starts(comparison->after.row.key, start);
    if (!next_before(comparison, start, error))
        return false;
    while (comparison->has_before || comparison->has_after) {
        if (!compare_next(comparison, start, error))
            return false;
    }
    return true;
}

bool mapping_compare(struct mapping *mapping, struct snapshot *snapshot, enum mapping_mode mode,
                     bool (*on_difference)(void *context, const struct difference *difference, struct error *error),
                     void *context, struct error *error)
{
    char start[SOURCE_SIZE_MAX + 1];
    struct comparison comparison = {
        .mapping = mapping, .snapshot = snapshot, .mode = mode, .on_difference = on_difference, .context = context};
    if (!rowset_rewind(mapping->rows, error) || !next_after(&comparison, TEXT(""), error))
        return false;
    for (size_t i = 0; i < mapping->source_count; i++) {
        size_t size = source_first_key(mapping->sources[i], start);
        if (!compare_source(&comparison, text_slice(start, size), error))
            return false;
    }
    return true;
}
