/* The transactions of a change: one, or in a rewrite several in sequence. For this folder only. */
#ifndef SSOFERRY_TABLE_CHANGE_TRANSACTION_H
#define SSOFERRY_TABLE_CHANGE_TRANSACTION_H

#include "change_state.h"

/* Begins a transaction of the change, with its snapshot. */
bool change_open_transaction(struct change *change, struct error *error) __attribute__((warn_unused_result));

/* Commits it. Returns an LMDB code; the transaction has ended in any case. */
int change_commit_transaction(struct change *change);

/* Aborts it if it is open. */
void change_abort_transaction(struct change *change);

/* Lengthens the file to cover its last page, after a commit that change_commit_transaction() did not make. LMDB may
 * leave empty last pages unwritten, but table_open() takes a file shorter than its last page for a truncated one. */
void change_cover_last_page(const struct table *table);

/* If a write found no room, truncates the file to the table's size. No transaction may be open. */
void change_give_back(const struct change *change);

/* Sets *error from the code of a failed write, and returns false. LMDB's transaction is unusable from then on, so later
 * calls fail with the same error. */
bool change_fail(struct change *change, int code, struct error *error);

#endif
