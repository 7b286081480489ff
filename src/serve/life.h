/* The daemon's life while it serves: signals, reloads, draining, and notifications to systemd. */
#ifndef SSOFERRY_LIFE_H
#define SSOFERRY_LIFE_H

#include "server_state.h"

/* Blocks the signals that life_run() waits for, in this thread and those it starts later. */
void life_block_signals(struct server *server);

/* Serves until a signal says to stop: notifies systemd, reloads, then drains and joins the workers. False if it ended
 * because the daemon has to be restarted; *error says why. */
bool life_run(struct server *server, struct error *error) __attribute__((warn_unused_result));

#endif
