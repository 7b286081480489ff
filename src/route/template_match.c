/* Matching on the request path: does not allocate, and looks at each byte of a path a bounded number of times. */
#include "template_internal.h"

#include "ssoferry/bytes.h"
#include "ssoferry/url.h"

/* -- host -- */

/* The name in a Host field, without the port and the final dot of a fully qualified name. */
static struct text host_name(struct text host)
{
    struct text name = url_host_alone(host);
    if (name.size > 0 && name.at[0] != '[' && name.at[name.size - 1] == '.')
        name.size--;
    return name;
}

bool host_pattern_matches(const struct host_pattern *pattern, struct text host, struct text *label)
{
    *label = host;
    switch (pattern->kind) {
    case HOST_UNSAID:
        return true;
    case HOST_WHOLE:
        return host.size > 0;
    case HOST_LITERAL:
        return text_equal_fold(host, pattern->before);
    case HOST_LABEL:
        break;
    }
    size_t fixed = pattern->before.size + pattern->after.size;
    if (host.size <= fixed)
        return false;
    *label = text_slice(host.at + pattern->before.size, host.size - fixed);
    struct text after = text_slice(label->at + label->size, pattern->after.size);
    return text_equal_fold(text_slice(host.at, pattern->before.size), pattern->before) &&
           text_equal_fold(after, pattern->after) && text_find(*label, '.', 0) == label->size;
}

/* -- path -- */

/* What the first bytes of a path show. */
enum lead {
    LEAD_DIFFERS,
    LEAD_IS_UNCLEAR, /* it may be written differently: escapes, repeated slashes */
    LEAD_FITS,       /* the segments that the lead stands for match */
};

/* Makes a route that does not take the request cost almost nothing, and one that does little. */
static inline enum lead look_at_lead(const struct template *template, struct text path)
{
    const struct text lead = template->lead;
    size_t size = lead.size < path.size ? lead.size : path.size;
    size_t same = bytes_shared(lead.at, path.at, size);
    while (template->folded && same < size && lead.at[same] == text_lower(path.at[same]))
        same++;
    if (same < lead.size)
        return same < path.size && (path.at[same] == '%' || path.at[same] == '/') ? LEAD_IS_UNCLEAR : LEAD_DIFFERS;
    return same == path.size || path.at[same] == '/' ? LEAD_FITS : LEAD_IS_UNCLEAR;
}

/* The part of a path still to be matched: path.at[start] to path.at[end]. Both are at a slash or the path's end. */
struct rest {
    struct text path;
    size_t start, end;
};

/* Cuts off the first segment, skipping slashes before it. False if there is none. */
static bool cut_first(struct rest *rest, struct text *segment)
{
    const char *at = rest->path.at + rest->start, *end = rest->path.at + rest->end;
    while (at < end && *at == '/')
        at++;
    if (at == end)
        return false;
    const char *slash = memchr(at, '/', (size_t)(end - at));
    *segment = text_slice(at, (size_t)((slash != NULL ? slash : end) - at));
    rest->start = (size_t)(at - rest->path.at) + segment->size;
    return true;
}

/* Cuts off the last segment, skipping slashes after it. False if there is none. */
static bool cut_last(struct rest *rest, struct text *segment)
{
    const char *start = rest->path.at + rest->start, *end = rest->path.at + rest->end;
    while (end > start && end[-1] == '/')
        end--;
    if (end == start)
        return false;
    const char *slash = memrchr(start, '/', (size_t)(end - start));
    const char *at = slash != NULL ? slash + 1 : start;
    *segment = text_slice(at, (size_t)(end - at));
    rest->end = (size_t)(at - rest->path.at);
    return true;
}

static bool segment_matches(const struct segment *pattern, struct text segment, struct text *raw)
{
    switch (pattern->kind) {
    case SEGMENT_LITERAL:
        return encoded_equal(segment, pattern->rule, pattern->before);
    case SEGMENT_ANY:
    case SEGMENT_SPREAD:
        *raw = segment;
        return true;
    case SEGMENT_AFFIXED:
        break;
    }
    size_t before, after;
    if (!encoded_starts(segment, pattern->rule, pattern->before, &before) ||
        !encoded_ends(segment, pattern->rule, pattern->after, &after) || before + after > segment.size)
        return false;
    *raw = text_slice(segment.at + before, segment.size - before - after);
    return true;
}

/* Matches the template's segments from..to-1 against the first remaining segments, and cuts those off. */
static bool take_first(const struct template *template, size_t from, size_t to, struct rest *rest, struct text *raw)
{
    for (size_t i = from; i < to; i++) {
        struct text segment, variable;
        if (!cut_first(rest, &segment) || !segment_matches(&template->segments[i], segment, &variable))
            return false;
        if (i == template->identifier_segment)
            *raw = variable;
    }
    return true;
}

/* The same from the end. */
static bool take_last(const struct template *template, size_t from, size_t to, struct rest *rest, struct text *raw)
{
    for (size_t i = to; i > from; i--) {
        struct text segment, variable;
        if (!cut_last(rest, &segment) || !segment_matches(&template->segments[i - 1], segment, &variable))
            return false;
        if (i - 1 == template->identifier_segment)
            *raw = variable;
    }
    return true;
}

static struct text trim_slashes(const struct rest *rest)
{
    size_t start = rest->start, end = rest->end;
    while (start < end && rest->path.at[start] == '/')
        start++;
    while (end > start && rest->path.at[end - 1] == '/')
        end--;
    return text_slice(rest->path.at + start, end - start);
}

