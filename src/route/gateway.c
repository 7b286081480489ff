#include "ssoferry/gateway.h"

#include <string.h>

#include "location.h"

struct deciding {
    const struct gateway_settings *settings;
    const struct request *request;
    struct memory memory;
    struct extraction extraction;
    struct connection_buffer found;
    struct decision *decision;
};

/* For almost every request, so by moves of known sizes in place of text_join(): 70 instructions fewer. */
struct text gateway_acs_url(const struct gateway_settings *settings, const struct connection *connection,
                            struct memory memory)
{
    static const struct text callback = {"/v1/b2b/sso/callback/", 21};
    const struct text id = connection->connection_id;
    if (connection->acs_url.size > 0)
        return text_copy(connection->acs_url, memory);
    const struct text origin = connection_id_is_test(id) ? settings->test_url : settings->live_url;
    char *out = memory.allocate(memory.context, origin.size + callback.size + id.size);
    memcpy(out, origin.at, origin.size);
    memcpy(out + origin.size, callback.at, callback.size);
    memcpy(out + origin.size + callback.size, id.at, id.size);
    return text_slice(out, origin.size + callback.size + id.size);
}

/* The rule of safety, enforced again when answering: something other than the loader may have written the record. */
static bool url_is_allowed(const struct allowed_hosts *hosts, struct text source, const char *field,
                           struct decision *decision)
{
    struct url url;
    const char *why = NULL;
    if (url_parse(source, &url, &why) && allowed_hosts_check(hosts, &url, &why))
        return true;
    error_set(&decision->error, ERROR_FAILED, "the row's %s cannot be used: %s", field, why);
    decision_refuse(decision, OUTCOME_UNAVAILABLE, REASON_HOST_NOT_ALLOWED);
    return false;
}

static enum redirect_kind choose_redirect(const struct deciding *deciding)
{
    enum redirect_kind kind = deciding->decision->row == ROW_FOUND ? deciding->found.row.redirect : REDIRECT_UNSET;
    if (kind == REDIRECT_UNSET)
        kind = deciding->extraction.route->redirect;
    if (kind == REDIRECT_UNSET)
        kind = deciding->settings->redirect;
    return kind;
}

static void set_redirect(struct decision *decision, enum redirect_kind kind)
{
    decision->redirect = kind;
    decision->status = kind == REDIRECT_FORM ? 200 : kind == REDIRECT_303 ? 303 : 307;
}

/* Only a form can, and only if the page changes no byte of it. Anything else keeps its method and body with 307. */
static bool can_be_posted_again(const struct deciding *deciding)
{
    const struct request *request = deciding->request;
    return request->method == METHOD_POST && form_content_type(request->content_type) &&
           text_is_utf8(deciding->decision->location) &&
           form_decode_all(request->body, deciding->memory, &deciding->decision->form);
}

static void settle_form(const struct deciding *deciding)
{
    if (deciding->decision->redirect == REDIRECT_FORM && !can_be_posted_again(deciding))
        set_redirect(deciding->decision, REDIRECT_307);
}

static void answer_stytch(struct deciding *deciding)
{
    struct decision *decision = deciding->decision;
    const struct connection *row = &deciding->found.row;
    /* connection_decode() has checked the id itself; whether there must be one depends on the state. */
    if (row->connection_id.size == 0) {
        error_set(&decision->error, ERROR_FAILED, "the row's state is stytch, and it has no connection_id");
        decision_refuse(decision, OUTCOME_UNAVAILABLE, REASON_RECORD);
        return;
    }
    if (row->acs_url.size > 0 && !url_is_allowed(deciding->settings->stytch_hosts, row->acs_url, "acs_url", decision))
        return;
    const struct text id = row->connection_id, url = gateway_acs_url(deciding->settings, row, deciding->memory);
    if (row->acs_url.size == 0) /* the URL then ends with the id */
        decision->connection_id = text_slice(url.at + url.size - id.size, id.size);
    struct text location =
        location_with_query(url, deciding->extraction.has_query, deciding->extraction.query, deciding->memory);
    if (location_comes_round(deciding->settings, deciding->request, location, deciding->memory)) {
        decision_refuse(decision, OUTCOME_LOOP, REASON_NONE);
        return;
    }
    decision->outcome = OUTCOME_STYTCH;
    decision->location = location;
    set_redirect(decision, choose_redirect(deciding));
}

static void redirect_legacy(struct deciding *deciding, struct text base, bool has_query, struct text query,
                            enum reason reason)
{
    struct decision *decision = deciding->decision;
    if (location_comes_here(deciding->settings, deciding->request, base)) {
        decision_refuse(decision, OUTCOME_LOOP, reason);
        return;
    }
    decision->outcome = OUTCOME_LEGACY;
    decision->reason = reason;
    set_redirect(decision, REDIRECT_307);
    decision->explanation = "";
    decision->location = location_with_query(base, has_query, query, deciding->memory);
}

