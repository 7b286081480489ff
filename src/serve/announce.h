/* What the daemon says of itself when it begins to serve. */
#ifndef SSOFERRY_ANNOUNCE_H
#define SSOFERRY_ANNOUNCE_H

#include "server_state.h"

/* Logs where it listens and what it serves. */
void announce(struct server *server);

/* Logs which routes are rehearsed, if any are; `when` begins the line. */
void announce_rehearsal(const struct gateway_settings *gateway, const char *when);

#endif
