/* Connects libh2o to the gateway: a request in, an answer out. */
#ifndef SSOFERRY_HTTP_H
#define SSOFERRY_HTTP_H

#include "client.h"

/* Makes `globals` pass every request to the gateway, and puts libh2o's own errors into our format. */
void http_register(h2o_globalconf_t *globals);

/* Whether the end of a request's head is unambiguous and the head is within the limits. If not, *decision is the
 * refusal. Also ends persistence for requests after which no other may follow on the connection. */
bool http_check_head(h2o_req_t *req, struct decision *decision);

/* Counts and logs a request that we or libh2o refused with 400, 408 or 431 before a handler saw it, `duration_us` after
 * its first byte. */
void http_note_refusal(struct client *client, unsigned status, uint64_t duration_us);

/* Call when a connection has closed: notes a refusal that libh2o may have sent by itself. */
void http_note_close(struct client *client);

#endif
