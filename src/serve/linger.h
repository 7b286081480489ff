/* Closes connections that still have unread input. If they were closed at once, the kernel would answer the rest of the
 * input with a reset, and the client could lose the response on its way. So the input is read and discarded for a
 * while. libh2o closes its own socket; a second descriptor keeps the connection open. For the worker's own thread. */
#ifndef SSOFERRY_LINGER_H
#define SSOFERRY_LINGER_H

#include <stdatomic.h>

#include "h2o_system.h"

enum { LINGER_MS = 2000 };

struct linger_list {
    h2o_linklist_t anchor;
    size_t count;
    atomic_size_t *clients;
};

/* `clients` is borrowed. Each lingering connection has already been counted in it, and is subtracted when it ends. */
void linger_init(struct linger_list *list, atomic_size_t *clients);

/* Takes over `fd`: shuts down our sending side, reads until the client closes or LINGER_MS have passed, then closes it.
 */
void linger_begin(struct linger_list *list, h2o_loop_t *loop, int fd);

/* Closes connections whose time is up at `now` (monotonic milliseconds); all of them if `now` is UINT64_MAX. */
void linger_sweep(struct linger_list *list, uint64_t now);

#endif
