/* Landlock (landlock(7)): which files this process may still open, and that it binds and connects to no TCP port. Holds
 * for the calling thread and those that it starts. */
#ifndef SSOFERRY_LANDLOCK_H
#define SSOFERRY_LANDLOCK_H

#include <stdbool.h>

enum landlock_use {
    LANDLOCK_READ,   /* files in a directory and below it, or one file */
    LANDLOCK_WRITE,  /* make, read and change files in a directory and below it */
    LANDLOCK_REMOVE, /* remove sockets and files from a directory */
    LANDLOCK_DEVICE, /* read and write one device */
};

/* A descriptor for rules that allow nothing yet; -1 with errno, which is ENOSYS or EOPNOTSUPP where the kernel has no
 * Landlock. */
int landlock_begin(void);

/* Allows `path`, with what lies below it. What is not there is passed over. False with errno. */
bool landlock_allow(int rules, const char *path, enum landlock_use use);

/* From here on only what was allowed can be opened. False with errno. */
bool landlock_enter(int rules);

#endif
