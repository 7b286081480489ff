/* What a revision changed, and how to roll back. */
#include "change_state.h"
#include "ssoferry/guard.h"
#include "ssoferry/revision.h"

/* Whether all revisions first..last are kept. */
static bool are_kept(const struct snapshot *snapshot, uint64_t first, uint64_t last, struct error *error)
{
    uint64_t newest = snapshot->state.revision, kept = newest < TABLE_REVISIONS_KEPT ? newest : TABLE_REVISIONS_KEPT;
    if (last > newest)
        return error_set(error, ERROR_INPUT, "there is no revision %llu: the table is at revision %llu",
                         (unsigned long long)last, (unsigned long long)newest);
    return first > newest - kept || error_set(error, ERROR_INPUT, "revision %llu is not kept any more: the last %d are",
                                              (unsigned long long)first, TABLE_REVISIONS_KEPT);
}

/* -- differences -- */

/* Finds a key's record as revision `number` left it: what the next revision that touched it found, else the current
 * one. */
struct after {
    struct snapshot *snapshot;
    struct undo_reader *later;
    enum lookup_result read; /* LOOKUP_FOUND: `row` is read but not yet used */
    struct undo_row row;
    struct guard_row copy; /* of the table's row */
    bool tells_equal;      /* rows that were changed and changed back are told, too */
};

static bool find_after(struct after *after, struct text key, bool *there, struct text *record, struct error *error)
{
    while (after->read == LOOKUP_FOUND && text_compare(after->row.key, key) < 0)
        after->read = undo_reader_next(after->later, &after->row, error);
    if (after->read == LOOKUP_FAILED)
        return false;
    if (after->read == LOOKUP_FOUND && text_equal(after->row.key, key)) {
        *there = after->row.was_there;
        *record = after->row.record;
        return true;
    }
    MDB_val key_val = val_of(key), value;
    int code = guard_get(after->snapshot->txn, after->snapshot->rows, &key_val, &value, &after->copy);
    *there = code == MDB_SUCCESS;
    *record = *there ? text_of_val(value) : text_slice(NULL, 0);
    return *there || code == MDB_NOTFOUND || store_fail(after->snapshot->table->path, code, "read", error);
}

static bool tell(struct undo_reader *reader, struct after *after,
                 bool (*on_difference)(void *context, const struct difference *difference, struct error *error),
                 void *context, struct error *error)
{
    struct undo_row row;
    enum lookup_result result;
    while ((result = undo_reader_next(reader, &row, error)) == LOOKUP_FOUND) {
        struct difference difference = {DIFFERENCE_CHANGED, row.key, row.record, {NULL, 0}};
        bool there = false;
        if (!find_after(after, row.key, &there, &difference.after, error))
            return false;
        const bool equal = there == row.was_there && text_equal(difference.before, difference.after);
        if (equal && !after->tells_equal)
            continue;
        if (equal)
            difference.kind = DIFFERENCE_NONE;
        else if (!there || !row.was_there)
            difference.kind = there ? DIFFERENCE_ADDED : DIFFERENCE_REMOVED;
        if (!on_difference(context, &difference, error))
            return false;
    }
    return result == LOOKUP_ABSENT;
}

bool revision_differences(struct snapshot *snapshot, uint64_t number,
                          bool (*on_difference)(void *context, const struct difference *difference,
                                                struct error *error),
                          void *context, struct error *error)
{
    struct undo_reader *reader = NULL;
    struct after after = {.snapshot = snapshot};
    if (number == 0)
        return error_set(error, ERROR_INPUT, "there is no revision 0: the first is 1");
    bool good =
        are_kept(snapshot, number, number, error) &&
        undo_reader_open(&reader, snapshot->table, snapshot->txn, number, number, error) &&
        undo_reader_open(&after.later, snapshot->table, snapshot->txn, number + 1, snapshot->state.revision, error);
    if (good) {
        after.read = undo_reader_next(after.later, &after.row, error);
        good = after.read != LOOKUP_FAILED && tell(reader, &after, on_difference, context, error);
    }
    undo_reader_close(reader);
    undo_reader_close(after.later);
    return good;
}

