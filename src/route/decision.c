#include "ssoferry/decision.h"

#include <stddef.h>
#include <string.h>

static const char *const outcome_names[OUTCOMES] = {
    [OUTCOME_STYTCH] = "stytch",   [OUTCOME_LEGACY] = "legacy",       [OUTCOME_DISABLED] = "disabled",
    [OUTCOME_UNKNOWN] = "unknown", [OUTCOME_NO_ROUTE] = "no_route",   [OUTCOME_MALFORMED] = "malformed",
    [OUTCOME_METHOD] = "method",   [OUTCOME_TOO_LARGE] = "too_large", [OUTCOME_UNAVAILABLE] = "unavailable",
    [OUTCOME_LOOP] = "loop",       [OUTCOME_TIMED_OUT] = "timed_out",
};

/* Status and sentence (for the person who sees it) of each outcome that is not a redirect. */
static const struct {
    unsigned status;
    const char *explanation;
} refusals[OUTCOMES] = {
    [OUTCOME_DISABLED] =
        {410, "Sign-in through this address has been switched off for your organisation. Ask your administrator "
              "which sign-in page to use now."},
    [OUTCOME_UNKNOWN] =
        {404, "No sign-in connection is known under the name in this address. Ask your administrator to check the "
              "single sign-on (ACS) URL in the identity provider, letter by letter."},
    [OUTCOME_NO_ROUTE] =
        {404, "There is nothing at this address. Ask your administrator to check the single sign-on (ACS) URL in "
              "the identity provider."},
    [OUTCOME_METHOD] =
        {405, "This address takes sign-ins that an identity provider sends with GET or POST, and nothing else."},
    [OUTCOME_TOO_LARGE] =
        {413, "The sign-in message from the identity provider is too large. Ask your administrator to send fewer "
              "groups or attributes."},
    [OUTCOME_UNAVAILABLE] =
        {503, "Sign-in cannot be handled just now. Try again in a minute; if that does not help, tell your "
              "administrator."},
    [OUTCOME_LOOP] =
        {508, "This sign-in would be sent round in a circle: the address that is configured for it leads back here. "
              "Tell the administrator of this service."},
};

/* Nobody finds a mistake in the ACS URL where the message names the connection. */
static const char *const explanations_of_unknown[] = {
    [IDENTIFY_BY_RELAY_STATE] = "No sign-in connection is known under the RelayState of this sign-in. Ask your "
                                "administrator to check the default RelayState in the identity provider, letter by "
                                "letter, or start from the application's own sign-in page.",
    [IDENTIFY_BY_ISSUER] = "No sign-in connection is known for this identity provider. Ask your administrator to "
                           "compare its entity id, which is the Issuer of its response, with the one that is set up "
                           "for your organisation, letter by letter.",
};

static const char *const reason_codes[REASONS] = {
    [REASON_NONE] = "",
    [REASON_EXTRACT] = "extract",
    [REASON_STATE] = "state",
    [REASON_UNKNOWN_LEGACY] = "unknown_legacy",
    [REASON_RELAY_STATE] = "relay_state",
    [REASON_OBSERVE] = "observe",
    [REASON_UNMATCHED] = "unmatched",
    [REASON_NOT_LOADED] = "not_loaded",
    [REASON_STORE] = "store",
    [REASON_RECORD] = "record",
    [REASON_HOST_NOT_ALLOWED] = "host_not_allowed",
    [REASON_FRAMING] = "bad_framing",
    [REASON_NO_LEGACY_URL] = "no_legacy_url",
    [REASON_MEMORY] = "memory",
};

const char *outcome_name(enum outcome outcome)
{
    return outcome_names[outcome];
}

bool decision_has_row(const struct decision *decision)
{
    return decision->row == ROW_FOUND || decision->row == ROW_UNREADABLE;
}

bool decision_identifier_is_public(const struct decision *decision)
{
    return decision_has_row(decision) || decision->route == NULL ||
           decision->route->identify_by != IDENTIFY_BY_RELAY_STATE;
}

const char *decision_reason_code(const struct decision *decision)
{
    return decision->reason == REASON_EXTRACT ? extract_problem_code(decision->problem)
                                              : reason_codes[decision->reason];
}

void decision_begin(struct decision *decision)
{
    memset(decision, 0, offsetof(struct decision, error));
    decision->explanation = "";
    decision->error.kind = ERROR_NONE;
    decision->error.message[0] = '\0';
}

static const char *explanation_of(enum outcome outcome, const struct route *route)
{
    if (outcome != OUTCOME_UNKNOWN || route == NULL || route->identify_by == IDENTIFY_BY_TEMPLATE)
        return refusals[outcome].explanation;
    return explanations_of_unknown[route->identify_by];
}

void decision_refuse(struct decision *decision, enum outcome outcome, enum reason reason)
{
    decision->outcome = outcome;
    decision->reason = reason;
    decision->status = refusals[outcome].status;
    decision->explanation = explanation_of(outcome, decision->route);
    decision->redirect = REDIRECT_UNSET;
    decision->location = (struct text){0};
}

void decision_refuse_problem(struct decision *decision, enum extract_problem problem)
{
    decision->outcome = OUTCOME_MALFORMED;
    decision->reason = REASON_EXTRACT;
    decision->problem = problem;
    decision->status = 400;
    decision->explanation = extract_problem_text(problem);
}

void decision_refuse_early(struct decision *decision, enum outcome outcome, unsigned status, const char *explanation)
{
    decision_begin(decision);
    decision->outcome = outcome;
    decision->status = status;
    decision->explanation = explanation;
}
