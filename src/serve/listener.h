/* Listening sockets. */
#ifndef SSOFERRY_LISTENER_H
#define SSOFERRY_LISTENER_H

#include "ssoferry/config.h"

/* Whether another process listens at a TCP address already. To be asked before any listener of our own is opened: one
 * of all addresses has this one, too. Another ssoferryd's shares its port with us by SO_REUSEPORT; that is how one
 * binary follows the other, and it may be a mistake. */
bool listener_is_taken(const struct address *address);

/* Opens one listening socket for `address`. TCP sockets share their port by SO_REUSEPORT, one a worker; a port that
 * some other program's socket has is refused. A stale unix socket file is replaced, one that somebody listens on is
 * not. A socket that systemd passed for the address (sd_listen_fds(3)) is taken instead. `first` is what another worker
 * got for the same address, or -1: what cannot be shared by SO_REUSEPORT is shared by a second descriptor of that.
 * Returns the descriptor, or -1 with *error set. */
int listener_open(const struct address *address, int first, struct error *error) __attribute__((warn_unused_result));

/* No new connection begins on a TCP socket from here on, while those whose handshake is under way come through: to be
 * waited for and accepted before the socket is closed, for closing resets them. Who knocks meanwhile is not answered,
 * tries again a second later, and is then let in by the daemon that has followed this one, or refused. A socket that
 * systemd passed stays as it is, for the next daemon takes over who waits in it. False, with errno, where the kernel
 * refuses: some let only those with capabilities attach a socket filter. */
bool listener_hush(const struct address *address, int fd) __attribute__((warn_unused_result));

/* Removes the file of a unix socket. */
void listener_remove(const struct address *address);

#endif
