/* A change of the table, from change_begin() to change_commit(). */
#include <stdlib.h>

#include "change_revision.h"
#include "change_size.h"
#include "change_transaction.h"
#include "rewrite.h"
#include "ssoferry/memory.h"

/* -- beginning and aborting -- */

void change_abort(struct change *change)
{
    if (change == NULL)
        return;
    change_abort_transaction(change);
    rewrite_end(change);
    change_give_back(change);
    undo_writer_free(change->undo);
    store_unlock_writer(change->snapshot.table);
    free(change);
}

/* Prepares writing in place: deletes what an unfinished rewrite left, and finds the last key, for appending after it.
 */
static bool prepare_in_place(struct change *change, struct error *error)
{
    const struct snapshot *snapshot = &change->snapshot;
    const struct table *table = snapshot->table;
    MDB_val key, value;
    int code = rewrite_clean(table, snapshot->txn, snapshot->rows == table->rows[0] ? 0 : 1, snapshot->state.revision);
    if (code == MDB_SUCCESS)
        code = mdb_cursor_open(snapshot->txn, snapshot->rows, &change->cursor);
    if (code == MDB_SUCCESS)
        code = mdb_cursor_get(change->cursor, &key, &value, MDB_LAST);
    if (code == MDB_SUCCESS) {
        change->last_size = key.mv_size < sizeof change->last ? key.mv_size : sizeof change->last;
        memcpy(change->last, key.mv_data, change->last_size);
    }
    return code == MDB_SUCCESS || code == MDB_NOTFOUND || store_fail(table->path, code, "begin a change", error);
}

/* A change is one transaction or many; `bulk` is NULL if it must be one. It is one, too, if a rewrite would hide the
 * rows from somebody. */
static bool prepare(struct change *change, const struct bulk *bulk, struct error *error)
{
    struct table *table = change->snapshot.table;
    int code = store_open_rows(table); /* other processes may have made one since the table was opened */
    if (code != MDB_SUCCESS && code != MDB_MAP_RESIZED)
        return store_fail(table->path, code, "begin a change", error);
    if (!change_open_transaction(change, error))
        return false;
    change->rows_before = table_state_total(&change->snapshot.state);
    change->undo = undo_writer_new(change->snapshot.txn, table->undo, change->snapshot.state.revision + 1);
    const bool may_rewrite = bulk != NULL && rewrite_is_safe(table);
    if (may_rewrite && (bulk->rewrite || change_size_is_large(change, bulk)))
        return rewrite_begin(change, error);
    if (may_rewrite)
        change_size_bound(change);
    return prepare_in_place(change, error);
}

static bool begin(struct change **begun, struct table *table, const struct bulk *bulk, struct error *error)
{
    if (table->mode != TABLE_WRITE)
        return error_set(error, ERROR_FAILED, "%s: the table was opened for reading", table->path);
    if (!store_lock_writer(table, error))
        return false;
    struct change *change = memory_zeroed(1, sizeof *change);
    change->snapshot.table = table;
    if (!prepare(change, bulk, error)) {
        change_abort(change);
        return false;
    }
    *begun = change;
    return true;
}

bool change_begin(struct change **change, struct table *table, struct error *error)
{
    return begin(change, table, NULL, error);
}

bool change_begin_bulk(struct change **change, struct table *table, const struct bulk *bulk, struct error *error)
{
    return begin(change, table, bulk, error);
}

bool change_again(struct table *table, struct bulk *bulk, struct error *error)
{
    if (error->kind == ERROR_TOO_LARGE)
        return bulk->rewrite = true;
    return error->kind == ERROR_MAP_FULL && table_grow(table, error);
}

struct snapshot *change_snapshot(struct change *change)
{
    return &change->snapshot;
}

struct change_counts change_counts(const struct change *change)
{
    return change->counts;
}

/* -- rows -- */

static bool may_write(struct change *change, struct text key, struct error *error)
{
    if (change->failed.kind != ERROR_NONE) {
        *error = change->failed;
        return false;
    }
    return (key.size > 0 && key.size <= CONNECTION_KEY_SIZE_MAX) ||
           error_set(error, ERROR_FAILED, "%s: a key of %zu bytes cannot be written", change->snapshot.table->path,
                     key.size);
}

static bool is_behind_all(const struct change *change, struct text key)
{
    return change->last_size == 0 || text_compare(key, text_slice(change->last, change->last_size)) > 0;
}

static bool find_old(struct change *change, MDB_val key, bool *there, MDB_val *old, struct error *error)
{
    if (change->rewrite != NULL)
        return rewrite_reach(change, key, there, old, error);
    /* Rows that come in key order are appended without a search. */
    int code = is_behind_all(change, text_of_val(key))
                   ? MDB_NOTFOUND
                   : mdb_get(change->snapshot.txn, change->snapshot.rows, &key, old);
    *there = code == MDB_SUCCESS;
    return *there || code == MDB_NOTFOUND || change_fail(change, code, error);
}

