#include "ssoferry/memory.h"
#include "template_internal.h"

#include <stdarg.h>
#include <stdio.h>

enum { WHY_SIZE = 256 };

static const struct text HOLE = {"{identifier}", 12};
static const struct text SPREAD_HOLE = {"{identifier...}", 15};

struct parser {
    struct template *template;
    struct text source; /* the template's own copy */
    char *out;          /* where the next literal goes; twice the source's size is room for all literals and the lead */
    char *why;
    size_t at; /* of the problem */
};

/* Reports a problem with the part of the source that starts at `at`. */
__attribute__((format(printf, 3, 4))) static bool complain(struct parser *parser, const char *at, const char *format,
                                                           ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->why, WHY_SIZE, format, arguments);
    va_end(arguments);
    parser->at = (size_t)(at - parser->source.at);
    return false;
}

/* Decodes a literal into the template's bytes. */
static bool take_literal(struct parser *parser, struct text raw, enum text_plus plus, struct text *literal)
{
    size_t star = text_find(raw, '*', 0);
    if (star < raw.size)
        return complain(parser, raw.at + star, "a '*' must be a whole segment or value; write %%2A for a star");
    size_t size;
    if (!text_percent_decode(raw, plus, parser->out, &size))
        return complain(parser, raw.at, "'%.*s' has a '%%' without two hexadecimal digits after it", TEXT_ARGS(raw));
    *literal = text_slice(parser->out, size);
    parser->out += size;
    return true;
}

/* An {identifier} in a part of the source, with the text before and after it. */
struct hole {
    bool here, spread;
    struct text before, after;
};

/* Looks for {identifier} in a part of the source; `place` is where that part belongs. */
static bool take_hole(struct parser *parser, struct text part, enum template_place place, struct hole *hole)
{
    *hole = (struct hole){.before = part};
    for (size_t i = 0; i < part.size; i++) {
        struct text rest = text_from(part, i);
        if (rest.at[0] == '}')
            return complain(parser, rest.at, "there is a '}' without its '{'; write %%7D for a brace");
        if (rest.at[0] != '{')
            continue;
        hole->spread = text_starts(rest, SPREAD_HOLE);
        if (!hole->spread && !text_starts(rest, HOLE))
            return complain(parser, rest.at,
                            "only {identifier} or {identifier...} may be in braces; write %%7B for a brace");
        if (parser->template->place != TEMPLATE_NOWHERE)
            return complain(parser, rest.at, "{identifier} is there twice");
        parser->template->place = place;
        hole->here = true;
        hole->before = text_slice(part.at, i);
        hole->after = text_from(rest, hole->spread ? SPREAD_HOLE.size : HOLE.size);
        i += (hole->spread ? SPREAD_HOLE.size : HOLE.size) - 1;
    }
    return true;
}

/* -- host -- */

static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static struct text take_folded(struct parser *parser, struct text part)
{
    struct text folded = text_slice(parser->out, part.size);
    text_fold(part, parser->out);
    parser->out += part.size;
    return folded;
}

/* "[::1]" */
static bool parse_address(struct parser *parser, struct text host)
{
    for (size_t i = 1; i + 1 < host.size; i++)
        if (text_hex_digit(host.at[i]) < 0 && host.at[i] != ':' && host.at[i] != '.')
            return complain(parser, host.at + i, "an address in brackets holds hexadecimal digits, ':' and '.' only");
    parser->template->host = (struct host_pattern){.kind = HOST_LITERAL, .before = take_folded(parser, host)};
    return true;
}

/* Checks one label: a name, `*` or `{identifier}`. *variable is whether it is one of the latter two. */
static bool check_label(struct parser *parser, struct text label, bool *variable)
{
    struct hole hole;
    if (label.size == 0)
        return complain(parser, label.at, "the host has an empty label");
    if (!take_hole(parser, label, TEMPLATE_IN_HOST, &hole))
        return false;
    if (hole.spread)
        return complain(parser, label.at,
                        "{identifier...} is for paths only; a host that is nothing but {identifier} is the whole host");
    *variable = hole.here || text_equal(label, TEXT("*"));
    if (hole.here && label.size != HOLE.size)
        return complain(parser, label.at, "in a host, {identifier} must be a whole label");
    for (size_t i = 0; !*variable && i < label.size; i++)
        if (!is_host_byte(label.at[i]))
            return complain(
                parser, label.at + i,
                "a host is made of letters, digits, '-', '_' and '.', with one whole label {identifier} or '*'");
    return true;
}

