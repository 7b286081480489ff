/* What a connection goes through between accept() and libh2o's first request: stage by stage, as its listener asks. */
#ifndef SSOFERRY_ARRIVAL_H
#define SSOFERRY_ARRIVAL_H

#include "client.h"

/* Begins with a client whose socket has just been accepted. It is in the worker's list `arriving` until libh2o has it;
 * whatever stage it is in, the end of its socket's input closes it. */
void arrival_begin(struct client *client);

/* Cuts the clients that have been arriving for longer than limits.request_time. */
void arrival_sweep(struct worker *worker);

/* At the end of the daemon: cuts those that have sent nothing for `silent_ms`; all where it is 0. */
void arrival_cut(struct worker *worker, int64_t silent_ms);

#endif
