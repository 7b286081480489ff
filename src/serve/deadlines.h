/* Ends connections that libh2o has: those whose request takes too long to arrive or to be answered, and at shutdown all
 * of them. Connections that are still arriving are handled by arrival.h. For the worker's own thread. */
#ifndef SSOFERRY_DEADLINES_H
#define SSOFERRY_DEADLINES_H

#include "worker_state.h"

/* An idle connection that was made or used this recently is left open for now. */
enum { FRESH_MS = 1000 };

/* Ends connections that have exceeded their time or size limit, or have been idle for too long. Called at each sweep.
 */
void deadlines_sweep(struct worker *worker);

/* Ends idle connections that have been unused for FRESH_MS. */
void deadlines_end_idle(struct worker *worker);

/* Cuts all connections. */
void deadlines_end_all(struct worker *worker);

#endif
