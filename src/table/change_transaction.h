/* The transactions of a change: one, or in a rewrite one after the other. For this folder only. */
#ifndef SSOFERRY_TABLE_CHANGE_TRANSACTION_H
#define SSOFERRY_TABLE_CHANGE_TRANSACTION_H

#include "change_state.h"

/* Begins a transaction of the change, with its snapshot. */
bool change_open_transaction(struct change *change, struct error *error) __attribute__((warn_unused_result));

/* Commits it. Returns an LMDB code; the transaction has ended, whatever came of it. */
int change_commit_transaction(struct change *change);

/* Ends it where it is open. */
void change_abort_transaction(struct change *change);

/* After a write for which there was no room: makes the file as long again as the table is. No transaction may be open.
 */
void change_give_back(const struct change *change);

/* After a failed write LMDB's transaction is of no use: sets *error from the code, which later calls give too. Returns
 * false. */
bool change_fail(struct change *change, int code, struct error *error);

#endif
