/* The lock file that lies beside a table, PATH-lock: LMDB's own, seen from outside. For this folder only.
 *
 * LMDB finds it by its name alone. Where another file is put in the table's place while somebody has the former one
 * open, LMDB would go by the transactions of the former one, and show an older revision of the new file, or none. So
 * every table_open() locks one byte of the lock file that stands for the inode of its table: where another such byte is
 * locked, somebody has another table open. Other programs of LMDB's lock none, and are let be.
 *
 * The table itself gets no such lock: it is there that writers wait for each other (store_lock_writer()), and over a
 * network that wait is for every byte of it. */
#ifndef SSOFERRY_TABLE_LOCK_H
#define SSOFERRY_TABLE_LOCK_H

#include <sys/types.h>

#include "ssoferry/error.h"

/* Holds the lock file for the table at `path` until table_lock_release(). To be called before LMDB opens them. Fails
 * where it is in use for another table, and where the disk has no room for it: LMDB writes into it by way of memory,
 * where a full disk would end the process (SIGBUS). What else may be wrong with the two is for LMDB to find. *lock is
 * the descriptor; -1: not there, or not to be opened. */
bool table_lock_hold(int *lock, const char *path, unsigned max_readers, struct error *error)
    __attribute__((warn_unused_result));

/* Whether another of us holds it for the same table, whose inode that is. */
bool table_lock_is_shared(int lock, ino_t inode);

/* To be called after LMDB has closed it: who closes a descriptor of a file loses what LMDB has locked of it. */
void table_lock_release(int lock);

/* Where no file is at `path`: fails where one of us has one open that was. */
bool table_lock_is_free(const char *path, struct error *error) __attribute__((warn_unused_result));

#endif
