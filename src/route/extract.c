#include "ssoferry/route.h"
#include "ssoferry/saml_issuer.h"

#include "encoded.h"

#include <jansson.h>

/* Bytes. A JSON RelayState has a few short members; a longer one is not parsed. */
enum { JSON_SIZE_MAX = 8192 };

/* -- what an identifier may be -- */

static enum extract_problem check_identifier(struct text identifier)
{
    if (identifier.size == 0)
        return EXTRACT_EMPTY;
    if (identifier.size > IDENTIFIER_SIZE_MAX)
        return EXTRACT_TOO_LONG;
    if (text_is_printable(identifier)) /* nearly all are */
        return EXTRACT_FINE;
    if (!text_is_utf8(identifier))
        return EXTRACT_BAD_UTF8;
    return text_has_control(identifier) ? EXTRACT_CONTROL_CHARACTER : EXTRACT_FINE;
}

/* Whether it is too long to decode to IDENTIFIER_SIZE_MAX bytes or fewer. Avoids copying an attacker's long text. */
static bool is_hopelessly_long(struct text raw)
{
    return raw.size > 3 * IDENTIFIER_SIZE_MAX;
}

/* -- identifiers in the URL -- */

/* Joins the segments of an {identifier...} by single slashes, however many separated them. */
static struct text join_segments(struct text raw, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < raw.size; i++)
        if (i == 0 || raw.at[i] != '/' || raw.at[i - 1] != '/')
            out[size++] = raw.at[i];
    return text_slice(out, size);
}

static enum extract_problem decode_path(struct text raw, struct memory memory, struct text *identifier)
{
    if (text_find(raw, '%', 0) == raw.size && text_find(raw, '/', 0) == raw.size) {
        *identifier = raw;
        return EXTRACT_FINE;
    }
    char *out = memory.allocate(memory.context, raw.size);
    struct text joined = join_segments(raw, out);
    if (!text_percent_decode(joined, TEXT_PLUS_IS_PLUS, out, &identifier->size))
        return EXTRACT_BAD_ENCODING;
    identifier->at = out;
    return EXTRACT_FINE;
}

static struct text fold_host(struct text raw, struct memory memory)
{
    char *out = memory.allocate(memory.context, raw.size);
    text_fold(raw, out);
    return text_slice(out, raw.size);
}

/* What a finder works with. */
struct search {
    const struct route *route;
    const struct request *request;
    const struct template_capture *capture;
    struct memory memory;
};

static enum extract_problem find_in_template(const struct search *search, struct text *identifier)
{
    const struct template_capture *capture = search->capture;
    enum extract_problem problem = EXTRACT_FINE;
    if (is_hopelessly_long(capture->raw))
        return EXTRACT_TOO_LONG;
    switch (capture->place) {
    case TEMPLATE_NOWHERE:
        break;
    case TEMPLATE_IN_PATH:
        problem = decode_path(capture->raw, search->memory, identifier);
        break;
    case TEMPLATE_IN_QUERY:
        if (!form_decode(capture->raw, false, search->memory, identifier))
            problem = EXTRACT_BAD_ENCODING;
        break;
    case TEMPLATE_IN_HOST:
        *identifier = fold_host(capture->raw, search->memory);
        break;
    }
    return problem != EXTRACT_FINE ? problem : check_identifier(*identifier);
}

/* -- identifiers in fields -- */

/* A message's fields: a POST's are in its body (saml-bindings 3.5), else in the query (3.4). False if the body is no
 * form. */
static bool message_fields(const struct request *request, struct text *fields)
{
    *fields = request->query;
    if (request->method != METHOD_POST)
        return true;
    *fields = request->body;
    return request->body.size == 0 || form_content_type(request->content_type);
}

bool message_has_response(const struct request *request)
{
    struct text fields;
    struct form_pair pair;
    return message_fields(request, &fields) && form_find(fields, TEXT("SAMLResponse"), &pair) != FORM_ABSENT;
}

/* As json_object_getn(), which jansson 2.13 has not. */
static json_t *find_member(json_t *object, struct text name)
{
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        if (text_equal(text_of(json_object_iter_key(at)), name))
            return json_object_iter_value(at);
    }
    return NULL;
}

static enum extract_problem read_json(const struct search *search, struct text relay_state, struct text *identifier)
{
    if (relay_state.size > JSON_SIZE_MAX)
        return EXTRACT_BAD_RELAY_STATE;
    /* Numbers are not used. Read as reals, integers of more than 64 bits do not make it invalid. */
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL;
    json_t *root = json_loadb(relay_state.at, relay_state.size, flags, NULL);
    json_t *member = find_member(root, search->route->relay_state_key);
    enum extract_problem problem = EXTRACT_BAD_RELAY_STATE;
    if (json_is_string(member)) {
        struct text value = text_slice(json_string_value(member), json_string_length(member));
        problem = check_identifier(value);
        if (problem == EXTRACT_FINE) {
            char *copy = search->memory.allocate(search->memory.context, value.size);
            memcpy(copy, value.at, value.size);
            *identifier = text_slice(copy, value.size);
        }
    }
    json_decref(root);
    return problem;
}

