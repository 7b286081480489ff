#include "rewrite.h"

#include <stdlib.h>

#include "change_transaction.h"
#include "ssoferry/memory.h"
#include "table_lock.h"

enum {
    NODE_HEAD = 10, /* bytes a row takes in a page besides its own */
};

struct rewrite {
    uint64_t revision;  /* the table's, when the change began */
    unsigned target;    /* number of the database being filled */
    uint64_t size;      /* bytes written in this transaction, without undo */
    uint64_t undo_size; /* at the start of this transaction */
    MDB_cursor *source; /* on the table's rows */
    bool has_row;       /* the row it is on is still to be taken over */
    MDB_val key, record;
    size_t reached_size; /* rows up to this key are done; 0: none are */
    char reached[TABLE_KEY_SIZE_MAX];
};

int rewrite_clean(const struct table *table, MDB_txn *txn, unsigned rows, uint64_t revision)
{
    MDB_stat stat;
    MDB_dbi other = table->rows[1 - rows];
    int code = other != 0 ? mdb_stat(txn, other, &stat) : MDB_SUCCESS;
    if (code == MDB_SUCCESS && other != 0 && stat.ms_entries > 0)
        code = mdb_drop(txn, other, 0);
    return code == MDB_SUCCESS ? undo_forget_coming(txn, table->undo, revision) : code;
}

/* -- transactions -- */

static void remember(struct rewrite *rewrite, MDB_val key)
{
    rewrite->reached_size = key.mv_size < sizeof rewrite->reached ? key.mv_size : sizeof rewrite->reached;
    memcpy(rewrite->reached, key.mv_data, rewrite->reached_size);
}

