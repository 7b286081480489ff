/* PATH-lock, the lock file beside a table: LMDB's own, seen from outside. For this folder only.
 *
 * LMDB finds it only by name. If another file replaces the table while somebody has the old one open, LMDB would go by
 * the old one's transactions and show an older revision of the new file, or none. So each table_open() locks one byte
 * of the lock file, which stands for its table's inode. If another such byte is locked, somebody has a different table
 * open. Other LMDB programs lock none, and are ignored. It also locks a byte that stands for its process, to say which
 * schema it knows.
 *
 * The table's file has no such lock: writers wait for each other there (store_lock_writer()), and on a network file
 * system they wait for a lock on any byte of it. */
#ifndef SSOFERRY_TABLE_LOCK_H
#define SSOFERRY_TABLE_LOCK_H

#include <sys/types.h>

#include "ssoferry/error.h"

/* Holds the lock file for the table at `path` until table_lock_release(). Call before LMDB opens them. Fails if the
 * lock file is in use for another table, or the disk has no room for it: LMDB writes to it through memory, and a full
 * disk would kill the process (SIGBUS). Any other problem with the two files is left for LMDB to find. *lock is the
 * descriptor, or -1 if there is no table yet or the lock file cannot be opened. */
bool table_lock_hold(int *lock, const char *path, unsigned max_readers, struct error *error)
    __attribute__((warn_unused_result));

/* Whether whoever starts now could hold it for the table at `path`, and use it: it is there and writable, or could be
 * made, and nobody else holds it for another table. For a process that holds `held` (-1: none) for the table that stood
 * there before. */
bool table_lock_could_be_held(int held, const char *path);

/* Whether another of our programs holds it for the same table, given by its inode. */
bool table_lock_is_shared(int lock, ino_t inode);

/* Whether each process that has it open, and has read the table, is a program of ours that knows TABLE_SCHEMA_VERSION.
 * Older ones do not say so, nor do other LMDB programs. False if it cannot be told. */
bool table_lock_all_know_schema(int lock);

/* Call after LMDB has closed the lock file: closing a descriptor of a file drops LMDB's locks on it. */
void table_lock_release(int lock);

/* For a path without a file: fails if one of our programs has a file open that used to be there. */
bool table_lock_is_free(const char *path, struct error *error) __attribute__((warn_unused_result));

#endif
