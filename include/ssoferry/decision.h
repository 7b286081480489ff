/* A decision: what a request is answered with, and why. The gateway makes most of them; the HTTP side makes those of
 * requests that never get there. */
#ifndef SSOFERRY_DECISION_H
#define SSOFERRY_DECISION_H

#include "ssoferry/form.h"
#include "ssoferry/route.h"

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

/* Why, where the outcome alone does not tell. */
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

/* What the table said of the identifier. */
enum decision_row { ROW_NOT_ASKED, ROW_FOUND, ROW_ABSENT };

struct decision {
    enum outcome outcome;
    enum reason reason;
    enum extract_problem problem;
    unsigned status;             /* HTTP */
    enum redirect_kind redirect; /* OUTCOME_STYTCH: 307, 303 or form; OUTCOME_LEGACY: 307; else REDIRECT_UNSET */
    struct text location;        /* empty where there is none */
    struct form_fields form;     /* REDIRECT_FORM: what is to be posted there; of the request's memory */
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

/* Empties a decision: none yet, and no error. */
void decision_begin(struct decision *decision);

/* Refuses, by the outcome's own status and sentence. What the decision says of route, identifier and row stays. */
void decision_refuse(struct decision *decision, enum outcome outcome, enum reason reason);

/* Refuses with 400 what no identifier can be found in. */
void decision_refuse_problem(struct decision *decision, enum extract_problem problem);

/* Begins a decision and refuses, by a status and a sentence (static) of its own. */
void decision_refuse_early(struct decision *decision, enum outcome outcome, unsigned status, const char *explanation);

/* Whether the identifier may be written down: an unknown one of a route that goes by RelayState may be anything that
 * the old provider put there, a session's secret included. */
bool decision_identifier_is_public(const struct decision *decision);

/* The reason's code for logs: the extraction's where the reason is REASON_EXTRACT. "" where there is none. Static. */
const char *decision_reason_code(const struct decision *decision);

#endif
