/* The chunks of whole revisions: deleting them, and how much room they take. */
#include "history.h"
#include "undo.h"

enum { PAGE_HEAD = 16 }; /* bytes that LMDB needs before a value that has pages of its own */

int undo_forget(MDB_txn *txn, MDB_dbi undo, uint64_t last)
{
    return history_delete(txn, undo, MDB_FIRST, 0, last);
}

int undo_forget_coming(MDB_txn *txn, MDB_dbi undo, uint64_t newest)
{
    return history_delete(txn, undo, MDB_LAST, newest + 1, UINT64_MAX);
}

int undo_coming_size(MDB_txn *txn, MDB_dbi undo, uint64_t newest, uint64_t *size)
{
    unsigned char number[12] = {0};
    MDB_cursor *cursor = NULL;
    MDB_stat stat;
    int code = mdb_stat(txn, undo, &stat);
    if (code == MDB_SUCCESS)
        code = mdb_cursor_open(txn, undo, &cursor);
    if (code != MDB_SUCCESS)
        return code;
    number_write(number, newest + 1, 8);
    MDB_val key = {sizeof number, number}, value;
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (*size = 0; code == MDB_SUCCESS; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (value.mv_size > stat.ms_psize / 2) /* a shorter one is in a page shared with others */
            *size += (value.mv_size + PAGE_HEAD + stat.ms_psize - 1) / stat.ms_psize * stat.ms_psize;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}
