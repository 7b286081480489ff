/* Listening sockets. */
#ifndef SSOFERRY_LISTENER_H
#define SSOFERRY_LISTENER_H

#include "ssoferry/config.h"

/* Whether another process already listens on a TCP address. Call this before opening any listener of our own: one of
 * ours on all addresses would look like another's. Another ssoferryd's listener shares its port with ours by
 * SO_REUSEPORT: that is how a new binary takes over from the old one, but it may be a mistake. */
bool listener_is_taken(const struct address *address);

/* Warns of each socket that systemd passed (sd_listen_fds(3)) and that neither a listener nor the admin listener is
 * for: what connects to it would wait for ever. */
void listener_warn_of_unused(const struct config *config);

/* Opens one listening socket for `address`. If systemd passed a socket for it (sd_listen_fds(3)), a duplicate of that
 * is returned. TCP sockets share their port by SO_REUSEPORT, one per worker; a port that another program holds without
 * it is an error. A stale unix socket file is replaced, one in use is not. `first` is the descriptor another worker got
 * for the same address, or -1: sockets that SO_REUSEPORT cannot share are shared by duplicating it. Returns a
 * descriptor that the caller closes, or -1 with *error set. */
int listener_open(const struct address *address, int first, struct error *error) __attribute__((warn_unused_result));

/* Stops new connections to a TCP socket, while handshakes under way still complete: wait for these and accept them
 * before closing the socket, since closing resets them. Newcomers get no answer and retry a second later; by then the
 * next daemon accepts or refuses them. A socket from systemd is left as it is, because the next daemon takes over what
 * waits in it. False with errno if the kernel refuses: some let only processes with capabilities attach a socket
 * filter. */
bool listener_hush(const struct address *address, int fd) __attribute__((warn_unused_result));

/* Whether systemd passed the socket. */
bool listener_is_passed(const struct address *address);

#endif
