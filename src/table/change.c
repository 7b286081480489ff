#include "change.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "history.h"
#include "ssoferry/memory.h"

static void end_change(struct change *change)
{
    undo_writer_free(change->undo);
    store_done(change->snapshot.table);
    free(change);
}

void change_abort(struct change *change)
{
    if (change == NULL)
        return;
    mdb_txn_abort(change->snapshot.txn); /* closes the cursors, too */
    end_change(change);
}

static bool prepare(struct change *change, struct table *table, MDB_txn *txn, struct error *error)
{
    MDB_val key, value;
    if (!snapshot_attach(&change->snapshot, table, txn, error))
        return false;
    int code = mdb_cursor_open(txn, table->connections, &change->cursor);
    if (code == MDB_SUCCESS)
        code = mdb_cursor_get(change->cursor, &key, &value, MDB_LAST);
    if (code == MDB_SUCCESS) {
        change->last_size = key.mv_size < sizeof change->last ? key.mv_size : sizeof change->last;
        memcpy(change->last, key.mv_data, change->last_size);
    } else if (code != MDB_NOTFOUND) {
        return store_fail(table->path, code, "begin a change", error);
    }
    change->undo = undo_writer_new(txn, table->undo, change->snapshot.state.revision + 1);
    return true;
}

bool change_begin(struct change **begun, struct table *table, struct error *error)
{
    MDB_txn *txn = NULL;
    if (table->mode != TABLE_WRITE)
        return error_set(error, ERROR_FAILED, "%s: the table was opened for reading", table->path);
    if (!store_begin(table, 0, &txn, error))
        return false;
    struct change *change = memory_zeroed(1, sizeof *change);
    change->snapshot.table = table;
    change->snapshot.txn = txn;
    if (!prepare(change, table, txn, error)) {
        change_abort(change);
        return false;
    }
    *begun = change;
    return true;
}

struct snapshot *change_snapshot(struct change *change)
{
    return &change->snapshot;
}

struct change_counts change_counts(const struct change *change)
{
    return change->counts;
}

/* -- trouble -- */

/* LMDB has EIO for a write that ended early, which is how a full disk mostly shows itself; this finds the reason. */
static int reason_of(const struct table *table, int code)
{
    const uint64_t little = 1 << 20;
    struct statvfs disk;
    struct rlimit limit;
    struct stat st;
    if (code != EIO || stat(table->path, &st) != 0)
        return code;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (uint64_t)st.st_size + little > limit.rlim_cur)
        return EFBIG;
    if (statvfs(table->path, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < little)
        return ENOSPC;
    return code;
}

static bool fail_write(const struct table *table, int code, struct error *error)
{
    return store_fail(table->path, reason_of(table, code), "write", error);
}