/* Turns LMDB's code into an error code, or MDB_SUCCESS with has_row set. */
static int took_row(struct rewrite *rewrite, int code)
{
    rewrite->has_row = code == MDB_SUCCESS;
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

static int next_row(struct rewrite *rewrite)
{
    return took_row(rewrite, mdb_cursor_get(rewrite->source, &rewrite->key, &rewrite->record, MDB_NEXT));
}

/* Puts the source on the first row that is not done. */
static int place(struct rewrite *rewrite)
{
    MDB_cursor_op first = rewrite->reached_size > 0 ? MDB_SET_RANGE : MDB_FIRST;
    rewrite->key = (MDB_val){rewrite->reached_size, rewrite->reached};
    int code = took_row(rewrite, mdb_cursor_get(rewrite->source, &rewrite->key, &rewrite->record, first));
    if (code != MDB_SUCCESS || !rewrite->has_row || rewrite->reached_size == 0)
        return code;
    return text_equal(text_of_val(rewrite->key), text_slice(rewrite->reached, rewrite->reached_size))
               ? next_row(rewrite)
               : MDB_SUCCESS;
}

static int open_cursors(struct change *change)
{
    const struct snapshot *snapshot = &change->snapshot;
    struct rewrite *rewrite = change->rewrite;
    int code = mdb_cursor_open(snapshot->txn, snapshot->rows, &rewrite->source);
    if (code == MDB_SUCCESS)
        code = mdb_cursor_open(snapshot->txn, snapshot->table->rows[rewrite->target], &change->cursor);
    rewrite->size = 0;
    rewrite->undo_size = undo_writer_size(change->undo);
    return code == MDB_SUCCESS ? place(rewrite) : code;
}

/* Begins the next transaction. Its snapshot continues where the last one stood; its state keeps following the change.
 */
static bool open_next(struct change *change, struct error *error)
{
    struct snapshot *snapshot = &change->snapshot;
    const struct table_state state = snapshot->state;
    if (!change_open_transaction(change, error))
        return false;
    if (snapshot->state.revision != change->rewrite->revision)
        return error_set(error, ERROR_CONFLICT,
                         "%s: another program, older than this one, changed the table meanwhile: end it, and try again",
                         snapshot->table->path);
    snapshot->state = state;
    snapshot->moved = true;
    undo_writer_turn(change->undo, snapshot->txn);
    int code = open_cursors(change);
    return code == MDB_SUCCESS || change_fail(change, code, error);
}

static bool turn(struct change *change, struct error *error)
{
    int code = change_commit_transaction(change);
    if (code != MDB_SUCCESS)
        return change_fail(change, code, error);
    if (open_next(change, error))
        return true;
    change->failed = *error;
    return false;
}

bool rewrite_settle(struct change *change, struct error *error)
{
    const struct rewrite *rewrite = change->rewrite;
    uint64_t size = rewrite->size + undo_writer_size(change->undo) - rewrite->undo_size;
    return size < change->snapshot.table->transaction_size || turn(change, error);
}

/* -- beginning -- */

bool rewrite_is_safe(const struct table *table)
{
    return table->rows[ROW_DATABASES - 1] != 0 || table_lock_all_know_schema(table->lock_file);
}

/* Makes sure that the database to fill exists and is empty. If it is created, so is a schema that keeps older programs
 * away: they would not know which rows are the table's. */
static int prepare_target(struct change *change, MDB_dbi *target)
{
    struct table *table = change->snapshot.table;
    struct rewrite *rewrite = change->rewrite;
    MDB_txn *txn = change->snapshot.txn;
    *target = table->rows[rewrite->target];
    int code = *target != 0 ? rewrite_clean(table, txn, 1 - rewrite->target, rewrite->revision)
                            : mdb_dbi_open(txn, store_rows_name(rewrite->target), MDB_CREATE, target);
    return code == MDB_SUCCESS ? store_schema_write(txn, table->meta, TABLE_SCHEMA_VERSION) : code;
}

bool rewrite_begin(struct change *change, struct error *error)
{
    struct table *table = change->snapshot.table;
    struct rewrite *rewrite = memory_zeroed(1, sizeof *rewrite);
    MDB_dbi target = 0;
    change->rewrite = rewrite;
    rewrite->revision = change->snapshot.state.revision;
    rewrite->target = change->snapshot.rows == table->rows[0] ? 1 : 0;
    /* Committed first, because only then can others use the database, and the pages of what was in it be used again.
     * There also has to be something to commit: pages that the last change freed can be used while somebody reads only
     * if that reader is newer (revision_rollback()). */
    int code = prepare_target(change, &target);
    if (code == MDB_SUCCESS)
        code = change_commit_transaction(change);
    if (code != MDB_SUCCESS)
        return change_fail(change, code, error);
    table->rows[rewrite->target] = target;
    return open_next(change, error);
}

/* -- rows -- */

int rewrite_append(struct change *change, MDB_val key, MDB_val record)
{
    change->rewrite->size += key.mv_size + record.mv_size + NODE_HEAD;
    return mdb_cursor_put(change->cursor, &key, &record, MDB_APPEND);
}

/* Takes over the source's row as it is, even if damaged. */
static bool take_over(struct change *change, struct error *error)
{
    struct rewrite *rewrite = change->rewrite;
    int code = rewrite_append(change, rewrite->key, rewrite->record);
    if (code == MDB_SUCCESS) {
        remember(rewrite, rewrite->key);
        code = next_row(rewrite);
    }
    return code == MDB_SUCCESS ? rewrite_settle(change, error) : change_fail(change, code, error);
}

bool rewrite_reach(struct change *change, MDB_val key, bool *there, MDB_val *old, struct error *error)
{
    struct rewrite *rewrite = change->rewrite;
    struct text wanted = text_of_val(key);
    int order = -1, code = MDB_SUCCESS;
    if (rewrite->reached_size > 0 && text_compare(wanted, text_slice(rewrite->reached, rewrite->reached_size)) <= 0)
        return error_set(error, ERROR_FAILED, "%s: rows of a large change came out of order",
                         change->snapshot.table->path);
    while (rewrite->has_row && (order = text_compare(text_of_val(rewrite->key), wanted)) < 0) {
        if (!take_over(change, error))
            return false;
    }
    *there = rewrite->has_row && order == 0;
    if (*there) {
        *old = rewrite->record; /* stays valid, since the table's own pages are not written to */
        code = next_row(rewrite);
    }
    remember(rewrite, key);
    return code == MDB_SUCCESS || change_fail(change, code, error);
}

/* -- ending -- */

bool rewrite_complete(struct change *change, struct error *error)
{
    while (change->rewrite->has_row) {
        if (!take_over(change, error))
            return false;
    }
    return true;
}

int rewrite_install(struct change *change)
{
    const struct snapshot *snapshot = &change->snapshot;
    int code = store_choose_rows(snapshot->table, snapshot->txn, change->rewrite->target);
    return code == MDB_SUCCESS ? mdb_drop(snapshot->txn, snapshot->rows, 0) : code;
}

/* Checks what is committed, because a commit that reported failure may have happened. */
static void delete_unfinished(struct table *table)
{
    struct error ignored;
    struct table_state state;
    MDB_txn *txn = NULL;
    unsigned rows = 0;
    if (!store_begin_rows(table, 0, &txn, &rows, &ignored))
        return;
    bool cleaned = store_state_read(table, txn, &state, &ignored) &&
                   rewrite_clean(table, txn, rows, state.revision) == MDB_SUCCESS;
    if (!cleaned)
        mdb_txn_abort(txn);
    else if (mdb_txn_commit(txn) == MDB_SUCCESS)
        change_cover_last_page(table);
    store_done(table);
}

void rewrite_end(struct change *change)
{
    if (change->rewrite == NULL)
        return;
    if (!change->committed)
        delete_unfinished(change->snapshot.table);
    free(change->rewrite);
}
