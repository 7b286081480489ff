/* A worker's clients: accepted from its listeners while there is room, and released when their sockets close. For the
 * worker's own thread. */
#ifndef SSOFERRY_CLIENTS_H
#define SSOFERRY_CLIENTS_H

#include "worker_state.h"

/* Starts accepting. Accepting stops by itself at a limit. */
void clients_accept(struct worker *worker);

/* Starts or stops accepting, depending on whether there is room for one more. */
void clients_accept_if_room(struct worker *worker);

/* Closes idle connections if a limit has been reached: whoever is waiting for a place is trying to sign in. */
void clients_make_room(struct worker *worker);

/* Accepts the connections that the kernel has already completed, since nobody else would answer them, then closes the
 * listening sockets. */
void clients_close_listeners(struct worker *worker);

#endif