static bool parse_labels(struct parser *parser, struct text host)
{
    struct host_pattern *pattern = &parser->template->host;
    pattern->kind = HOST_LITERAL;
    size_t start = 0, end;
    do {
        end = text_find(host, '.', start);
        /* The dots of {identifier...} do not end a label. */
        if (text_starts(text_from(host, start), SPREAD_HOLE))
            end = start + SPREAD_HOLE.size;
        struct text label = text_slice(host.at + start, end - start);
        bool variable = false;
        if (!check_label(parser, label, &variable))
            return false;
        if (variable && pattern->kind != HOST_LITERAL)
            return complain(parser, label.at, "only one label of a host may be {identifier} or '*'");
        if (variable) {
            pattern->kind = label.size == host.size ? HOST_WHOLE : HOST_LABEL;
            pattern->before = take_folded(parser, text_slice(host.at, start));
            pattern->after = take_folded(parser, text_from(host, end));
        }
        start = end + 1;
    } while (end < host.size);
    if (pattern->kind == HOST_LITERAL)
        pattern->before = take_folded(parser, host);
    return true;
}

static bool parse_host(struct parser *parser, struct text authority)
{
    struct text host = authority;
    bool address = host.size > 0 && host.at[0] == '[';
    size_t name_end = text_find(host, address ? ']' : ':', 0);
    if (address && name_end == host.size)
        return complain(parser, host.at, "an address in brackets needs its ']'");
    host.size = name_end + (address ? 1 : 0);
    struct text port = text_from(authority, host.size);
    uint64_t number;
    if (port.size > 0 && (port.at[0] != ':' || !text_to_number(text_from(port, 1), 65535, &number)))
        return complain(parser, port.at, "what follows the host is not a port");
    if (host.size > 1 && host.at[host.size - 1] == '.')
        host.size--;
    if (host.size == 0)
        return complain(parser, authority.at, "the host is empty");
    return address ? parse_address(parser, host) : parse_labels(parser, host);
}

/* -- path -- */

static bool parse_hole_segment(struct parser *parser, const struct hole *hole, struct segment *segment)
{
    struct template *template = parser->template;
    template->identifier_segment = template->segment_count;
    template->spread = hole->spread;
    if (hole->before.size + hole->after.size == 0) {
        segment->kind = hole->spread ? SEGMENT_SPREAD : SEGMENT_ANY;
        return true;
    }
    if (hole->spread)
        return complain(parser, hole->before.at, "{identifier...} must be a whole segment, with no text around it");
    segment->kind = SEGMENT_AFFIXED;
    return take_literal(parser, hole->before, TEXT_PLUS_IS_PLUS, &segment->before) &&
           take_literal(parser, hole->after, TEXT_PLUS_IS_PLUS, &segment->after);
}

static bool parse_segment(struct parser *parser, struct text part)
{
    struct template *template = parser->template;
    if (text_equal(part, TEXT("**"))) {
        if (template->segment_count > 0 || template->floating)
            return complain(parser, part.at, "'**' may only be the first segment");
        template->floating = true;
        return true;
    }
    if (template->segment_count == TEMPLATE_SEGMENTS_MAX)
        return complain(parser, part.at, "more than %d segments", TEMPLATE_SEGMENTS_MAX);
    struct segment *segment = &template->segments[template->segment_count];
    struct hole hole;
    if (!take_hole(parser, part, TEMPLATE_IN_PATH, &hole))
        return false;
    if (hole.here) {
        if (!parse_hole_segment(parser, &hole, segment))
            return false;
    } else if (text_equal(part, TEXT("*"))) {
        segment->kind = SEGMENT_ANY;
    } else {
        segment->kind = SEGMENT_LITERAL;
        if (!take_literal(parser, part, TEXT_PLUS_IS_PLUS, &segment->before))
            return false;
    }
    template->segment_count++;
    return true;
}

/* Builds the lead: the path's first literal segments, each after its slash, up to the first that is variable or can be
 * written in more than one way. */
static void build_lead(struct parser *parser)
{
    struct template *template = parser->template;
    char *start = parser->out;
    for (size_t i = 0; i < template->segment_count && !template->floating; i++) {
        const struct segment *segment = &template->segments[i];
        struct text literal = segment->before;
        if (segment->kind != SEGMENT_LITERAL || text_find(literal, '%', 0) < literal.size ||
            text_find(literal, '/', 0) < literal.size)
            break;
        *parser->out++ = '/';
        memcpy(parser->out, literal.at, literal.size);
        parser->out += literal.size;
        template->lead_segments = i + 1;
    }
    template->lead = text_slice(start, (size_t)(parser->out - start));
}

static bool parse_path(struct parser *parser, struct text path)
{
    for (size_t start = 0, end; start < path.size; start = end + 1) {
        end = text_find(path, '/', start);
        if (end > start && !parse_segment(parser, text_slice(path.at + start, end - start)))
            return false;
    }
    return true;
}

/* -- query -- */

