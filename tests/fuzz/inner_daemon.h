/* The whole daemon on a thread of the target, with its own store, a configuration with one route of each kind, and a
 * listener on a unix socket. At exit it is stopped by SIGTERM, as anywhere, and leaves nothing behind. */
#ifndef SSOFERRY_TESTS_FUZZ_INNER_DAEMON_H
#define SSOFERRY_TESTS_FUZZ_INNER_DAEMON_H

/* Starts the daemon on the first call. Returns a new connection to it, which the caller closes. */
int inner_daemon_connect(void);

#endif
