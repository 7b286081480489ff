/* PATH-lock, the lock file that LMDB keeps beside a file of its own. */
#ifndef SSOFERRY_LOCK_FILE_H
#define SSOFERRY_LOCK_FILE_H

/* "PATH-lock", to be freed. */
char *lock_file_name(const char *path) __attribute__((malloc, returns_nonnull));

/* Creates the lock file if it does not exist, and reserves disk space for it: LMDB writes to it through memory, and a
 * full disk would kill the process (SIGBUS). Call this before LMDB opens it. *fd is the file, or -1 if it cannot be
 * opened; do not close it while LMDB has the file open, because that drops LMDB's locks. Returns 0, ENOSPC or EDQUOT;
 * or ELOOP, with *fd -1, if the file is a link, by which anybody who may write in the directory could make root write
 * elsewhere. Any other problem is left for LMDB to find. */
int lock_file_open(const char *path, unsigned max_readers, int *fd) __attribute__((warn_unused_result));

#endif
