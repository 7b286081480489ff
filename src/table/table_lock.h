/* The lock file that lies beside a table, PATH-lock: LMDB's own, seen from outside. For this folder only.
 *
 * LMDB finds it by its name alone. Where another file is put in the table's place while somebody has the former one
 * open, LMDB would go by the transactions of the former one, and show an older revision of the new file, or none. So
 * every table_open() holds both files by locks of ours: a lock file that one of us holds, and a data file that none of
 * us does, do not belong together. Other programs of LMDB's do not hold them, and are let be. */
#ifndef SSOFERRY_TABLE_LOCK_H
#define SSOFERRY_TABLE_LOCK_H

#include "ssoferry/error.h"

struct table_lock {
    int data, lock; /* descriptors; -1: not there, or not to be opened */
};

/* Holds the table's two files until table_lock_release(). To be called before LMDB opens them. Fails where the lock
 * file is in use for another file, and where the disk has no room for it: LMDB writes into it by way of memory, where a
 * full disk would end the process (SIGBUS). What else may be wrong with the two is for LMDB to find. */
bool table_lock_hold(struct table_lock *held, const char *path, unsigned max_readers, struct error *error)
    __attribute__((warn_unused_result));

/* To be called after LMDB has closed them: who closes a descriptor of a file loses what LMDB has locked of it. */
void table_lock_release(struct table_lock *held);

/* Where no file is at `path`: fails where one of us has one open that was. */
bool table_lock_is_free(const char *path, struct error *error) __attribute__((warn_unused_result));

#endif
