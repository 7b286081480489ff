/* From a request to a decision: the gateway's rules without an HTTP library. The daemon and `ssoferry explain` both run
 * this. */
#ifndef SSOFERRY_GATEWAY_H
#define SSOFERRY_GATEWAY_H

#include "ssoferry/decision.h"
#include "ssoferry/route.h"
#include "ssoferry/table.h"

/* Everything but the table. Borrowed by the gateway; must outlive it. Prepared by the configuration. */
struct gateway_settings {
    const struct route *routes;
    size_t route_count;
    struct text live_url, test_url; /* origins, without a slash at the end */
    enum redirect_kind redirect;    /* never REDIRECT_UNSET */
    const struct allowed_hosts *stytch_hosts;
    const struct allowed_hosts *legacy_hosts;
    struct text unmatched_url;    /* legacy origin for what no route takes; empty: 404 */
    const struct text *own_hosts; /* names of the gateway itself; a Location never names one */
    size_t own_host_count;
    bool observe;
    size_t body_limit; /* bytes */
    size_t uri_limit;  /* bytes: path, '?' and query */
};

/* How many routes rehearse, by `observe` of their own or of all, so that sign-ins by them go to the legacy side
 * whatever the table says. */
size_t gateway_rehearsing(const struct gateway_settings *settings);

/* Decides. Texts come from `memory` or are slices of the request or the settings. `trace` may be NULL. Never fails:
 * trouble is a decision. */
void gateway_decide(const struct gateway_settings *settings, struct lookup *lookup, const struct request *request,
                    struct memory memory, const struct extract_trace *trace, struct decision *decision);

/* Whether a path, with '?' and query where there are any, of `size` bytes is within the limit; else `decision` becomes
 * the 414. gateway_decide() asks it, and the HTTP side before that: a longer one is refused whatever else is wrong. */
bool gateway_check_uri(const struct gateway_settings *settings, size_t size, struct decision *decision)
    __attribute__((warn_unused_result));

/* For a request that is refused whatever its row says: fills in whom it was for, as far as the URL alone tells, so that
 * it is logged, and but for OUTCOME_METHOD counted, as theirs: route, source, identifier, row and connection_id. The
 * answer stays what it is; the message is not looked at. gateway_decide() asks it, and the HTTP side for what never
 * gets there. */
void gateway_identify(const struct gateway_settings *settings, struct lookup *lookup, const struct request *request,
                      struct memory memory, const struct extract_trace *trace, struct decision *decision);

/* Builds the ACS URL of a connection into `memory`: its acs_url, or live_url or test_url by its id, and
 * /v1/b2b/sso/callback/ID. */
struct text gateway_acs_url(const struct gateway_settings *settings, const struct connection *connection,
                            struct memory memory);

#endif
