/* Reads a file that may be damaged or that the disk fails to return. LMDB ends the program at an impossible page (its
 * assertions), and the kernel at an unreadable one (SIGBUS); here both become errors. For this folder only.
 *
 * Each function covers one call into LMDB and the bytes it returns, nothing else: an assertion or a SIGBUS elsewhere
 * still ends the program. So can a page of random bytes, by SIGSEGV. */
#ifndef SSOFERRY_TABLE_GUARD_H
#define SSOFERRY_TABLE_GUARD_H

#include <lmdb.h>

/* mdb_get() and mdb_cursor_get(), for use while the transaction has no write in progress. MDB_CORRUPTED if LMDB would
 * have ended the program, or sizes exceed all limits; EIO if a page cannot be read. The cursor can then only be used
 * for another read, or closed. */
int guard_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value);
int guard_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op);

/* guard_get() for what is recorded about revisions, whose values may be much larger than a row. */
int guard_get_history(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value);

/* Makes those above work, and takes over SIGBUS. Call once, after opening the environment. Returns an LMDB code. */
int guard_prepare(MDB_env *env);

#endif