/* Whether `rest`, only slashes, stands for an empty identifier: "/saml//acs", "/saml/" and "/" do, "/saml" does not. */
static bool is_empty_identifier(const struct template *template, const struct rest *rest, struct text *raw)
{
    bool last = template->identifier_segment + 1 == template->segment_count;
    *raw = text_slice(rest->path.at + rest->end, 0);
    return template->segments[template->identifier_segment].kind != SEGMENT_AFFIXED &&
           rest->end - rest->start >= (last ? 1 : 2);
}

/* Matches a path from its first segment, or from the end of its lead. */
static bool match_anchored(const struct template *template, struct text path, enum lead lead, struct text *raw)
{
    size_t identifier = template->identifier_segment, count = template->segment_count;
    struct rest rest = {path, lead == LEAD_FITS ? template->lead.size : 0, path.size};
    if (!take_first(template, lead == LEAD_FITS ? template->lead_segments : 0, identifier, &rest, raw))
        return false;
    if (identifier == count)
        return trim_slashes(&rest).size == 0;

    struct rest inner = rest;
    if (!take_last(template, identifier + 1, count, &inner, raw))
        return false;
    struct text middle = trim_slashes(&inner);
    if (middle.size == 0)
        return is_empty_identifier(template, &inner, raw);
    if (template->spread) {
        *raw = middle;
        return true;
    }
    return text_find(middle, '/', 0) == middle.size && segment_matches(&template->segments[identifier], middle, raw);
}

/* Matches `**`, then segments, then an identifier of one or more segments. The shortest identifier wins, so the
 * segments before it are at their last possible place. */
static bool match_spread_after_any(const struct template *template, struct rest rest, struct text *raw)
{
    struct text segment, variable;
    const char *end = NULL;
    while (cut_last(&rest, &segment)) {
        if (end == NULL)
            end = segment.at + segment.size;
        struct rest before = rest;
        if (take_last(template, 0, template->identifier_segment, &before, &variable)) {
            *raw = text_slice(segment.at, (size_t)(end - segment.at));
            return true;
        }
    }
    return false;
}

/* Matches a template that starts with `**`: from the path's last segment backwards. */
static bool match_floating(const struct template *template, struct text path, struct text *raw)
{
    size_t identifier = template->identifier_segment, count = template->segment_count;
    struct rest rest = {path, 0, path.size};
    if (identifier == count)
        return take_last(template, 0, count, &rest, raw);
    if (!take_last(template, identifier + 1, count, &rest, raw))
        return false;

    struct rest whole = rest;
    if (template->spread ? match_spread_after_any(template, whole, raw)
                         : take_last(template, 0, identifier + 1, &whole, raw))
        return true;
    struct rest gap = rest;
    while (rest.end > 0 && path.at[rest.end - 1] == '/')
        rest.end--;
    gap.start = rest.end;
    return is_empty_identifier(template, &gap, raw) &&
           take_last(template, 0, identifier, &rest, &(struct text){NULL, 0});
}

static bool match_path(const struct template *template, struct text path, enum lead lead, struct text *raw)
{
    if (path.size == 0 || path.at[0] != '/')
        return false;
    return template->floating ? match_floating(template, path, raw) : match_anchored(template, path, lead, raw);
}

/* -- query -- */

static bool parameter_matches(const struct parameter *parameter, const struct form_pair *pair)
{
    switch (parameter->kind) {
    case VALUE_ANY:
        return true;
    case VALUE_SOME:
        return pair->value.size > 0;
    case VALUE_LITERAL:
        return encoded_equal(pair->value, ENCODED_FORM, parameter->value);
    }
    return false;
}

static enum template_result match_query(const struct template *template, struct text query,
                                        struct template_capture *capture)
{
    enum template_result result = TEMPLATE_MATCHES;
    for (size_t i = 0; i < template->parameter_count; i++) {
        struct form_pair pair;
        enum form_find found = form_find(query, template->parameters[i].name, &pair);
        if (found == FORM_ABSENT || !parameter_matches(&template->parameters[i], &pair))
            return TEMPLATE_QUERY_LACKS;
        if (i != template->identifier_parameter)
            continue;
        capture->raw = pair.value;
        capture->parameter = pair;
        if (found == FORM_TWICE)
            result = TEMPLATE_QUERY_TWICE;
    }
    return result;
}

/* Not inlined: otherwise its frame is set up for each route that the lead rejects, which costs more than the lead. */
static __attribute__((noinline)) enum template_result match(const struct template *template,
                                                            const struct request *request, enum lead lead,
                                                            struct template_capture *capture)
{
    struct text label = {NULL, 0}, raw = {NULL, 0};
    if (template->host.kind != HOST_UNSAID && !host_pattern_matches(&template->host, host_name(request->host), &label))
        return TEMPLATE_HOST_DIFFERS;
    if (!match_path(template, request->path, lead, &raw))
        return TEMPLATE_PATH_DIFFERS;
    *capture = (struct template_capture){.place = template->place};
    if (template->place == TEMPLATE_IN_HOST) {
        capture->raw = label;
    } else if (template->place == TEMPLATE_IN_PATH) {
        capture->raw = raw;
        capture->empty_segment =
            raw.size == 0 && template->segments[template->identifier_segment].kind != SEGMENT_AFFIXED;
    }
    return match_query(template, request->query, capture);
}

enum template_result template_match(const struct template *template, const struct request *request,
                                    struct template_capture *capture)
{
    enum lead lead = look_at_lead(template, request->path);
    return lead == LEAD_DIFFERS ? TEMPLATE_PATH_DIFFERS : match(template, request, lead, capture);
}
