/* Between libh2o and the gateway: a request in, an answer out. */
#ifndef SSOFERRY_HTTP_H
#define SSOFERRY_HTTP_H

#include "client.h"

/* Makes `globals` pass every request to the gateway, and give libh2o's own errors our form. */
void http_register(h2o_globalconf_t *globals);

/* Whether a request's head leaves no doubt about where it ends, and is within the limits. If not, *decision is the
 * refusal. Sees to it that nothing follows where nothing may. */
bool http_check_head(h2o_req_t *req, struct decision *decision);

/* Counts and logs a request that was refused, by whomever, with 400, 408 or 431 before a handler saw it, `duration_us`
 * after its first bytes. */
void http_note_refusal(struct client *client, unsigned status, uint64_t duration_us);

/* To be called when a connection has closed: notes the refusal that libh2o may have sent by itself. */
void http_note_close(struct client *client);

#endif
