/* A worker: one thread with an event loop, an h2o context, its own listening sockets and its own reader of the table.
 */
#ifndef SSOFERRY_WORKER_H
#define SSOFERRY_WORKER_H

#include "worker_state.h"

/* Prepares a worker to run on `fds`, which become its own. */
void worker_open(struct worker *worker, const struct worker_tools *tools, const int *fds, size_t fd_count);

enum { WORKER_STUCK_MS = 5000 }; /* a worker's loop that has not come round for so long is not alive */

/* Milliseconds since the worker's loop last came round. Any thread may ask. */
uint64_t worker_silence_ms(const struct worker *worker);

/* Starts the thread and returns when it listens. */
bool worker_start(struct worker *worker, struct error *error) __attribute__((warn_unused_result));

/* Tells a worker, from another thread, that the phase or the configuration has changed. */
void worker_wake(struct worker *worker);

/* Waits until the worker's thread has ended, and frees what it had. */
void worker_join(struct worker *worker);

/* For a worker that was opened but never started. */
void worker_close(struct worker *worker);

#endif