/* -- rollback -- */

/* Whether the table can be rolled back to `number`: every revision after it must be kept, to be undone. */
static bool are_kept_after(const struct snapshot *snapshot, uint64_t number, struct error *error)
{
    const uint64_t newest = snapshot->state.revision;
    return number == newest || are_kept(snapshot, number + 1, number < newest ? newest : number, error);
}

/* Reports each difference with `before` and `after` swapped. */
struct turned {
    bool (*on_difference)(void *context, const struct difference *difference, struct error *error);
    void *context;
};

static bool tell_turned(void *context, const struct difference *difference, struct error *error)
{
    static const enum difference_kind kinds[] = {[DIFFERENCE_ADDED] = DIFFERENCE_REMOVED,
                                                 [DIFFERENCE_CHANGED] = DIFFERENCE_CHANGED,
                                                 [DIFFERENCE_REMOVED] = DIFFERENCE_ADDED,
                                                 [DIFFERENCE_NONE] = DIFFERENCE_NONE};
    const struct turned *turned = context;
    const struct difference other = {kinds[difference->kind], difference->key, difference->after, difference->before};
    return turned->on_difference(turned->context, &other, error);
}

bool revision_distance(struct snapshot *snapshot, uint64_t number,
                       bool (*on_difference)(void *context, const struct difference *difference, struct error *error),
                       void *context, struct error *error)
{
    struct undo_reader *reader = NULL;
    struct after now = {.snapshot = snapshot, .read = LOOKUP_ABSENT, .tells_equal = true};
    struct turned turned = {on_difference, context};
    bool good =
        are_kept_after(snapshot, number, error) &&
        undo_reader_open(&reader, snapshot->table, snapshot->txn, number + 1, snapshot->state.revision, error) &&
        tell(reader, &now, tell_turned, &turned, error);
    undo_reader_close(reader);
    return good;
}

bool revision_newcomers(const struct snapshot *snapshot, uint64_t number,
                        void (*on_row)(void *context, struct text key, bool is_new), void *context, struct error *error)
{
    struct undo_reader *reader = NULL;
    struct undo_row row;
    enum lookup_result result = LOOKUP_FAILED;
    if (are_kept_after(snapshot, number, error) &&
        undo_reader_open(&reader, snapshot->table, snapshot->txn, number + 1, snapshot->state.revision, error)) {
        while ((result = undo_reader_next(reader, &row, error)) == LOOKUP_FOUND)
            on_row(context, row.key, !row.was_there);
    }
    undo_reader_close(reader);
    return result == LOOKUP_ABSENT;
}

static bool restore(struct change *change, struct undo_reader *reader, void (*on_row)(void *context), void *context,
                    struct error *error)
{
    struct undo_row row;
    enum lookup_result result;
    while ((result = undo_reader_next(reader, &row, error)) == LOOKUP_FOUND) {
        if (!(row.was_there ? change_put(change, row.key, row.record, error) : change_remove(change, row.key, error)))
            return false;
        if (on_row != NULL)
            on_row(context);
    }
    return result == LOOKUP_ABSENT;
}

bool revision_rollback(struct change *change, uint64_t number, void (*on_row)(void *context), void *context,
                       struct error *error)
{
    const struct snapshot *now = &change->snapshot;
    struct snapshot *before = NULL;
    struct undo_reader *reader = NULL;
    if (change->counts.added + change->counts.changed + change->counts.removed > 0)
        return error_set(error, ERROR_FAILED,
                         "the change has changed rows already, so no revision can be taken back in it");
    if (number == now->state.revision)
        return true;
    /* The undo is read in a transaction of its own, since a write would invalidate what was read in the change's. No
     * other writer can have come in between: the change began first. */
    bool good = are_kept_after(now, number, error) && snapshot_open(&before, now->table, error) &&
                undo_reader_open(&reader, now->table, before->txn, number + 1, now->state.revision, error) &&
                restore(change, reader, on_row, context, error);
    undo_reader_close(reader);
    snapshot_close(before);
    return good;
}