static bool parse_value(struct parser *parser, struct text value, struct parameter *parameter)
{
    struct template *template = parser->template;
    struct hole hole;
    if (!take_hole(parser, value, TEMPLATE_IN_QUERY, &hole))
        return false;
    if (hole.spread || (hole.here && hole.before.size + hole.after.size > 0))
        return complain(parser, value.at, "in a query, {identifier} must be the whole value of a parameter");
    if (hole.here) {
        template->identifier_parameter = template->parameter_count;
        parameter->kind = VALUE_ANY;
        return true;
    }
    parameter->kind = text_equal(value, TEXT("*")) ? VALUE_SOME : VALUE_LITERAL;
    return parameter->kind == VALUE_SOME || take_literal(parser, value, TEXT_PLUS_IS_SPACE, &parameter->value);
}

static bool parse_parameter(struct parser *parser, const struct form_pair *pair)
{
    struct template *template = parser->template;
    if (template->parameter_count == TEMPLATE_PARAMETERS_MAX)
        return complain(parser, pair->name.at, "more than %d parameters", TEMPLATE_PARAMETERS_MAX);
    struct parameter *parameter = &template->parameters[template->parameter_count];
    size_t brace = text_find(pair->name, '{', 0);
    if (brace < pair->name.size)
        return complain(parser, pair->name.at + brace, "a parameter's name cannot hold {identifier}");
    if (pair->name.size == 0)
        return complain(parser, pair->name.at, "a parameter has no name");
    if (!take_literal(parser, pair->name, TEXT_PLUS_IS_SPACE, &parameter->name))
        return false;
    for (size_t i = 0; i < template->parameter_count; i++)
        if (text_equal(template->parameters[i].name, parameter->name))
            return complain(parser, pair->name.at, "the parameter '%.*s' is there twice", TEXT_ARGS(parameter->name));
    if (pair->has_value && !parse_value(parser, pair->value, parameter))
        return false;
    template->parameter_count++;
    return true;
}

static bool parse_query(struct parser *parser, struct text query)
{
    struct form_pair pair;
    for (size_t position = 0; form_next(query, &position, &pair);)
        if (!parse_parameter(parser, &pair))
            return false;
    if (parser->template->parameter_count == 0)
        return complain(parser, query.at, "there is nothing after the '?'");
    return true;
}

/* -- the whole template -- */

static bool check_bytes(struct parser *parser)
{
    struct text source = parser->source;
    if (!text_is_utf8(source))
        return complain(parser, source.at, "it is not UTF-8");
    if (text_has_control(source))
        return complain(parser, source.at, "it holds a control character");
    for (size_t i = 0; i < source.size; i++) {
        if (source.at[i] == ' ')
            return complain(parser, source.at + i, "it holds a space; write %%20");
        if (source.at[i] == '#')
            return complain(parser, source.at + i,
                            "it has a fragment, which browsers never send; write %%23 for a '#'");
    }
    return true;
}

static bool parse(struct parser *parser)
{
    struct template *template = parser->template;
    struct text rest = parser->source;
    if (!check_bytes(parser))
        return false;
    size_t scheme = text_starts(rest, TEXT("https://")) ? 8 : text_starts(rest, TEXT("http://")) ? 7 : 0;
    if (scheme > 0) {
        size_t slash = text_find(rest, '/', scheme);
        if (!parse_host(parser, text_slice(rest.at + scheme, slash - scheme)))
            return false;
        rest = text_from(rest, slash);
    }
    if (rest.size == 0 || rest.at[0] != '/')
        return complain(parser, rest.at,
                        scheme > 0 ? "a path has to follow the host"
                                   : "it starts neither with '/' nor with https:// and a host");
    size_t question = text_find(rest, '?', 0);
    if (!parse_path(parser, text_slice(rest.at, question)))
        return false;
    build_lead(parser);
    if (question < rest.size && !parse_query(parser, text_from(rest, question + 1)))
        return false;
    if (template->place != TEMPLATE_IN_PATH)
        template->identifier_segment = template->segment_count;
    if (template->place != TEMPLATE_IN_QUERY)
        template->identifier_parameter = template->parameter_count;
    return true;
}

bool template_parse(struct template **template, struct text source, char *why, size_t *at)
{
    *template = NULL;
    if (source.size > TEMPLATE_SIZE_MAX) {
        snprintf(why, WHY_SIZE, "it is longer than %d bytes", TEMPLATE_SIZE_MAX);
        if (at != NULL)
            *at = TEMPLATE_SIZE_MAX;
        return false;
    }
    struct template *made = memory_zeroed(1, sizeof *made + 3 * source.size + 1);
    if (source.size > 0)
        memcpy(made->bytes, source.at, source.size);
    made->source = text_slice(made->bytes, source.size);
    struct parser parser = {.template = made, .source = made->source, .out = made->bytes + source.size, .why = why};
    if (!parse(&parser)) {
        if (at != NULL)
            *at = parser.at;
        template_free(made);
        return false;
    }
    *template = made;
    return true;
}
