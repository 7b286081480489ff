/* Reads a file that may be damaged or that the disk fails to return. LMDB ends the program at an impossible page (its
 * assertions), and the kernel at an unreadable one (SIGBUS) or one that leads to where there is no memory (SIGSEGV);
 * here all three become errors. For src/table and src/usage only. Outside these functions the first two end the program
 * with an error in words and status 1, the third as usual. */
#ifndef SSOFERRY_GUARD_H
#define SSOFERRY_GUARD_H

#include <stdbool.h>

#include <lmdb.h>

#include "ssoferry/table.h"

/* What was read, copied: what stays in the file's pages may become unreadable while it is looked at. */
struct guard_row {
    char key[TABLE_KEY_SIZE_MAX];
    char record[CONNECTION_RECORD_SIZE_MAX];
};

/* mdb_get() and mdb_cursor_get(), for use while the transaction has no write in progress. *value, and the cursor's
 * *key, are in *copy. MDB_CORRUPTED if what a page says would have ended the program, or sizes exceed all
 * limits; EIO if a page cannot be read. The cursor can then only be used for another read, or closed. */
int guard_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, struct guard_row *copy);
int guard_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op, struct guard_row *copy);

/* guard_get() for what is recorded about revisions, whose values may be much larger than a row. *value gets its first
 * `most` bytes, or all if there are fewer. value->mv_data is to be freed; NULL unless it returns MDB_SUCCESS. */
int guard_get_history(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, size_t most);

/* LMDB's calls of the same names, which look at the meta pages, or at those that say where a database is. They fail
 * like those above. Whoever cuts the file short, or copies another over it, takes away these pages, too. */
int guard_info(MDB_env *env, MDB_envinfo *info);
int guard_env_stat(MDB_env *env, MDB_stat *stat);
int guard_set_mapsize(MDB_env *env, size_t size);
int guard_open_dbi(MDB_txn *txn, const char *name, MDB_dbi *dbi); /* one that exists */
int guard_stat(MDB_txn *txn, MDB_dbi dbi, MDB_stat *stat);
int guard_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor);

/* Begin a transaction that reads. If guard_renew() fails, the transaction is as it was before. Should the file be cut
 * short in the very instant in which guard_begin_read() reads a page for the second time, a reader's slot is lost. */
int guard_begin_read(MDB_env *env, MDB_txn **txn);
int guard_renew(MDB_txn *txn);

/* mdb_txn_reset(), mdb_txn_abort() and mdb_env_close(), which write to the lock file: if that was cut short, nothing is
 * to be done there any more, and what they had still to free is lost. */
void guard_reset(MDB_txn *txn);
void guard_abort(MDB_txn *txn);
void guard_close(MDB_env *env);

/* Runs anything that reads such a file; not from within itself. True with *code set to what it returned; false if it
 * had to be left in the middle, with *code set to MDB_CORRUPTED or EIO as above. Whatever it held is then still held:
 * it must lock nothing while it looks at a page, and what it allocates must be known to its context. If it may write,
 * run it on a thread that ends next: LMDB's lock for writers is robust, so the kernel then passes it on. */
bool guard_run(int (*run)(void *context), void *context, int *code);

/* Makes those above work, and takes over SIGBUS and SIGSEGV. Call once for each environment, after opening it. Returns
 * an LMDB code. */
int guard_prepare(MDB_env *env);

#endif
