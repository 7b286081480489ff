/* Routes: how a request's (source, identifier) is found. */
#ifndef SSOFERRY_ROUTE_H
#define SSOFERRY_ROUTE_H

#include "ssoferry/connection.h"
#include "ssoferry/memory.h"
#include "ssoferry/request.h"
#include "ssoferry/template.h"

enum identify_by { IDENTIFY_BY_TEMPLATE, IDENTIFY_BY_RELAY_STATE, IDENTIFY_BY_ISSUER };

struct route {
    struct template *template; /* owned by the route; has {identifier} exactly if identify_by is IDENTIFY_BY_TEMPLATE */
    enum identify_by identify_by;
    struct text source;
    enum redirect_kind redirect; /* REDIRECT_UNSET: use the configuration's */
    bool fold_case;              /* if an identifier is not found as written, look it up in lower case (ASCII) */
    struct text relay_state_key; /* the member of a JSON RelayState to read; "idp" by default */
    bool unknown_is_legacy;      /* an identifier without a row goes to legacy_url, and so do foreign requests */
    bool observe;                /* decide and log as usual, but send everything to legacy_url */
    struct text legacy_url;      /* may contain `{identifier}`; empty: none */
    const struct text *legacy_relay_states; /* RelayState prefixes that always go to legacy_url */
    size_t legacy_relay_state_count;
    struct text name; /* for logs and metrics: the template as written, or the preset's */
    unsigned line;    /* in the configuration file */
};

/* Why a route did not take a request; for `explain`. */
enum route_miss {
    ROUTE_TAKEN,
    ROUTE_HOST_DIFFERS,
    ROUTE_PATH_DIFFERS,
    ROUTE_QUERY_LACKS,
    ROUTE_LEAVES_EMPTY,
    ROUTE_TAKES_ANOTHER,
    ROUTE_MISSES
};
const char *route_miss_text(enum route_miss miss); /* static */

/* Why a route that took a request found no usable identifier. Each has a code for logs, a phrase for the operator and a
 * sentence for the person who cannot sign in. */
enum extract_problem {
    EXTRACT_FINE,
    EXTRACT_BAD_PATH,     /* the path does not start with '/' */
    EXTRACT_BAD_ENCODING, /* a '%' without two hexadecimal digits */
    EXTRACT_BAD_UTF8,
    EXTRACT_CONTROL_CHARACTER,
    EXTRACT_EMPTY,
    EXTRACT_TOO_LONG,
    EXTRACT_PARAMETER_TWICE,
    EXTRACT_NO_RELAY_STATE,
    EXTRACT_BAD_RELAY_STATE, /* looks like JSON but is not, or lacks the member */
    EXTRACT_NO_SAML_RESPONSE,
    EXTRACT_SAML_RESPONSE_TWICE,
    EXTRACT_SAML_ARTIFACT, /* artifact binding: nothing to route by, and it cannot be carried over */
    EXTRACT_NOT_A_FORM,    /* a POST whose Content-Type is not that of a form */
    EXTRACT_BAD_BASE64,
    EXTRACT_BAD_DEFLATE,
    EXTRACT_SAML_TOO_LARGE,
    EXTRACT_BAD_XML,
    EXTRACT_NOT_A_RESPONSE,
    EXTRACT_NO_ISSUER,
    EXTRACT_ISSUER_TWICE,
    EXTRACT_UNFIT_ISSUER,
    EXTRACT_PROBLEMS,
};
const char *extract_problem_code(enum extract_problem problem);  /* "bad_encoding"; static */
const char *extract_problem_cause(enum extract_problem problem); /* "the identifier is empty"; static */
const char *extract_problem_text(enum extract_problem problem);  /* a sentence; static */

/* Whether the request is not a SAML sign-in at all, rather than a damaged one: another kind of sign-in, or a logout,
 * which the old system may take at the same address. */
bool extract_problem_is_foreign(enum extract_problem problem);

/* Whether the message has a SAMLResponse, whatever it contains. */
bool message_has_response(const struct request *request);

struct extraction {
    const struct route *route; /* NULL: no route took the request */
    enum extract_problem problem;
    bool legacy_relay_state; /* the route says that this RelayState belongs to the old provider */
    struct text identifier;  /* decoded; from `memory` or a slice of the request; empty if there is a problem */
    struct text query;       /* the query to carry over: the request's without the identifier's own parameter */
    bool has_query;
};

/* Optional tracing (NULL: none). Called for each route up to the one that takes the request; for all of them if no
 * route does, or if the one that does has an empty path segment for an identifier. */
struct extract_trace {
    void (*on_route)(void *context, const struct route *route, enum route_miss miss);
    void *context;
};

/* Tries the routes in order. The first whose template matches takes the request, unless its identifier is an empty path
 * segment and a later route matches without an identifier in the path. */
void extract(const struct route *routes, size_t count, const struct request *request, struct memory memory,
             const struct extract_trace *trace, struct extraction *extraction);

/* The same without reading the message. If only the message would hold the identifier, it is left empty. */
void extract_from_url(const struct route *routes, size_t count, const struct request *request, struct memory memory,
                      const struct extract_trace *trace, struct extraction *extraction);

/* Whether an earlier route leaves a later one unreachable or reachable only by luck: it covers the later one, or they
 * overlap and neither contains the other. A later route that covers an earlier one is an ordinary fallback. */
bool routes_ambiguous(const struct route *earlier, const struct route *later);

#endif