static bool needs_identifier(struct text pattern)
{
    return text_find(pattern, '{', 0) < pattern.size && !template_keeps_path(pattern);
}

/* Whether the identifier would be a "." or ".." segment of the path, which a browser resolves to another path. */
static bool makes_a_step(struct text pattern, struct text identifier)
{
    const struct text segment = TEXT("/{identifier}");
    if (!text_equal(identifier, TEXT(".")) && !text_equal(identifier, TEXT("..")))
        return false;
    for (size_t i = 0; i + segment.size <= pattern.size && pattern.at[i] != '?'; ++i) {
        size_t end = i + segment.size;
        if (memcmp(pattern.at + i, segment.at, segment.size) == 0 &&
            (end == pattern.size || pattern.at[end] == '/' || pattern.at[end] == '?'))
            return true;
    }
    return false;
}

/* Redirects to the row's legacy URL or, failing that, the route's. False if there is neither. */
static bool answer_legacy(struct deciding *deciding, enum reason reason)
{
    const struct request *request = deciding->request;
    const struct extraction *extraction = &deciding->extraction;
    const struct text row_url =
        deciding->decision->row == ROW_FOUND ? deciding->found.row.legacy_url : (struct text){0};
    const struct text pattern = extraction->route->legacy_url;
    struct text base;

    if (row_url.size > 0) {
        if (!url_is_allowed(deciding->settings->legacy_hosts, row_url, "legacy_url", deciding->decision))
            return true;
        base = text_copy(row_url, deciding->memory);
    } else {
        if (pattern.size == 0 || (needs_identifier(pattern) && (extraction->problem != EXTRACT_FINE ||
                                                                makes_a_step(pattern, extraction->identifier))))
            return false;
        base = template_expand(pattern, extraction->identifier, request->path, deciding->memory);
    }
    /* A legacy URL with a query of its own already says whom it is for; one without gets the whole old query. */
    if (text_find(base, '?', 0) < base.size)
        redirect_legacy(deciding, base, extraction->has_query, extraction->query, reason);
    else
        redirect_legacy(deciding, base, request->has_query, request->query, reason);
    /* An identity provider whose policy forbids redirects forbids this one, too. 303 is for Stytch alone. */
    if (deciding->decision->outcome == OUTCOME_LEGACY && choose_redirect(deciding) == REDIRECT_FORM)
        set_redirect(deciding->decision, REDIRECT_FORM);
    return true;
}

/* Redirects a request that no route takes to the configured legacy origin. False if there is none. */
static bool answer_unmatched(struct deciding *deciding, enum reason reason)
{
    const struct gateway_settings *settings = deciding->settings;
    const struct request *request = deciding->request;
    if (settings->unmatched_url.size == 0)
        return false;
    const struct text parts[] = {settings->unmatched_url, request->path};
    const struct text base = text_join(parts, sizeof(parts) / sizeof(parts[0]), deciding->memory);
    redirect_legacy(deciding, base, request->has_query, request->query, reason);
    return true;
}

static enum decision_row row_of(enum lookup_result result, const struct error *error)
{
    switch (result) {
    case LOOKUP_FOUND:
        return ROW_FOUND;
    case LOOKUP_ABSENT:
        return ROW_ABSENT;
    case LOOKUP_FAILED:
        return error->kind == ERROR_RECORD ? ROW_UNREADABLE : ROW_NOT_ASKED;
    case LOOKUP_NOT_LOADED:
        break;
    }
    return ROW_NOT_ASKED;
}

static enum lookup_result find(struct deciding *deciding, struct lookup *lookup, struct text identifier)
{
    struct decision *decision = deciding->decision;
    const enum lookup_result result =
        lookup_find(lookup, deciding->extraction.route->source, identifier, &deciding->found, &decision->error);
    decision->row = row_of(result, &decision->error);
    return result;
}

/* Looks the identifier up as written and, if that fails, in lower case if the route folds case and it has capitals.
 * Notes in the decision what the table says. */
static enum lookup_result find_row(struct deciding *deciding, struct lookup *lookup)
{
    struct decision *decision = deciding->decision;
    const struct text identifier = deciding->extraction.identifier;
    enum lookup_result result = find(deciding, lookup, identifier);
    if (result != LOOKUP_ABSENT || !deciding->extraction.route->fold_case || !identifier_has_capitals(identifier))
        return result;
    char folded[IDENTIFIER_SIZE_MAX];
    text_fold(identifier, folded);
    const struct text lower = text_slice(folded, identifier.size);
    result = find(deciding, lookup, lower);
    if (decision_has_row(decision))
        decision->identifier = text_copy(lower, deciding->memory);
    return result;
}

