/* The lock file that lies beside a table, PATH-lock: LMDB's own, seen from outside. For this folder only.
 *
 * LMDB finds it by its name alone. Where another file is put in the table's place while somebody has the former one
 * open, LMDB would go by the transactions of the former one, and show an older revision of the new file, or none. So
 * every table_open() holds its data file, too, by a lock of ours: a lock file in use, and a data file that nobody
 * holds, do not belong together. */
#ifndef SSOFERRY_TABLE_LOCK_H
#define SSOFERRY_TABLE_LOCK_H

#include "ssoferry/error.h"

/* Holds the table's file, until *fd is closed (which is -1 where it cannot be opened at all). Fails where the lock file
 * is in use for another one. To be called before LMDB opens the two. */
bool table_lock_hold(const char *path, int *fd, struct error *error) __attribute__((warn_unused_result));

/* Where no file is at `path`: fails where somebody has one open that was. */
bool table_lock_is_free(const char *path, struct error *error) __attribute__((warn_unused_result));

/* Makes the lock file where it is not, and has the disk keep room for it: LMDB writes into a file with holes, by way
 * of memory, and a full disk would end the process (SIGBUS). Returns 0, ENOSPC or EDQUOT; what else may be wrong is for
 * LMDB to find. */
int table_lock_reserve(const char *path, unsigned max_readers);

#endif
