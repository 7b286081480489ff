/* Landlock (landlock(7)): restricts which files this process may open, and forbids it to bind or connect to any TCP
 * port. Applies to the calling thread and the threads it starts later. */
#ifndef SSOFERRY_LANDLOCK_H
#define SSOFERRY_LANDLOCK_H

#include <stdbool.h>

enum landlock_use {
    LANDLOCK_READ,   /* files in and below a directory, or one file */
    LANDLOCK_WRITE,  /* create, read and change files in and below a directory */
    LANDLOCK_REMOVE, /* remove sockets and files from a directory */
    LANDLOCK_DEVICE, /* read and write one device */
};

/* Returns a descriptor of a ruleset that allows nothing yet; the caller closes it. Returns -1 with errno on failure:
 * ENOSYS or EOPNOTSUPP if the kernel has no Landlock. */
int landlock_begin(void);

/* Allows `use` of `path` and what lies below it. A path that does not exist is skipped. False with errno. */
bool landlock_allow(int rules, const char *path, enum landlock_use use);

/* From now on only what was allowed can be opened. False with errno. */
bool landlock_enter(int rules);

#endif