static void answer_state(struct deciding *deciding)
{
    struct decision *decision = deciding->decision;
    switch (deciding->found.row.state) {
    case CONNECTION_STYTCH:
        if (!deciding->extraction.legacy_relay_state || !answer_legacy(deciding, REASON_RELAY_STATE))
            answer_stytch(deciding);
        return;
    case CONNECTION_LEGACY:
        if (!answer_legacy(deciding, REASON_STATE))
            decision_refuse(decision, OUTCOME_UNAVAILABLE, REASON_NO_LEGACY_URL);
        return;
    case CONNECTION_DISABLED:
        decision_refuse(decision, OUTCOME_DISABLED, REASON_STATE);
        return;
    }
    decision_refuse(decision, OUTCOME_UNAVAILABLE, REASON_RECORD);
}

static void answer_row(struct deciding *deciding)
{
    struct decision *decision = deciding->decision;
    answer_state(deciding);
    if (decision->connection_id.size == 0)
        decision->connection_id = text_copy(deciding->found.row.connection_id, deciding->memory);
}

static void answer_identified(struct deciding *deciding, struct lookup *lookup)
{
    struct decision *decision = deciding->decision;
    const struct extraction *extraction = &deciding->extraction;
    switch (find_row(deciding, lookup)) {
    case LOOKUP_FOUND:
        answer_row(deciding);
        return;
    case LOOKUP_ABSENT:
        if (extraction->legacy_relay_state && answer_legacy(deciding, REASON_RELAY_STATE))
            return;
        if (!extraction->route->unknown_is_legacy || !answer_legacy(deciding, REASON_UNKNOWN_LEGACY))
            decision_refuse(decision, OUTCOME_UNKNOWN, REASON_NONE);
        return;
    case LOOKUP_NOT_LOADED:
        decision_refuse(decision, OUTCOME_UNAVAILABLE, REASON_NOT_LOADED);
        return;
    case LOOKUP_FAILED:
        decision_refuse(decision, OUTCOME_UNAVAILABLE, decision->row == ROW_UNREADABLE ? REASON_RECORD : REASON_STORE);
        return;
    }
}

/* Whether the RelayState is too long to be an identifier. It may be the old system's own, to be carried on as it is. */
static bool has_long_relay_state(const struct extraction *extraction)
{
    return extraction->problem == EXTRACT_TOO_LONG && extraction->route->identify_by == IDENTIFY_BY_RELAY_STATE;
}

/* Whether the request is a sign-in whose RelayState names nobody, to be counted as an unknown identifier. */
static bool is_nameless(const struct deciding *deciding)
{
    const struct extraction *extraction = &deciding->extraction;
    return (extraction->problem == EXTRACT_NO_RELAY_STATE || extraction->problem == EXTRACT_BAD_RELAY_STATE ||
            has_long_relay_state(extraction)) &&
           message_has_response(deciding->request);
}

/* The old system may take other sign-ins, and logouts, at the same address. A route that sends unknown identifiers to
 * the legacy side sends these there, too. */
static bool answer_foreign(struct deciding *deciding)
{
    struct decision *decision = deciding->decision;
    const struct extraction *extraction = &deciding->extraction;
    if (!extraction->route->unknown_is_legacy ||
        !(extract_problem_is_foreign(extraction->problem) || has_long_relay_state(extraction)))
        return false;
    decision->problem = extraction->problem;
    bool nameless = is_nameless(deciding);
    enum reason reason = nameless ? REASON_UNKNOWN_LEGACY : REASON_EXTRACT;
    if (!answer_legacy(deciding, reason) && !answer_unmatched(deciding, reason))
        return false;
    if (nameless)
        decision->detail = extract_problem_code(extraction->problem);
    return true;
}

static void answer_problem(struct deciding *deciding)
{
    if (deciding->extraction.legacy_relay_state && answer_legacy(deciding, REASON_RELAY_STATE))
        return;
    if (!answer_foreign(deciding))
        decision_refuse_problem(deciding->decision, deciding->extraction.problem);
}

static bool rehearses(const struct gateway_settings *settings, const struct route *route)
{
    return settings->observe || route->observe;
}

