#include "explain_words.h"

#include <strings.h>

#include "ssoferry/form.h"

/* For outcomes that have no reason of their own. */
static const char *outcome_words(const struct decision *decision)
{
    static const char *const words[OUTCOMES] = {
        [OUTCOME_UNKNOWN] = "the identifier has no row",
        [OUTCOME_NO_ROUTE] = "no route matches",
        [OUTCOME_METHOD] = "the method is not GET, HEAD or POST",
        [OUTCOME_TOO_LARGE] = "the body is larger than limits.body",
        [OUTCOME_LOOP] = "the redirect would lead back to the gateway itself",
    };
    if (decision->status == 414)
        return "path and query are longer than limits.uri";
    return words[decision->outcome] != NULL ? words[decision->outcome] : "";
}

bool explain_is_nameless(const struct decision *decision)
{
    return decision->outcome == OUTCOME_LEGACY && decision->reason == REASON_UNKNOWN_LEGACY &&
           decision->row == ROW_NOT_ASKED;
}

const char *explain_reason(const struct decision *decision)
{
    static const char *const words[REASONS] = {
        [REASON_NONE] = "",
        [REASON_EXTRACT] = "", /* the extraction problem says it */
        [REASON_STATE] = "the row's state says so",
        [REASON_UNKNOWN_LEGACY] = "the identifier has no row, and the route sends unknown ones to the legacy side",
        [REASON_RELAY_STATE] = "the RelayState belongs to a login that the old provider started",
        [REASON_OBSERVE] = "rehearsal (observe: true): everything goes to the legacy side",
        [REASON_UNMATCHED] = "no route matches; the configuration names a legacy origin for the rest",
        [REASON_NOT_LOADED] = "the table was never loaded: `ssoferry load` fills it",
        [REASON_STORE] = "the store cannot be read",
        [REASON_RECORD] = "the row cannot be used: load it again",
        [REASON_HOST_NOT_ALLOWED] = "the row names a host that the configuration does not allow",
        [REASON_NO_LEGACY_URL] = "the row's state is legacy, but neither it nor its route has a legacy_url",
        [REASON_MEMORY] = "", /* only a daemon under load says so */
    };
    if (decision->reason == REASON_NONE || decision->outcome == OUTCOME_LOOP)
        return outcome_words(decision);
    return explain_is_nameless(decision) || decision->reason == REASON_EXTRACT
               ? extract_problem_cause(decision->problem)
               : words[decision->reason];
}

/* How to rewrite a request that no client would send like that; NULL if it is fine. */
static const char *advice_on_writing(const struct explained *explained)
{
    const struct request *request = explained->request;
    const char *method = explained->arguments->method;
    if (explained->decision->problem == EXTRACT_CONTROL_CHARACTER &&
        (text_find(request->path, ' ', 0) < request->path.size ||
         text_find(request->query, ' ', 0) < request->query.size))
        return "%20 for the space: a URL has none";
    const bool small =
        method != NULL && request->method == METHOD_OTHER &&
        (strcasecmp(method, "GET") == 0 || strcasecmp(method, "HEAD") == 0 || strcasecmp(method, "POST") == 0);
    return small ? "--method in capitals, such as POST: to HTTP, post is another one" : NULL;
}

/* A '+' of base64 that is not percent-encoded is a blank in a form, and the message then lacks some bits. */
static const char *advice_on_base64(const struct explained *explained)
{
    const enum extract_problem problem = explained->decision->problem;
    const struct request *request = explained->request;
    struct form_pair pair;
    if (problem != EXTRACT_BAD_BASE64 && problem != EXTRACT_BAD_DEFLATE && problem != EXTRACT_BAD_XML)
        return NULL;
    const struct text message = request->method == METHOD_POST ? request->body : request->query;
    if (form_find(message, TEXT("SAMLResponse"), &pair) != FORM_FOUND ||
        text_find(pair.value, '+', 0) == pair.value.size)
        return NULL;
    return "%2B for each + of the SAMLResponse (curl --data-urlencode)";
}

/* What to add to the explain command if the route looks into a message and none was given; NULL if nothing. */
static const char *advice_on_message(const struct explained *explained)
{
    const struct decision *decision = explained->decision;
    const struct request *request = explained->request;
    const bool posted = request->body.size > 0, made_up = posted && explained->arguments->body == NULL;
    const bool no_issuer = made_up && decision->problem == EXTRACT_NO_ISSUER;
    const bool no_relay_state = decision->problem == EXTRACT_NO_RELAY_STATE;
    const bool no_response = decision->problem == EXTRACT_NO_SAML_RESPONSE;
    if (decision->route == NULL || decision->identifier.size > 0 || !(no_issuer || no_relay_state || no_response))
        return NULL;
    if (posted && request->method != METHOD_POST)
        return "leave out --method: only a POST has its message in the body, others in the query";
    if (no_issuer)
        return "--issuer ENTITYID, too: the route goes by the Issuer of what the IdP posts";
    if (no_relay_state && made_up)
        return "--relay-state VALUE, too: the route goes by the RelayState of what the IdP posts";
    if (no_response && posted)
        return "a body is a form, as browsers post it: SAMLResponse=..., percent-encoded; or --issuer makes one up";
    if (no_response)
        return "--issuer ENTITYID: the route goes by the Issuer of what the IdP posts";
    return posted ? NULL : "--relay-state VALUE: the route goes by the RelayState of what the IdP posts";
}

const char *explain_advice(const struct explained *explained)
{
    static const char *(*const kinds[])(const struct explained *) = {advice_on_writing, advice_on_base64,
                                                                     advice_on_message};
    const char *found = NULL;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && found == NULL; ++i)
        found = kinds[i](explained);
    return found;
}
