/* When a worker ends the connections that libh2o has: requests that take too long to arrive or to be answered, and at
 * the end of the daemon all of them. Those that are still arriving are arrival.h's. */
#ifndef SSOFERRY_DEADLINES_H
#define SSOFERRY_DEADLINES_H

#include "worker_state.h"

/* A connection that was made or used so lately is let be at first, at the end of the daemon. */
enum { FRESH_MS = 1000 };

/* Ends what is over its time or its size. For each sweep. */
void deadlines_sweep(struct worker *worker);

/* Ends the connections that nobody has used for FRESH_MS. */
void deadlines_end_idle(struct worker *worker);

/* Cuts all. */
void deadlines_end_all(struct worker *worker);

#endif