static void answer_routed(struct deciding *deciding, struct lookup *lookup)
{
    struct decision *decision = deciding->decision;
    const struct extraction *extraction = &deciding->extraction;
    decision->route = extraction->route;
    decision->source = extraction->route->source;
    decision->identifier = extraction->identifier;
    if (extraction->problem == EXTRACT_FINE)
        answer_identified(deciding, lookup);
    else
        answer_problem(deciding);

    if (rehearses(deciding->settings, extraction->route)) {
        enum outcome would = decision->outcome;
        enum reason reason = decision->reason;
        decision->observed = answer_legacy(deciding, would == OUTCOME_LEGACY ? reason : REASON_OBSERVE);
        decision->would = would;
        /* The legacy URL cannot name a "." or "..", and nobody is cut over by a rehearsal. */
        if (!decision->observed && would == OUTCOME_STYTCH && extraction->route->legacy_url.size > 0)
            decision_refuse(decision, OUTCOME_UNKNOWN, REASON_NONE);
    }
    settle_form(deciding);
}

size_t gateway_rehearsing(const struct gateway_settings *settings)
{
    size_t count = 0;
    for (size_t i = 0; i < settings->route_count; ++i)
        count += rehearses(settings, &settings->routes[i]);
    return count;
}

bool gateway_needs_table(const struct gateway_settings *settings)
{
    for (size_t i = 0; i < settings->route_count; ++i) {
        const struct route *route = &settings->routes[i];
        if (!rehearses(settings, route) || route->legacy_url.size == 0)
            return true;
    }
    return false;
}

bool gateway_check_uri(const struct gateway_settings *settings, size_t size, struct decision *decision)
{
    if (size <= settings->uri_limit)
        return true;
    decision_refuse_early(
        decision, OUTCOME_TOO_LARGE, 414,
        "The address that the identity provider sent you to is too long. Ask your administrator to let "
        "it answer by POST.");
    return false;
}

/* Refuses requests that no route could accept, in the order in which the daemon meets them: libh2o measures the body
 * before a handler sees the request. */
static bool is_acceptable(const struct gateway_settings *settings, const struct request *request,
                          struct decision *decision)
{
    size_t uri_size = request->path.size + (request->has_query ? 1 + request->query.size : 0);
    if (request->body.size > settings->body_limit)
        decision_refuse(decision, OUTCOME_TOO_LARGE, REASON_NONE);
    else if (!gateway_check_uri(settings, uri_size, decision))
        return false;
    else if (request->method == METHOD_OTHER)
        decision_refuse(decision, OUTCOME_METHOD, REASON_NONE);
    else if (!text_is_visible(request->path) || (request->has_query && !text_is_visible(request->query)))
        decision_refuse_problem(decision, EXTRACT_CONTROL_CHARACTER); /* it could forge a header */
    else
        return true;
    return false;
}

static void start(struct deciding *deciding, const struct gateway_settings *settings, const struct request *request,
                  struct memory memory, struct decision *decision)
{
    deciding->settings = settings;
    deciding->request = request;
    deciding->memory = memory;
    deciding->found.row = (struct connection){0};
    deciding->decision = decision;
}

void gateway_identify(const struct gateway_settings *settings, struct lookup *lookup, const struct request *request,
                      struct memory memory, const struct extract_trace *trace, struct decision *decision)
{
    struct deciding deciding;
    const struct extraction *extraction = &deciding.extraction;
    start(&deciding, settings, request, memory, decision);
    extract_from_url(settings->routes, settings->route_count, request, memory, trace, &deciding.extraction);
    if (extraction->route == NULL)
        return;
    decision->route = extraction->route;
    decision->source = extraction->route->source;
    decision->identifier = extraction->identifier;
    if (extraction->identifier.size == 0)
        return;
    if (find_row(&deciding, lookup) == LOOKUP_FOUND)
        decision->connection_id = text_copy(deciding.found.row.connection_id, memory);
    decision->error.kind = ERROR_NONE; /* the lookup did not decide anything */
}

void gateway_decide(const struct gateway_settings *settings, struct lookup *lookup, const struct request *request,
                    struct memory memory, const struct extract_trace *trace, struct decision *decision)
{
    struct deciding deciding;
    start(&deciding, settings, request, memory, decision);
    decision_begin(decision);
    if (!is_acceptable(settings, request, decision)) {
        if (decision->outcome != OUTCOME_MALFORMED)
            gateway_identify(settings, lookup, request, memory, trace, decision);
        return;
    }
    extract(settings->routes, settings->route_count, request, memory, trace, &deciding.extraction);
    if (deciding.extraction.route != NULL)
        answer_routed(&deciding, lookup);
    else if (deciding.extraction.problem != EXTRACT_FINE)
        decision_refuse_problem(decision, deciding.extraction.problem);
    else if (!answer_unmatched(&deciding, REASON_UNMATCHED))
        decision_refuse(decision, OUTCOME_NO_ROUTE, REASON_NONE);
}
