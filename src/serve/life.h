/* The daemon's life from its first request to its last: signals, reloads, drain, and what systemd is told. */
#ifndef SSOFERRY_LIFE_H
#define SSOFERRY_LIFE_H

#include "server_state.h"

/* Blocks the signals that life_run() takes, in this thread and those it starts. */
void life_block_signals(struct server *server);

/* From the first request to the last: tells systemd, takes signals, reloads, drains, and joins the workers. False where
 * it ends because it must be started anew; *error says why. */
bool life_run(struct server *server, struct error *error) __attribute__((warn_unused_result));

#endif
