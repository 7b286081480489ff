/* From a request to a decision: the gateway's rules without an HTTP library. The daemon and `ssoferry explain` both run
 * this. */
#ifndef SSOFERRY_GATEWAY_H
#define SSOFERRY_GATEWAY_H

#include "ssoferry/route.h"
#include "ssoferry/table.h"

/* What the gateway answers with. */
enum outcome {
    OUTCOME_STYTCH,      /* 307, 303 or the form page, to the connection's ACS URL */
    OUTCOME_LEGACY,      /* 307 to the legacy side */
    OUTCOME_DISABLED,    /* 410 */
    OUTCOME_UNKNOWN,     /* 404: no such identifier */
    OUTCOME_NO_ROUTE,    /* 404 */
    OUTCOME_MALFORMED,   /* 400 */
    OUTCOME_METHOD,      /* 405 */
    OUTCOME_TOO_LARGE,   /* 413; 414 for the path and query, 431 for the head */
    OUTCOME_UNAVAILABLE, /* 503 */
    OUTCOME_LOOP,        /* 508 */
    OUTCOME_TIMED_OUT,   /* 408: it took too long to arrive; said by the HTTP side, never decided here */
    OUTCOMES,
};
const char *outcome_name(enum outcome outcome); /* "stytch"; static */

/* The sentence for the person who meets it; "" where it is a redirect, or has none of its own. Static. */
const char *outcome_explanation(enum outcome outcome);

/* Why, where the outcome alone does not tell. A code for logs; the text is for people. */
enum reason {
    REASON_NONE,
    REASON_EXTRACT,        /* see decision.problem; of OUTCOME_LEGACY: it is foreign, and the route sends that there */
    REASON_STATE,          /* the row's state */
    REASON_UNKNOWN_LEGACY, /* the route sends unknown identifiers to the legacy side, and sign-ins without a usable
                              RelayState; of the latter, `detail` has decision.problem's code */
    REASON_RELAY_STATE,    /* the RelayState belongs to a login that the old provider started */
    REASON_OBSERVE,        /* rehearsal */
    REASON_UNMATCHED,      /* no route; the configuration names a legacy origin for the rest */
    REASON_NOT_LOADED,     /* the table has no revision yet */
    REASON_STORE,          /* the store could not be read */
    REASON_RECORD,         /* the row cannot be read, or fails its check: the store was tampered with */
    REASON_HOST_NOT_ALLOWED, /* the row names a host that the configuration does not allow */
    REASON_FRAMING, /* the request's head leaves doubt about where it ends; said by the HTTP side, never decided here */
    REASON_NO_LEGACY_URL, /* the row is `legacy`, and neither it nor its route has a legacy URL */
    REASONS,
};
const char *reason_code(enum reason reason); /* "not_loaded"; "" for REASON_NONE; static */

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

/* What the table said of the identifier. */
enum decision_row { ROW_NOT_ASKED, ROW_FOUND, ROW_ABSENT };

struct decision {
    enum outcome outcome;
    enum reason reason;
    enum extract_problem problem;
    unsigned status;             /* HTTP */
    enum redirect_kind redirect; /* OUTCOME_STYTCH: 307, 303 or form; OUTCOME_LEGACY: 307; else REDIRECT_UNSET */
    struct text location;        /* empty where there is none */
    const struct route *route;   /* NULL: none */
    struct text source;
    struct text identifier; /* decoded; where a route folds case and found it in lower case, that */
    enum decision_row row;
    struct text connection_id; /* of the row, where one was found */
    bool observed;             /* the answer would have been `would`, had this not been a rehearsal */
    enum outcome would;
    const char *detail;      /* a word more for the log; NULL: none; static */
    const char *explanation; /* a sentence for the person who meets this answer; "" for redirects; static */
    struct error
        error; /* REASON_STORE, REASON_RECORD, REASON_HOST_NOT_ALLOWED: what to log; else its kind is ERROR_NONE */
};

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

/* Whether the identifier may be written down: an unknown one of a route that goes by RelayState may be anything that
 * the old provider put there, a session's secret included. */
bool decision_identifier_is_public(const struct decision *decision);

/* The reason's code for logs: the extraction's where the reason is REASON_EXTRACT. "" where there is none. Static. */
const char *decision_reason_code(const struct decision *decision);

/* Builds the ACS URL of a connection into `memory`: its acs_url, or live_url or test_url by its id, and
 * /v1/b2b/sso/callback/ID. */
struct text gateway_acs_url(const struct gateway_settings *settings, const struct connection *connection,
                            struct memory memory);

#endif