static enum extract_problem find_in_relay_state(const struct search *search, struct text *identifier)
{
    struct text fields, value;
    struct form_pair pair;
    if (!message_fields(search->request, &fields))
        return EXTRACT_NOT_A_FORM;
    enum form_find found = form_find(fields, TEXT("RelayState"), &pair);
    if (found == FORM_TWICE)
        return EXTRACT_PARAMETER_TWICE;
    if (found == FORM_ABSENT || pair.value.size == 0)
        return EXTRACT_NO_RELAY_STATE;
    if (pair.value.size > 3 * JSON_SIZE_MAX)
        return EXTRACT_TOO_LONG;
    if (!form_decode(pair.value, false, search->memory, &value))
        return EXTRACT_BAD_ENCODING;
    if (value.at[0] == '{')
        return read_json(search, value, identifier);
    *identifier = value;
    return check_identifier(value);
}

static enum extract_problem issuer_problem(enum saml_issuer_result result)
{
    switch (result) {
    case SAML_ISSUER_FOUND:
        return EXTRACT_FINE;
    case SAML_ISSUER_BAD_BASE64:
        return EXTRACT_BAD_BASE64;
    case SAML_ISSUER_BAD_DEFLATE:
        return EXTRACT_BAD_DEFLATE;
    case SAML_ISSUER_TOO_LARGE:
        return EXTRACT_SAML_TOO_LARGE;
    case SAML_ISSUER_BAD_XML:
        return EXTRACT_BAD_XML;
    case SAML_ISSUER_NOT_RESPONSE:
        return EXTRACT_NOT_A_RESPONSE;
    case SAML_ISSUER_MISSING:
        return EXTRACT_NO_ISSUER;
    case SAML_ISSUER_TWICE:
        return EXTRACT_ISSUER_TWICE;
    case SAML_ISSUER_UNFIT:
        return EXTRACT_UNFIT_ISSUER;
    }
    return EXTRACT_BAD_XML;
}

/* An artifact comes in a query or a form (saml-bindings 3.6.3). */
static bool has_artifact(const struct request *request, struct text fields)
{
    struct form_pair pair;
    return form_find(fields, TEXT("SAMLart"), &pair) != FORM_ABSENT ||
           form_find(request->query, TEXT("SAMLart"), &pair) != FORM_ABSENT;
}

static enum extract_problem find_in_issuer(const struct search *search, struct text *identifier)
{
    struct text fields;
    struct form_pair pair;
    if (!message_fields(search->request, &fields))
        return EXTRACT_NOT_A_FORM;
    enum form_find found = form_find(fields, TEXT("SAMLResponse"), &pair);
    if (found == FORM_TWICE)
        return EXTRACT_SAML_RESPONSE_TWICE;
    if (found == FORM_ABSENT || pair.value.size == 0)
        return has_artifact(search->request, fields) ? EXTRACT_SAML_ARTIFACT : EXTRACT_NO_SAML_RESPONSE;
    enum saml_encoding encoding = search->request->method == METHOD_POST ? SAML_POST_BINDING : SAML_REDIRECT_BINDING;
    return issuer_problem(saml_issuer_read(pair.value, encoding, search->memory, identifier));
}

/* A new way of finding an identifier is one row here. */
static enum extract_problem (*const finders[])(const struct search *search, struct text *identifier) = {
    [IDENTIFY_BY_TEMPLATE] = find_in_template,
    [IDENTIFY_BY_RELAY_STATE] = find_in_relay_state,
    [IDENTIFY_BY_ISSUER] = find_in_issuer,
};

/* -- routes -- */

static bool belongs_to_legacy(const struct route *route, const struct request *request)
{
    struct text fields;
    struct form_pair pair;
    if (route->legacy_relay_state_count == 0)
        return false;
    if ((!message_fields(request, &fields) || form_find(fields, TEXT("RelayState"), &pair) == FORM_ABSENT) &&
        form_find(request->query, TEXT("RelayState"), &pair) == FORM_ABSENT)
        return false;
    for (size_t i = 0; i < route->legacy_relay_state_count; i++) {
        size_t size;
        if (encoded_starts(pair.value, ENCODED_FORM, route->legacy_relay_states[i], &size))
            return true;
    }
    return false;
}

