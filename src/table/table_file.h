/* The table's file as the file system has it: what may stand there, and how a new one comes to be. For this folder
 * only. */
#ifndef SSOFERRY_TABLE_FILE_H
#define SSOFERRY_TABLE_FILE_H

#include "ssoferry/table.h"

enum table_file { TABLE_FILE_THERE, TABLE_FILE_ABSENT, TABLE_FILE_UNFIT };

/* What stands at `path`. *error is set where it is TABLE_FILE_UNFIT: a directory, an empty file, a missing directory,
 * no permission. */
enum table_file table_file_look(const char *path, struct error *error);

/* Makes an empty table at `path`: under another name first, so that nobody ever sees half of one. Somebody else's, made
 * meanwhile, is as good. */
bool table_file_make(const char *path, struct error *error) __attribute__((warn_unused_result));

/* Renames `from` to `to`, which must not exist. Returns 0 or an errno. */
int table_file_place(const char *from, const char *to);

/* Sees to it that the name of `path` outlasts a crash of the machine. Returns 0 or an errno. */
int table_file_settle(const char *path);

/* Why the file or its lock cannot be opened, after `code` came of it: speaks of the one that is at fault. Returns
 * false. */
bool table_file_fail(const char *path, int code, bool writing, struct error *error);

/* In a directory that is set up for sharing (setgid and writable by its group, as the package makes it), gives the
 * group the table and its lock whatever the umask of whoever made them: the daemon's user must write the lock of a
 * table that root loaded. Only their owner can, and others need not. By descriptors, for a name may be a
 * link to somebody else's file by now; a lock of -1 is none. */
void table_file_share(const char *path, int file, int lock);

/* "PATHsuffix", to be freed. */
char *path_with(const char *path, const char *suffix);

#endif
