#include <stdlib.h>

#include "ssoferry/guard.h"
#include "ssoferry/memory.h"
#include "store.h"

bool snapshot_attach(struct snapshot *snapshot, struct table *table, MDB_txn *txn, unsigned rows, struct error *error)
{
    snapshot->table = table;
    snapshot->txn = txn;
    snapshot->rows = table->rows[rows];
    int code = guard_cursor_open(txn, snapshot->rows, &snapshot->cursor);
    if (code != MDB_SUCCESS)
        return store_fail(table->path, code, "read", error);
    if (store_state_read(table, txn, &snapshot->state, error))
        return true;
    snapshot_detach(snapshot);
    return false;
}

void snapshot_detach(struct snapshot *snapshot)
{
    if (snapshot->cursor != NULL)
        mdb_cursor_close(snapshot->cursor);
    snapshot->cursor = NULL;
}

bool snapshot_open(struct snapshot **opened, struct table *table, struct error *error)
{
    MDB_txn *txn = NULL;
    unsigned rows = 0;
    if (!store_begin_rows(table, MDB_RDONLY, &txn, &rows, error))
        return false;
    struct snapshot *snapshot = memory_zeroed(1, sizeof *snapshot);
    if (!snapshot_attach(snapshot, table, txn, rows, error)) {
        guard_abort(txn);
        store_done(table);
        free(snapshot);
        return false;
    }
    *opened = snapshot;
    return true;
}

void snapshot_close(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    snapshot_detach(snapshot);
    guard_abort(snapshot->txn);
    store_done(snapshot->table);
    free(snapshot);
}

const struct table_state *snapshot_state(const struct snapshot *snapshot)
{
    return &snapshot->state;
}

enum lookup_result snapshot_find(struct snapshot *snapshot, struct text source, struct text identifier,
                                 struct connection_buffer *out, struct error *error)
{
    char bytes[CONNECTION_KEY_SIZE_MAX];
    if (source.size > SOURCE_SIZE_MAX || identifier.size > IDENTIFIER_SIZE_MAX)
        return LOOKUP_ABSENT;
    MDB_val key = {connection_key(source, identifier, bytes), bytes}, value;
    struct guard_row copy;
    int code = guard_get(snapshot->txn, snapshot->rows, &key, &value, &copy);
    if (code == MDB_NOTFOUND)
        return LOOKUP_ABSENT;
    if (code != MDB_SUCCESS) {
        store_fail(snapshot->table->path, code, "read", error);
        return LOOKUP_FAILED;
    }
    return connection_decode(text_of_val(value), out, error) ? LOOKUP_FOUND : LOOKUP_FAILED;
}

/* -- walking -- */

/* Remembers the last key as bytes, because a write through the change may move what the cursor is on. */
static void remember_key(struct snapshot *snapshot, const void *bytes, size_t size)
{
    snapshot->key_size = size < sizeof snapshot->key ? size : sizeof snapshot->key;
    if (size > 0)
        memcpy(snapshot->key, bytes, snapshot->key_size);
}

void snapshot_seek(struct snapshot *snapshot, struct text key)
{
    remember_key(snapshot, key.at, key.size);
    snapshot->position = SNAPSHOT_BEFORE_KEY;
}

/* Puts the cursor on the first key >= the remembered one, or > if `past`. Returns an LMDB code. */
static int place(struct snapshot *snapshot, bool past, MDB_val *key, MDB_val *value)
{
    if (snapshot->key_size == 0)
        return guard_cursor_get(snapshot->cursor, key, value, MDB_FIRST, &snapshot->row);
    *key = (MDB_val){snapshot->key_size, snapshot->key};
    int code = guard_cursor_get(snapshot->cursor, key, value, MDB_SET_RANGE, &snapshot->row);
    if (code == MDB_SUCCESS && past && key->mv_size == snapshot->key_size &&
        memcmp(key->mv_data, snapshot->key, key->mv_size) == 0)
        code = guard_cursor_get(snapshot->cursor, key, value, MDB_NEXT, &snapshot->row);
    return code;
}

/* Keys in a damaged file may not ascend, which could be an endless loop. */
static bool comes_next(const struct snapshot *snapshot, MDB_val key)
{
    int order = text_compare(text_of_val(key), text_slice(snapshot->key, snapshot->key_size));
    return order > 0 || (order == 0 && snapshot->position == SNAPSHOT_BEFORE_KEY);
}

enum lookup_result snapshot_next(struct snapshot *snapshot, struct table_row *row, struct error *error)
{
    MDB_val key, value;
    int code = MDB_NOTFOUND;
    if (snapshot->position == SNAPSHOT_BEFORE_KEY)
        code = place(snapshot, false, &key, &value);
    else if (snapshot->position == SNAPSHOT_AT_KEY && snapshot->moved)
        code = place(snapshot, true, &key, &value);
    else if (snapshot->position == SNAPSHOT_AT_KEY)
        code = guard_cursor_get(snapshot->cursor, &key, &value, MDB_NEXT, &snapshot->row);
    if (code == MDB_SUCCESS && !comes_next(snapshot, key))
        code = MDB_CORRUPTED;
    snapshot->moved = false;
    snapshot->position = code == MDB_SUCCESS ? SNAPSHOT_AT_KEY : SNAPSHOT_AT_END;
    if (code == MDB_NOTFOUND)
        return LOOKUP_ABSENT;
    if (code != MDB_SUCCESS) {
        store_fail(snapshot->table->path, code, "read", error);
        return LOOKUP_FAILED;
    }
    remember_key(snapshot, key.mv_data, key.mv_size);
    *row = (struct table_row){text_of_val(key), text_of_val(value)};
    return LOOKUP_FOUND;
}