static void take(const struct route *route, const struct request *request, const struct template_capture *capture,
                 enum template_result result, struct memory memory, struct extraction *extraction)
{
    struct search search = {route, request, capture, memory};
    extraction->legacy_relay_state = belongs_to_legacy(route, request);
    extraction->problem = result == TEMPLATE_QUERY_TWICE
                              ? EXTRACT_PARAMETER_TWICE
                              : finders[route->identify_by](&search, &extraction->identifier);
    if (extraction->problem != EXTRACT_FINE)
        extraction->identifier = text_slice(NULL, 0);
    if (capture->place == TEMPLATE_IN_QUERY && result == TEMPLATE_MATCHES) {
        extraction->query = form_without(request->query, &capture->parameter, memory);
        extraction->has_query = extraction->query.size > 0;
    }
}

/* Trims slashes at the start to two and at the end to one, which match the same. Otherwise an attacker's megabyte of
 * slashes would be walked over once per route. */
static struct text trim_path(struct text path)
{
    size_t start = 0, end = path.size;
    while (start + 2 < end && path.at[start] == '/' && path.at[start + 1] == '/' && path.at[start + 2] == '/')
        start++;
    while (end > start + 1 && path.at[end - 1] == '/' && path.at[end - 2] == '/')
        end--;
    return text_slice(path.at + start, end - start);
}

static const enum route_miss misses[] = {
    [TEMPLATE_MATCHES] = ROUTE_TAKEN,
    [TEMPLATE_HOST_DIFFERS] = ROUTE_HOST_DIFFERS,
    [TEMPLATE_PATH_DIFFERS] = ROUTE_PATH_DIFFERS,
    [TEMPLATE_QUERY_LACKS] = ROUTE_QUERY_LACKS,
    [TEMPLATE_QUERY_TWICE] = ROUTE_TAKEN,
};

struct match {
    enum template_result result;
    struct template_capture capture;
};

/* Returns the route that takes the request, or `count` if none does. That is the first that matches; but if its
 * identifier is an empty path segment, a later match that does not look in the path goes first. (One that does would
 * find a wrong word there.) */
static size_t find_route(const struct route *routes, size_t count, const struct request *request, struct match *match)
{
    size_t taken = count;
    struct match passed_over;
    for (size_t i = 0; i < count; i++) {
        match->result = template_match(routes[i].template, request, &match->capture);
        if (misses[match->result] != ROUTE_TAKEN)
            continue;
        if (!match->capture.empty_segment && (taken == count || match->capture.place != TEMPLATE_IN_PATH))
            return i;
        if (taken == count) {
            passed_over = *match;
            taken = i;
        }
    }
    if (taken < count)
        *match = passed_over;
    return taken;
}

static void tell(const struct extract_trace *trace, const struct route *routes, size_t count,
                 const struct request *request, size_t taken)
{
    for (size_t i = 0; i < count; i++) {
        struct template_capture capture;
        enum route_miss miss = misses[template_match(routes[i].template, request, &capture)];
        if (miss == ROUTE_TAKEN && i != taken)
            miss = capture.empty_segment ? ROUTE_LEAVES_EMPTY : ROUTE_TAKES_ANOTHER;
        trace->on_route(trace->context, &routes[i], miss);
        if (i == taken && !capture.empty_segment)
            return;
    }
}

static bool find_match(const struct route *routes, size_t count, struct request *request,
                       const struct extract_trace *trace, struct match *match, struct extraction *extraction)
{
    *extraction = (struct extraction){.query = request->query, .has_query = request->has_query};
    if (request->path.size == 0 || request->path.at[0] != '/') {
        extraction->problem = EXTRACT_BAD_PATH;
        return false;
    }
    request->path = trim_path(request->path);
    size_t taken = find_route(routes, count, request, match);
    if (trace != NULL)
        tell(trace, routes, count, request, taken);
    if (taken == count)
        return false;
    extraction->route = &routes[taken];
    return true;
}

void extract(const struct route *routes, size_t count, const struct request *request, struct memory memory,
             const struct extract_trace *trace, struct extraction *extraction)
{
    struct match match;
    struct request trimmed = *request;
    if (find_match(routes, count, &trimmed, trace, &match, extraction))
        take(extraction->route, &trimmed, &match.capture, match.result, memory, extraction);
}

void extract_from_url(const struct route *routes, size_t count, const struct request *request, struct memory memory,
                      const struct extract_trace *trace, struct extraction *extraction)
{
    struct match match;
    struct request trimmed = *request;
    trimmed.body = (struct text){0};
    if (find_match(routes, count, &trimmed, trace, &match, extraction) &&
        extraction->route->identify_by == IDENTIFY_BY_TEMPLATE)
        take(extraction->route, &trimmed, &match.capture, match.result, memory, extraction);
}
