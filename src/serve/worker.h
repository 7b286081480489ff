/* A worker: one thread with an event loop, an h2o context, its own listening sockets and its own reader of the table.
 * The thread that opens a worker also starts, joins or closes it. */
#ifndef SSOFERRY_WORKER_H
#define SSOFERRY_WORKER_H

#include "worker_state.h"

/* Prepares a worker. Copies `tools` and `fds`; the worker owns the descriptors from now on. */
void worker_open(struct worker *worker, const struct worker_tools *tools, const int *fds, size_t fd_count);

enum { WORKER_STUCK_MS = 5000 }; /* a worker whose loop has not completed a turn for this long counts as stuck */

/* Milliseconds since the worker's loop last completed a turn. Any thread may call this. */
uint64_t worker_silence_ms(const struct worker *worker);

/* Starts the thread and returns once it is running. On failure the worker stays open; worker_close() frees it. */
bool worker_start(struct worker *worker, struct error *error) __attribute__((warn_unused_result));

/* Tells a worker that the phase or the configuration has changed. Any thread may call this. */
void worker_wake(struct worker *worker);

/* Waits for the worker's thread to end, and frees what the worker owns. */
void worker_join(struct worker *worker);

/* Closes and frees a worker that was opened but never started. */
void worker_close(struct worker *worker);

#endif
