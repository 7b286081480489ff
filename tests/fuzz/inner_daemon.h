/* The whole daemon on a thread of the target, with a store, a configuration with one route of each kind, and a listener
 * on a unix socket. It is ended by SIGTERM, as anywhere, when the program exits, and leaves nothing behind. */
#ifndef SSOFERRY_TESTS_FUZZ_INNER_DAEMON_H
#define SSOFERRY_TESTS_FUZZ_INNER_DAEMON_H

/* Starts it at the first call. A new connection to it; the caller closes it. */
int inner_daemon_connect(void);

#endif
