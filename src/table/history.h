/* Writes the database `revisions` for a change. For this folder only. */
#ifndef SSOFERRY_TABLE_HISTORY_H
#define SSOFERRY_TABLE_HISTORY_H

#include "store.h"

struct history_entry {
    uint64_t number;
    int64_t changed_at;
    struct change_counts counts;
};

/* Both return an LMDB code. */
int history_write(MDB_txn *txn, MDB_dbi revisions, const struct history_entry *entry, const struct revision_note *note);
int history_forget(MDB_txn *txn, MDB_dbi revisions, uint64_t last); /* up to and including `last` */

/* Deletes entries from one end of a database whose keys begin with a revision's number, MDB_FIRST or MDB_LAST, while
 * that is between `from` and `to`, both included. Returns an LMDB code. */
int history_delete(MDB_txn *txn, MDB_dbi database, MDB_cursor_op end, uint64_t from, uint64_t to);

#endif