/* Notes the row that is about to go for undo, and counts it out. */
static void leave_old(struct change *change, MDB_val key, const MDB_val *old)
{
    enum connection_state state;
    if (old != NULL && connection_record_state(text_of_val(*old), &state) &&
        old->mv_size <= CONNECTION_RECORD_SIZE_MAX) {
        change->snapshot.state.rows[state]--;
    } else if (old != NULL) {
        change->uncounted = true;
        old = NULL; /* there is nothing that could be restored */
    }
    undo_writer_note(change->undo, key, old);
}

/* Called after each row was written or removed; `row` is where it was in the database, for changes in place. */
static bool settle(struct change *change, const void *row, struct error *error)
{
    int code = undo_writer_settle(change->undo);
    if (code != MDB_SUCCESS)
        return change_fail(change, code, error);
    if (change->rewrite != NULL)
        return rewrite_settle(change, error);
    return !change->bounded || change_size_check(change, row, error);
}

static int write_in_place(struct change *change, MDB_val *key, MDB_val *record)
{
    bool last = is_behind_all(change, text_of_val(*key));
    int code = mdb_cursor_put(change->cursor, key, record, last ? MDB_APPEND : 0);
    if (last) {
        memcpy(change->last, key->mv_data, key->mv_size);
        change->last_size = key->mv_size;
    }
    change->snapshot.moved = true;
    return code != MDB_SUCCESS || !change->bounded ? code
                                                   : mdb_cursor_get(change->cursor, key, record, MDB_GET_CURRENT);
}

bool change_put(struct change *change, struct text key, struct text record, struct error *error)
{
    enum connection_state state;
    MDB_val key_val = val_of(key), record_val = val_of(record), old;
    bool there = false;
    if (!may_write(change, key, error))
        return false;
    if (record.size > CONNECTION_RECORD_SIZE_MAX || !connection_record_state(record, &state))
        return error_set(error, ERROR_FAILED, "%s: the record to be written is damaged", change->snapshot.table->path);
    if (!find_old(change, key_val, &there, &old, error))
        return false;
    bool equal = there && text_equal(text_of_val(old), record);
    if (equal && change->rewrite == NULL)
        return true;
    if (!equal) {
        leave_old(change, key_val, there ? &old : NULL);
        change->snapshot.state.rows[state]++;
        *(there ? &change->counts.changed : &change->counts.added) += 1;
    }
    int code = change->rewrite != NULL ? rewrite_append(change, key_val, record_val)
                                       : write_in_place(change, &key_val, &record_val);
    return code == MDB_SUCCESS ? settle(change, record_val.mv_data, error) : change_fail(change, code, error);
}

bool change_remove(struct change *change, struct text key, struct error *error)
{
    MDB_val key_val = val_of(key), old;
    bool there = false;
    if (!may_write(change, key, error) || !find_old(change, key_val, &there, &old, error))
        return false;
    if (!there)
        return true;
    leave_old(change, key_val, &old);
    change->counts.removed++;
    if (change->rewrite == NULL) {
        int code = mdb_del(change->snapshot.txn, change->snapshot.rows, &key_val, NULL);
        change->snapshot.moved = true;
        if (code != MDB_SUCCESS)
            return change_fail(change, code, error);
    }
    return settle(change, old.mv_data, error);
}

/* -- committing -- */

static bool has_changed(const struct change *change)
{
    return change->counts.added + change->counts.changed + change->counts.removed > 0 ||
           change->snapshot.state.revision == 0;
}

static bool write_and_commit(struct change *change, const struct revision_note *note, struct error *error)
{
    if (change->rewrite != NULL && !rewrite_complete(change, error))
        return false;
    int code = change_write_revision(change, note);
    if (code == MDB_SUCCESS && change->rewrite != NULL)
        code = rewrite_install(change);
    if (code == MDB_SUCCESS)
        code = change_commit_transaction(change);
    change->committed = code == MDB_SUCCESS;
    return change->committed || change_fail(change, code, error);
}

bool change_commit(struct change *change, const struct revision_note *note, uint64_t *revision, struct error *error)
{
    bool good = change->failed.kind == ERROR_NONE;
    if (!good)
        *error = change->failed;
    else if (has_changed(change))
        good = write_and_commit(change, note, error);
    if (good && revision != NULL)
        *revision = change->snapshot.state.revision;
    change_abort(change); /* frees it, and aborts what is not committed */
    return good;
}
