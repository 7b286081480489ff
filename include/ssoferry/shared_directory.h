/* A directory that a group shares, as the package makes it for the store: setgid and group-writable.
 *
 * Each member of the group may at any moment put a link in the place of any file there, and LMDB opens its files by
 * name. So while root opens files in one that belongs to another user, it acts as that user: it then reaches nothing
 * that this user does not, and what it makes is this user's. Root's process stays root's; only what the kernel asks for
 * files changes (setfsuid(2)), in one thread. */
#ifndef SSOFERRY_SHARED_DIRECTORY_H
#define SSOFERRY_SHARED_DIRECTORY_H

#include <stdbool.h>
#include <sys/types.h>

#include "ssoferry/error.h"

/* Whether the file at `path` is, or would be, in such a directory. */
bool shared_directory_has(const char *path);

/* What a thread goes back to. */
struct shared_directory_visit {
    bool acting; /* as the owner */
    uid_t owner;
    uid_t user;
    gid_t group;
    gid_t *groups;
    int group_count;
    bool dumpable;
};

/* If this thread is root's, and `path` is in a shared directory of another user: lets it act as that user, in the
 * directory's group and in no other one, until shared_directory_leave(). Threads and processes that it starts meanwhile
 * do so for as long as they live. Does nothing otherwise, nor if root may not become another here, as in a container
 * without CAP_SETUID. Takes system calls that the daemon's sandbox closes. */
void shared_directory_enter(struct shared_directory_visit *visit, const char *path);

/* For when `path`, a file of LMDB's, cannot be opened. If that is because this thread acts as the owner, who may not
 * open it or its lock file, *error says so instead, and what to do. */
void shared_directory_explain(const struct shared_directory_visit *visit, const char *path, bool writing,
                              struct error *error);

/* Ends what shared_directory_enter() began. */
void shared_directory_leave(struct shared_directory_visit *visit);

#endif
