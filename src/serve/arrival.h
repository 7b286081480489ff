/* What a connection goes through between accept() and libh2o's first request: the PROXY header and the TLS handshake,
 * if its listener asks for them. */
#ifndef SSOFERRY_ARRIVAL_H
#define SSOFERRY_ARRIVAL_H

#include "client.h"

/* Starts on a client whose socket has just been accepted. The client is in the worker's list `arriving` until libh2o
 * takes it over; at any stage, end of input on the socket closes it. */
void arrival_begin(struct client *client);

/* Cuts clients that have been arriving for longer than limits.request_time. */
void arrival_sweep(struct worker *worker);

/* For shutdown: cuts the arriving clients that have sent nothing for `silent_ms`, or all of them if that is 0. */
void arrival_cut(struct worker *worker, uint64_t silent_ms);

#endif
