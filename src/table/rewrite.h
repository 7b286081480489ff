/* A change that writes the whole table anew. For this folder only.
 *
 * LMDB keeps the pages that a transaction has changed in memory until the commit, so a large change cannot be one
 * transaction. Yet it must be seen whole or not at all. So the new rows are written in key order into the database that
 * is not the table's (store.h), in transactions of limited size, together with the undo of the coming revision. Nobody
 * reads either. The last transaction makes that database the table's, writes the revision, and empties the other.
 *
 * A rewrite that is aborted or dies leaves rows and undo that nobody reads; the next change deletes them. Until the
 * last transaction, only those two and the schema's version differ from before. No other writer comes in between
 * (store_lock_writer()). */
#ifndef SSOFERRY_TABLE_REWRITE_H
#define SSOFERRY_TABLE_REWRITE_H

#include "change_state.h"

/* Whether everybody who has the table open will find its rows afterwards: they were moved before, or each process is a
 * program of ours that knows the schema. An older daemon would go on with the table and find it empty; an older loader
 * that still reads its file would write where nobody looks. */
bool rewrite_is_safe(const struct table *table);

/* Turns a change that has just opened its first transaction into a rewrite. */
bool rewrite_begin(struct change *change, struct error *error) __attribute__((warn_unused_result));

/* Takes over the rows before `key`, which must be greater than in the previous call. *there is whether the table has a
 * row under it; *old is then its record, and lives until rewrite_settle(). */
bool rewrite_reach(struct change *change, MDB_val key, bool *there, MDB_val *old, struct error *error)
    __attribute__((warn_unused_result));

/* Appends a row after all others. Returns an LMDB code. */
int rewrite_append(struct change *change, MDB_val key, MDB_val record);

/* Once much was written, commits it and continues in another transaction. */
bool rewrite_settle(struct change *change, struct error *error) __attribute__((warn_unused_result));

/* Takes over the rows after the last key. */
bool rewrite_complete(struct change *change, struct error *error) __attribute__((warn_unused_result));

/* Makes the written rows the table's. Returns an LMDB code. */
int rewrite_install(struct change *change);

/* Ends the rewrite. If it was not committed, deletes what it wrote as far as possible. */
void rewrite_end(struct change *change);

/* Deletes what an unfinished rewrite left. Database number `rows` has the table's rows, and `revision` is the newest.
 * Returns an LMDB code. */
int rewrite_clean(const struct table *table, MDB_txn *txn, unsigned rows, uint64_t revision);

#endif
