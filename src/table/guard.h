/* Reading a file that may be damaged, or that the disk does not give back. LMDB ends the program at a page that cannot
 * be one (its assertions), the kernel at one that cannot be read (SIGBUS); here both are errors. For this folder only.
 *
 * Each covers one call into LMDB and the bytes that it gives, and nothing else: an assertion or a SIGBUS outside of
 * them ends the program as ever. A page of random bytes can still do so, by SIGSEGV. */
#ifndef SSOFERRY_TABLE_GUARD_H
#define SSOFERRY_TABLE_GUARD_H

#include <lmdb.h>

/* mdb_get() and mdb_cursor_get(), which no write of the same transaction may be under way in. MDB_CORRUPTED where LMDB
 * would have ended the program, or where sizes are past all limits; EIO where a page cannot be read. A cursor is then
 * good for nothing but another look, or to be closed. */
int guard_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value);
int guard_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op);

/* Lets the two above work. Once, after the environment was opened. Takes SIGBUS for this process. Returns an LMDB code.
 */
int guard_prepare(MDB_env *env);

#endif
