/* Closing a connection that still has unread input: closed at once, the kernel answers the rest with a reset, and the
 * client may lose the response that is on its way. So the input is read and thrown away for a while. libh2o closes its
 * socket itself; a second descriptor of the same socket keeps it open. */
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

/* Whatever lingers has been counted in `*clients`, and is counted out when it ends. */
void linger_init(struct linger_list *list, atomic_size_t *clients);

/* Takes over `fd`: sends the end of our side, reads until the client's or LINGER_MS have passed, then closes. */
void linger_begin(struct linger_list *list, h2o_loop_t *loop, int fd);

/* Closes what has lingered long enough by `now` (the loop's clock, milliseconds); all where `now` is UINT64_MAX. */
void linger_sweep(struct linger_list *list, uint64_t now);

#endif
