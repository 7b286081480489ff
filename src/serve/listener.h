/* Listening sockets. */
#ifndef SSOFERRY_LISTENER_H
#define SSOFERRY_LISTENER_H

#include "ssoferry/config.h"

/* Opens one listening socket for `address`. TCP sockets share their port by SO_REUSEPORT, one a worker; a port that some other program's socket has
 * is refused. A stale unix socket file is replaced, one that somebody listens on is not. Returns the descriptor, or -1 with *error set. */
int listener_open(const struct address *address, struct error *error) __attribute__((warn_unused_result));

/* Removes the file of a unix socket. */
void listener_remove(const struct address *address);

#endif
