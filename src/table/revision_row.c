/* What the kept revisions did to one row. */
#include "ssoferry/guard.h"
#include "ssoferry/revision.h"
#include "undo.h"

struct walk {
    struct snapshot *snapshot;
    struct text key;
    bool there; /* whether the row exists after the revision being looked at */
    struct text record;
    char bytes[CONNECTION_RECORD_SIZE_MAX]; /* its own */
    bool (*on_revision)(void *context, const struct revision *revision, const struct difference *difference);
    void *context;
};

static enum difference_kind kind_of(const struct walk *walk, const struct undo_row *before)
{
    if (before->was_there && walk->there)
        return text_equal(before->record, walk->record) ? DIFFERENCE_NONE : DIFFERENCE_CHANGED;
    if (!before->was_there && !walk->there)
        return DIFFERENCE_NONE;
    return walk->there ? DIFFERENCE_ADDED : DIFFERENCE_REMOVED;
}

static void keep(struct walk *walk, struct text record)
{
    if (record.size > 0)
        memcpy(walk->bytes, record.at, record.size);
    walk->record = text_slice(walk->bytes, record.size);
}

/* LOOKUP_ABSENT at the end, or when the callback stops. */
static enum lookup_result look_at(struct walk *walk, uint64_t number, struct error *error)
{
    struct revision revision = {0};
    struct undo_row before;
    char record[CONNECTION_RECORD_SIZE_MAX];
    enum lookup_result kept = revision_read(walk->snapshot, number, &revision, error);
    if (kept != LOOKUP_FOUND)
        return kept;
    enum lookup_result touched =
        undo_find(walk->snapshot->table, walk->snapshot->txn, number, walk->key, &before, record, error);
    bool go_on = touched != LOOKUP_FAILED;
    if (touched == LOOKUP_FOUND) {
        const struct difference difference = {kind_of(walk, &before), walk->key, before.record, walk->record};
        if (difference.kind != DIFFERENCE_NONE)
            go_on = walk->on_revision(walk->context, &revision, &difference);
        walk->there = before.was_there;
        keep(walk, before.record);
    }
    revision_release(&revision);
    return touched == LOOKUP_FAILED ? LOOKUP_FAILED : go_on ? LOOKUP_FOUND : LOOKUP_ABSENT;
}

bool revision_walk_row(struct snapshot *snapshot, struct text key,
                       bool (*on_revision)(void *context, const struct revision *revision,
                                           const struct difference *difference),
                       void *context, struct error *error)
{
    struct walk walk = {.snapshot = snapshot, .key = key, .on_revision = on_revision, .context = context};
    MDB_val key_val = val_of(key), value;
    struct guard_row copy;
    int code = guard_get(snapshot->txn, snapshot->rows, &key_val, &value, &copy);
    if (code != MDB_SUCCESS && code != MDB_NOTFOUND)
        return store_fail(snapshot->table->path, code, "read", error);
    walk.there = code == MDB_SUCCESS;
    keep(&walk, walk.there ? text_of_val(value) : (struct text){0});
    enum lookup_result result = LOOKUP_FOUND;
    for (uint64_t number = snapshot->state.revision; number > 0 && result == LOOKUP_FOUND; --number)
        result = look_at(&walk, number, error);
    return result != LOOKUP_FAILED;
}
