/* The daemon's life while it serves: signals, reloads, draining, and notifications to systemd. */
#ifndef SSOFERRY_LIFE_H
#define SSOFERRY_LIFE_H

#include "server_state.h"

/* Keeps signals that are not meant to end the daemon from ending it: a SIGHUP waits for life_run(), the others are
 * ignored. Call it before reading the configuration. That may take long (a pipe, a network file system), so a signal
 * that is meant to end the daemon still does so. */
void life_keep_harmless_signals(void);

/* The same, and blocks the signals that life_run() waits for, in this thread and those it starts later. */
void life_block_signals(struct server *server);

/* A descriptor that is readable once a signal that ends the daemon has come and life_run() has not taken it yet. Call
 * it after life_block_signals(), and close it. -1 if there is none to be had. */
int life_end_descriptor(void);

/* Serves until a signal says to stop: notifies systemd, reloads, then drains and joins the workers. False if it ended
 * because the daemon has to be restarted; *error says why. */
bool life_run(struct server *server, struct error *error) __attribute__((warn_unused_result));

#endif
