/* The lock file that LMDB puts beside a file of its own, PATH-lock. */
#ifndef SSOFERRY_LOCK_FILE_H
#define SSOFERRY_LOCK_FILE_H

/* Makes it where it is not, and has the disk keep room for it: LMDB writes into it by way of memory, where a full disk
 * would end the process (SIGBUS). To be called before LMDB opens it. *fd is the file, or -1 where it cannot be opened;
 * whoever closes it while LMDB has the file open takes LMDB's locks away. Returns 0, ENOSPC or EDQUOT, or
 * ELOOP where it is a link, by which whoever may write in its directory would have root write elsewhere: *fd is -1
 * then; what else may be wrong is for LMDB to find. */
int lock_file_open(const char *path, unsigned max_readers, int *fd) __attribute__((warn_unused_result));

#endif