/* After a failed write LMDB's transaction is of no use; later calls give the same reason. */
static bool fail_change(struct change *change, int code, struct error *error)
{
    fail_write(change->snapshot.table, code, &change->failed);
    *error = change->failed;
    return false;
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

/* What is under `key`: MDB_SUCCESS, MDB_NOTFOUND or trouble. */
static int find_old(const struct change *change, MDB_val *key, MDB_val *old)
{
    return mdb_get(change->snapshot.txn, change->snapshot.table->connections, key, old);
}

/* Notes for undo and counts out the row that is about to go. */
static void leave_old(struct change *change, MDB_val key, const MDB_val *old)
{
    enum connection_state state;
    if (old != NULL && connection_record_state(text_of_val(*old), &state) &&
        old->mv_size <= CONNECTION_RECORD_SIZE_MAX) {
        change->snapshot.state.rows[state]--;
    } else if (old != NULL) {
        change->uncounted = true;
        old = NULL; /* nothing that could be brought back */
    }
    undo_writer_note(change->undo, key, old);
}

static int write_row(struct change *change, MDB_val key, MDB_val record, bool last)
{
    int code = mdb_cursor_put(change->cursor, &key, &record, last ? MDB_APPEND : 0);
    if (last) {
        memcpy(change->last, key.mv_data, key.mv_size);
        change->last_size = key.mv_size;
    }
    change->snapshot.moved = true;
    return code;
}

bool change_put(struct change *change, struct text key, struct text record, struct error *error)
{
    enum connection_state state;
    MDB_val key_val = val_of(key), old;
    if (!may_write(change, key, error))
        return false;
    if (record.size > CONNECTION_RECORD_SIZE_MAX || !connection_record_state(record, &state))
        return error_set(error, ERROR_FAILED, "%s: the record to be written is damaged", change->snapshot.table->path);
    bool last = is_behind_all(change, key); /* rows that come in key order are appended, without a search */
    int code = last ? MDB_NOTFOUND : find_old(change, &key_val, &old);
    if (code != MDB_SUCCESS && code != MDB_NOTFOUND)
        return fail_change(change, code, error);
    bool there = code == MDB_SUCCESS;
    if (there && text_equal(text_of_val(old), record))
        return true;
    leave_old(change, key_val, there ? &old : NULL);
    code = write_row(change, key_val, val_of(record), last);
    if (code == MDB_SUCCESS)
        code = undo_writer_settle(change->undo);
    if (code != MDB_SUCCESS)
        return fail_change(change, code, error);
    change->snapshot.state.rows[state]++;
    *(there ? &change->counts.changed : &change->counts.added) += 1;
    return true;
}

bool change_remove(struct change *change, struct text key, struct error *error)
{
    MDB_val key_val = val_of(key), old;
    if (!may_write(change, key, error))
        return false;
    int code = find_old(change, &key_val, &old);
    if (code == MDB_NOTFOUND)
        return true;
    if (code == MDB_SUCCESS) {
        leave_old(change, key_val, &old);
        code = mdb_del(change->snapshot.txn, change->snapshot.table->connections, &key_val, NULL);
        change->snapshot.moved = true;
    }
    if (code == MDB_SUCCESS)
        code = undo_writer_settle(change->undo);
    if (code != MDB_SUCCESS)
        return fail_change(change, code, error);
    change->counts.removed++;
    return true;
}

/* -- committing -- */

static int64_t now_microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Counts the rows by state from end to end; damaged ones count for nothing. */
static int count_rows(struct change *change, uint64_t rows[CONNECTION_STATES])
{
    MDB_val key, value;
    enum connection_state state;
    memset(rows, 0, CONNECTION_STATES * sizeof rows[0]);
    int code = mdb_cursor_get(change->cursor, &key, &value, MDB_FIRST);
    for (; code == MDB_SUCCESS; code = mdb_cursor_get(change->cursor, &key, &value, MDB_NEXT)) {
        if (connection_record_state(text_of_val(value), &state))
            rows[state]++;
    }
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

/* Writes everything that a revision is besides its rows. Returns an LMDB code. */
static int write_revision(struct change *change, const struct revision_note *note)
{
    struct table_state *state = &change->snapshot.state;
    const struct table *table = change->snapshot.table;
    MDB_txn *txn = change->snapshot.txn;
    int code = change->uncounted ? count_rows(change, state->rows) : MDB_SUCCESS;
    int64_t now = now_microseconds();
    state->revision++;
    state->changed_at =
        now > state->changed_at ? now : state->changed_at; /* a clock that went back does not take the table back */
    struct history_entry entry = {state->revision, state->changed_at, change->counts};
    if (code == MDB_SUCCESS)
        code = undo_writer_finish(change->undo);
    if (code == MDB_SUCCESS)
        code = history_write(txn, table->revisions, &entry, note);
    if (code == MDB_SUCCESS && state->revision > TABLE_REVISIONS_KEPT)
        code = history_forget(txn, table->revisions, state->revision - TABLE_REVISIONS_KEPT);
    if (code == MDB_SUCCESS && state->revision > TABLE_REVISIONS_KEPT)
        code = undo_forget(txn, table->undo, state->revision - TABLE_REVISIONS_KEPT);
    return code == MDB_SUCCESS ? store_state_write(txn, table->meta, state) : code;
}

/* LMDB may leave the last pages of a file unwritten where nothing is in them; table_open() takes a file shorter than
 * its last page for one that was cut. Only ever lengthens: another writer may already be at work. */
static void cover_last_page(const struct table *table)
{
    MDB_envinfo info;
    MDB_stat env_stat;
    struct stat st;
    int fd = -1;
    mdb_env_info(table->env, &info);
    mdb_env_stat(table->env, &env_stat);
    off_t needed = (off_t)((info.me_last_pgno + 1) * env_stat.ms_psize);
    if (mdb_env_get_fd(table->env, &fd) == MDB_SUCCESS && fstat(fd, &st) == 0 && st.st_size < needed)
        (void)!fallocate(fd, 0, st.st_size, needed - st.st_size);
}

bool change_commit(struct change *change, const struct revision_note *note, uint64_t *revision, struct error *error)
{
    struct table_state *state = &change->snapshot.state;
    uint64_t touched = change->counts.added + change->counts.changed + change->counts.removed;
    int code = MDB_SUCCESS;
    if (change->failed.kind != ERROR_NONE) {
        *error = change->failed;
        change_abort(change);
        return false;
    }
    if (touched > 0 || state->revision == 0) {
        code = write_revision(change, note);
        if (code == MDB_SUCCESS) {
            code = mdb_txn_commit(change->snapshot.txn);
            change->snapshot.txn = NULL; /* gone, whatever came of it */
        }
        if (code == MDB_SUCCESS)
            cover_last_page(change->snapshot.table);
    }
    if (code != MDB_SUCCESS)
        fail_write(change->snapshot.table, code, error);
    else if (revision != NULL)
        *revision = state->revision;
    if (change->snapshot.txn != NULL)
        mdb_txn_abort(change->snapshot.txn);
    end_change(change);
    return code == MDB_SUCCESS;
}
