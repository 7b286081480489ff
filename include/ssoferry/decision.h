/* A decision: what a request is answered with, and why. The gateway makes most of them; the HTTP side makes those for
 * requests that never reach it. */
#ifndef SSOFERRY_DECISION_H
#define SSOFERRY_DECISION_H

#include "ssoferry/form.h"
#include "ssoferry/route.h"

/* What the gateway answers with. */
enum outcome {
    OUTCOME_STYTCH,      /* 307, 303 or the form page, leading to the connection's ACS URL */
    OUTCOME_LEGACY,      /* 307 or the form page, leading to the legacy side */
    OUTCOME_DISABLED,    /* 410 */
    OUTCOME_UNKNOWN,     /* 404: no such identifier */
    OUTCOME_NO_ROUTE,    /* 404 */
    OUTCOME_MALFORMED,   /* 400 */
    OUTCOME_METHOD,      /* 405 */
    OUTCOME_TOO_LARGE,   /* 413; 414 for the path and query, 431 for the head */
    OUTCOME_UNAVAILABLE, /* 503 */
    OUTCOME_LOOP,        /* 508 */
    OUTCOME_TIMED_OUT,   /* 408: it took too long to arrive; decided only by the HTTP side */
    OUTCOMES,
};
const char *outcome_name(enum outcome outcome); /* "stytch"; static */

/* Why, if the outcome alone does not say. */
enum reason {
    REASON_NONE,
    REASON_EXTRACT,          /* see decision.problem; with OUTCOME_LEGACY: the route sends foreign requests there */
    REASON_STATE,            /* the row's state */
    REASON_UNKNOWN_LEGACY,   /* the route sends unknown identifiers, and sign-ins without a usable RelayState, to the
                              * legacy side; `detail` then has decision.problem's code for the latter */
    REASON_RELAY_STATE,      /* the RelayState belongs to a login that the old provider started */
    REASON_OBSERVE,          /* the route only rehearses */
    REASON_UNMATCHED,        /* no route took it, and the configuration names a legacy origin for such requests */
    REASON_NOT_LOADED,       /* the table has no revision yet */
    REASON_STORE,            /* the store could not be read */
    REASON_RECORD,           /* the row cannot be read, or lacks what its state needs: it is damaged, written by a newer
                              * version, or tampered with */
    REASON_HOST_NOT_ALLOWED, /* the row names a host that the configuration does not allow */
    REASON_FRAMING,          /* the request's head leaves doubt about where it ends; decided only by the HTTP side */
    REASON_NO_LEGACY_URL,    /* the row is `legacy`, and neither it nor its route has a legacy URL */
    REASON_MEMORY, /* requests under way and their answers hold limits.memory; decided only by the HTTP side */
    REASONS,
};

/* What the table says about the identifier. */
enum decision_row {
    ROW_NOT_ASKED,
    ROW_FOUND,
    ROW_ABSENT,
    ROW_UNREADABLE, /* there is one, but its record cannot be read */
};

struct decision {
    enum outcome outcome;
    enum reason reason;
    enum extract_problem problem;
    unsigned status;             /* HTTP */
    enum redirect_kind redirect; /* with OUTCOME_STYTCH any, with OUTCOME_LEGACY 307 or form, else REDIRECT_UNSET */
    struct text location;        /* empty if there is none */
    struct form_fields form;     /* REDIRECT_FORM: the fields to post there; in the request's memory */
    const struct route *route;   /* NULL: no route took it */
    struct text source;
    struct text identifier; /* decoded; in lower case if a route that folds case found it that way */
    enum decision_row row;
    struct text connection_id; /* the row's, if one was found */
    bool observed;             /* this was a rehearsal; otherwise the outcome would have been `would` */
    enum outcome would;
    const char *detail;      /* one more word for the log; NULL: none; static */
    const char *explanation; /* a sentence for the person who sees this answer; "" for redirects; static */
    struct error error;      /* what to log with REASON_STORE, REASON_RECORD and REASON_HOST_NOT_ALLOWED, or if a
                              * rehearsal hides one of these; else of ERROR_NONE */
};

/* Clears a decision: no outcome yet, no error. */
void decision_begin(struct decision *decision);

/* Refuses with the outcome's usual status and sentence; for an unknown identifier, the sentence goes by what the route
 * identifies by. Route, identifier and row stay as they are. */
void decision_refuse(struct decision *decision, enum outcome outcome, enum reason reason);

/* Refuses with 400, since no identifier can be found. */
void decision_refuse_problem(struct decision *decision, enum extract_problem problem);

/* Clears the decision, then refuses with the given status and sentence (static). */
void decision_refuse_early(struct decision *decision, enum outcome outcome, unsigned status, const char *explanation);

/* Whether the table has a row for the identifier, be it readable or not. */
bool decision_has_row(const struct decision *decision);

/* Whether the identifier may be logged. An unknown one from a route that goes by RelayState may be anything that the
 * old provider put there, including a session's secret. */
bool decision_identifier_is_public(const struct decision *decision);

/* The reason's code for logs; with REASON_EXTRACT, the extraction problem's code. "" if there is none. Static. */
const char *decision_reason_code(const struct decision *decision);

#endif
