/* The table's file in the file system: what may be there, and how a new one is created. For this folder only. */
#ifndef SSOFERRY_TABLE_FILE_H
#define SSOFERRY_TABLE_FILE_H

#include "ssoferry/table.h"

enum table_file { TABLE_FILE_THERE, TABLE_FILE_ABSENT, TABLE_FILE_UNFIT };

/* What is at `path`. Sets *error for TABLE_FILE_UNFIT: a directory, an empty file, a missing directory, no permission.
 */
enum table_file table_file_look(const char *path, struct error *error);

/* Creates an empty table at `path`, first under another name so that nobody sees half of one. It is fine if somebody
 * else creates one meanwhile. */
bool table_file_make(const char *path, struct error *error) __attribute__((warn_unused_result));

/* Renames `from` to `to`, which must not exist. Returns 0 or an errno. */
int table_file_place(const char *from, const char *to);

/* Makes sure that the name of `path` survives a crash of the machine. Returns 0 or an errno. */
int table_file_settle(const char *path);

/* Sets *error after `code` from opening the file or its lock: which of them is at fault, and why. Returns false. */
bool table_file_fail(const char *path, int code, bool writing, struct error *error);

/* In a shared directory (ssoferry/shared_directory.h), gives the group access to the table and its lock, whatever umask
 * they were made with: the daemon's user must write the lock of a table that a member of the group loaded. Only the
 * files' owner can do this; for anybody else nothing happens. Takes descriptors, because a name may by now link to
 * somebody else's file; a lock of -1 is none. */
void table_file_share(const char *path, int file, int lock);

/* "PATH.new-" and random digits, to be freed: a name that nobody else uses. A process's number would not be one, since
 * it may be 1 in two containers. */
char *path_beside(const char *path);

/* The directory of `path`, to be freed. */
char *path_parent(const char *path);

#endif
