/* The files of unix sockets. A client finds a socket by its file alone, and the daemon does not notice when somebody
 * deletes it or puts another one in its place. */
#ifndef SSOFERRY_SOCKET_FILE_H
#define SSOFERRY_SOCKET_FILE_H

#include <sys/types.h>

#include "ssoferry/config.h"

/* Begins zeroed, and stays so for a listener on a port. */
struct socket_file {
    const struct address *address; /* borrowed; NULL: there is no such file, or none of ours any more */
    bool passed;                   /* by systemd, whose file it is */
    bool missed;                   /* it is not in its place, which was told */
    dev_t device;
    ino_t inode;
};

/* Takes what is at the path of a unix socket for its file. Call it once the socket is bound, and keep that open: until
 * then no other file gets this one's number. Where nothing is at the path of a socket that systemd passed, its file is
 * missed. */
void socket_file_remember(struct socket_file *file, const struct address *address);

/* Warns if the file is not in its place any more, and tells when it is again. */
void socket_file_watch(struct socket_file *file);

/* Removes the file, unless it is systemd's, or by now another socket's. Call it before the socket is closed. */
void socket_file_remove(struct socket_file *file);

#endif
