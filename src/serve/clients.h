/* A worker's clients: taken from its listeners while there is room for them, let go when their sockets close. */
#ifndef SSOFERRY_CLIENTS_H
#define SSOFERRY_CLIENTS_H

#include "worker_state.h"

/* Takes who comes, until a limit is reached. */
void clients_accept(struct worker *worker);

/* The same, or no longer, by whether there is room for one more. */
void clients_accept_if_room(struct worker *worker);

/* Ends idle connections where a limit is reached, or `anyhow`: who waits for room is somebody who signs in. */
void clients_make_room(struct worker *worker, bool anyhow);

/* Connections that the kernel has completed are taken before the socket goes, for nobody else would answer them. */
void clients_close_listeners(struct worker *worker);

#endif
