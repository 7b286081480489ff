/* From a request to a decision: the gateway's rules, independent of any HTTP library. Both the daemon and `ssoferry
 * explain` run this code. */
#ifndef SSOFERRY_GATEWAY_H
#define SSOFERRY_GATEWAY_H

#include "ssoferry/decision.h"
#include "ssoferry/route.h"
#include "ssoferry/table.h"

/* Everything but the table. Prepared by the configuration; borrowed by the gateway, so it must outlive its use. */
struct gateway_settings {
    const struct route *routes;
    size_t route_count;
    struct text live_url, test_url; /* origins, without a trailing slash */
    enum redirect_kind redirect;    /* never REDIRECT_UNSET */
    const struct allowed_hosts *stytch_hosts;
    const struct allowed_hosts *legacy_hosts;
    struct text unmatched_url;    /* legacy origin for requests that no route takes; empty: answer 404 */
    const struct text *own_hosts; /* names of the gateway itself; a Location never leads to one */
    size_t own_host_count;
    bool observe;
    size_t body_limit; /* bytes */
    size_t uri_limit;  /* bytes: path, '?' and query */
};

/* How many routes rehearse, because of their own `observe` or the general one: their sign-ins go to the legacy side
 * whatever the table says. */
size_t gateway_rehearsing(const struct gateway_settings *settings);

/* Whether some sign-in fails if the table cannot be read. None does where every route rehearses and has a legacy URL of
 * its own; only the row's own legacy URL is then lost. */
bool gateway_needs_table(const struct gateway_settings *settings);

/* Decides a request. The decision's texts come from `memory` or are slices of the request or the settings. `lookup` is
 * the calling thread's own. `trace` may be NULL. Never fails: trouble becomes a decision. */
void gateway_decide(const struct gateway_settings *settings, struct lookup *lookup, const struct request *request,
                    struct memory memory, const struct extract_trace *trace, struct decision *decision);

/* Whether `size` bytes of path (plus '?' and query, if any) are within the limit. If not, `decision` becomes a 414.
 * gateway_decide() calls this; the HTTP side calls it earlier, since a longer one is refused whatever else is wrong. */
bool gateway_check_uri(const struct gateway_settings *settings, size_t size, struct decision *decision)
    __attribute__((warn_unused_result));

/* For a request that is refused whatever its row says: fills in whom it was for, as far as the URL alone tells (route,
 * source, identifier, row, connection_id), so that it is logged as theirs and, except for OUTCOME_METHOD, counted as
 * theirs. The answer does not change and the message is not read. gateway_decide() calls this; the HTTP side calls it
 * for requests that never reach gateway_decide(). */
void gateway_identify(const struct gateway_settings *settings, struct lookup *lookup, const struct request *request,
                      struct memory memory, const struct extract_trace *trace, struct decision *decision);

/* Builds a connection's ACS URL in `memory`: its acs_url, or else live_url or test_url, chosen by its id, followed by
 * /v1/b2b/sso/callback/ID. */
struct text gateway_acs_url(const struct gateway_settings *settings, const struct connection *connection,
                            struct memory memory);

#endif
