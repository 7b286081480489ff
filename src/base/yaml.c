/* Reads YAML from the events of libyaml 0.2.5. */
#include "ssoferry/yaml.h"

#include <stdarg.h>
#include <stdlib.h>
#include <yaml.h>

#include "ssoferry/memory.h"
#include "yaml_input.h"
#include "yaml_wording.h"

enum {
    /* Most nested mappings and lists; files read here need only a few. For each token libyaml looks at every open
     * bracket, so 100 KB of them took ten seconds. */
    DEPTH_MAX = 64,
    /* Most directives, of which files read here need none. libyaml compares each with all before it. */
    DIRECTIVES_MAX = 100,
};

struct yaml {
    struct yaml_input input;
    struct faults *faults;
    unsigned file;
    yaml_parser_t parser;
    yaml_event_t event; /* holds the text of the last node */
    unsigned documents, depth;
    struct {
        unsigned line, column;
        size_t end; /* characters from the start of the file to its end */
    } plain;        /* the last plain scalar */
    bool ended, broken, ends_in_plain;
};

/* -- opening -- */

static int on_read(void *context, unsigned char *buffer, size_t size, size_t *size_read)
{
    struct yaml *yaml = context;
    ssize_t got = yaml_input_read(&yaml->input, buffer, size);
    *size_read = got > 0 ? (size_t)got : 0;
    return got >= 0 && yaml->input.percent_lines <= DIRECTIVES_MAX && yaml->input.hidden_break == 0;
}

bool yaml_open(struct yaml **opened, const char *path, struct faults *faults, struct error *error)
{
    FILE *copy = NULL;
    struct yaml *yaml = memory_zeroed(1, sizeof *yaml);
    if (!yaml_input_open(&yaml->input, path, &copy, error)) {
        free(yaml);
        return false;
    }
    yaml->faults = faults;
    yaml->file = faults_file(faults, yaml->input.path, copy);
    if (!yaml_parser_initialize(&yaml->parser)) {
        error_set(error, ERROR_FAILED, "%s: cannot be read: out of memory", yaml->input.path);
        yaml_close(yaml);
        return false;
    }
    yaml_parser_set_input(&yaml->parser, on_read, yaml);
    *opened = yaml;
    return true;
}

void yaml_close(struct yaml *yaml)
{
    if (yaml == NULL)
        return;
    yaml_event_delete(&yaml->event);
    yaml_parser_delete(&yaml->parser);
    yaml_input_close(&yaml->input);
    free(yaml);
}

/* -- syntax errors -- */

/* libyaml has one message for all characters that cannot start a value; of those, a tab is the invisible one. */
static bool is_at_tab(const yaml_parser_t *parser)
{
    return yaml_wording_is_of_character(parser->problem) && parser->buffer.pointer < parser->buffer.last &&
           *parser->buffer.pointer == '\t';
}

/* For {match: /sso/{identifier}}: in flow style a brace ends an unquoted value. */
static bool is_at_bracket(const struct yaml *yaml)
{
    const yaml_parser_t *parser = &yaml->parser;
    if (parser->error != YAML_PARSER_ERROR || parser->tokens.head >= parser->tokens.tail ||
        parser->problem_mark.index != yaml->plain.end)
        return false;
    yaml_token_type_t type = parser->tokens.head->type;
    return type == YAML_FLOW_MAPPING_START_TOKEN || type == YAML_FLOW_SEQUENCE_START_TOKEN;
}

/* False if what is wrong is in one place of the file. */
static bool add_fault_of_whole(struct yaml *yaml)
{
    if (yaml->input.read_error != 0)
        return true; /* yaml_was_read() reports it */
    if (yaml->parser.error == YAML_MEMORY_ERROR)
        faults_add(yaml->faults, FAULT_ERROR, yaml->file, 0, 0, 0, "memory is out");
    else if (yaml->input.percent_lines > DIRECTIVES_MAX)
        faults_add(yaml->faults, FAULT_ERROR, yaml->file, 0, 0, 0,
                   "more than %d lines begin with '%%', as directives do: leave them out", DIRECTIVES_MAX);
    else
        return false;
    return true;
}

static void add_hidden_break(struct yaml *yaml)
{
    unsigned line = 0, column = 0;
    yaml_input_place(&yaml->input, yaml->input.hidden_at, &line, &column);
    faults_add(yaml->faults, FAULT_ERROR, yaml->file, line, column, 1,
               "this is a line break that most editors do not show (U+%04X): leave it out, or write it as an escape in "
               "double quotes",
               yaml->input.hidden_break);
}

static void add_syntax_fault(struct yaml *yaml)
{
    bool start = false;
    unsigned line = 0, column = 0;
    const yaml_parser_t *parser = &yaml->parser;
    yaml->broken = true;
    if (add_fault_of_whole(yaml))
        return;
    if (yaml->input.hidden_break != 0) {
        add_hidden_break(yaml);
        return;
    }
    const char *message = yaml_wording(parser->problem, parser->context, &start);
    const yaml_mark_t *mark = start ? &parser->context_mark : &parser->problem_mark;
    if (parser->error == YAML_READER_ERROR) {
        /* libyaml's own offset may point into the middle of a character */
        bool inside = yaml_wording_is_of_trailing_byte(parser->problem);
        uint64_t offset = parser->problem_offset;
        yaml_input_place(&yaml->input, inside ? yaml_input_sequence(&yaml->input, offset) : offset, &line, &column);
    } else {
        line = (unsigned)mark->line + 1;
        column = (unsigned)mark->column + 1;
        if (is_at_tab(parser))
            message = "a tab cannot indent: use spaces";
        else if (is_at_bracket(yaml))
            message = "a value with braces or brackets in it has to stand in quotes here";
    }
    faults_add(yaml->faults, FAULT_ERROR, yaml->file, line, column, 1, "%s", message);
}

/* -- nodes -- */

static void place(struct yaml_node *node, const yaml_event_t *event)
{
    node->line = (unsigned)event->start_mark.line + 1;
    node->column = (unsigned)event->start_mark.column + 1;
    node->length = 1;
    if (event->end_mark.line == event->start_mark.line && event->end_mark.column > event->start_mark.column)
        node->length = (unsigned)(event->end_mark.column - event->start_mark.column);
}

static void refuse_properties(struct yaml *yaml, const struct yaml_node *node, const yaml_char_t *anchor,
                              const yaml_char_t *tag)
{
    if (anchor != NULL)
        yaml_fault(yaml, node, "anchors are not supported: write the value out where it is used");
    if (tag != NULL)
        yaml_fault(yaml, node, "tags are not supported: leave it out");
}

static void note_plain(struct yaml *yaml, const struct yaml_node *node)
{
    yaml->plain.line = node->line;
    yaml->plain.column = node->column;
    yaml->plain.end = yaml->event.end_mark.index;
}

static void read_scalar(struct yaml *yaml, struct yaml_node *node)
{
    const yaml_event_t *event = &yaml->event;
    node->kind = YAML_SCALAR;
    node->value = text_slice((const char *)event->data.scalar.value, event->data.scalar.length);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->goes_on = node->plain && event->end_mark.line > event->start_mark.line;
    if (node->plain)
        note_plain(yaml, node);
    refuse_properties(yaml, node, event->data.scalar.anchor, event->data.scalar.tag);
}

/* Turns the event into a node. False if it is none, so go on to the next event. */
static bool node_of_event(struct yaml *yaml, struct yaml_node *node)
{
    const yaml_event_t *event = &yaml->event;
    place(node, event);
    node->value = TEXT("");
    node->plain = node->refused = false;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        read_scalar(yaml, node);
        return true;
    case YAML_MAPPING_START_EVENT:
        node->kind = YAML_MAPPING;
        refuse_properties(yaml, node, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return true;
    case YAML_SEQUENCE_START_EVENT:
        node->kind = YAML_SEQUENCE;
        refuse_properties(yaml, node, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return true;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        node->kind = YAML_CLOSE;
        return true;
    case YAML_ALIAS_EVENT:
        node->kind = YAML_SCALAR;
        yaml_fault(yaml, node, "aliases are not supported: write the value out");
        node->refused = true;
        return true;
    case YAML_DOCUMENT_START_EVENT:
        if (yaml->documents++ == 0)
            return false;
        node->kind = YAML_END;
        yaml_fault(yaml, node, "a second document starts here: a file holds one");
        return true;
    case YAML_STREAM_END_EVENT:
        yaml->ends_in_plain = event->start_mark.index == yaml->plain.end;
        node->kind = YAML_END;
        return true;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return false;
}

/* Tracks the open mappings and lists. False if there are too many, which ends the reading. */
static bool keep_depth(struct yaml *yaml, const struct yaml_node *node)
{
    if (node->kind == YAML_MAPPING || node->kind == YAML_SEQUENCE)
        yaml->depth++;
    else if (node->kind == YAML_CLOSE)
        yaml->depth--;
    if (yaml->depth <= DEPTH_MAX)
        return true;
    yaml_fault(yaml, node, "this is inside %u other mappings and lists: is a bracket never closed?", DEPTH_MAX);
    yaml->ended = yaml->broken = true;
    return false;
}

static const struct yaml_node end = {.kind = YAML_END, .value = {"", 0}, .line = 1, .column = 1, .length = 1};

/* What libyaml would misread, or would find fault with in a place that says nothing. */
static void refuse_other_formats(struct yaml *yaml)
{
    const char *other = yaml_input_other_format(&yaml->input);
    const bool is_utf16 = yaml_input_is_utf16(&yaml->input);
    if (is_utf16)
        yaml_fault(yaml, &end, "this is UTF-16: save the file as UTF-8");
    else if (other != NULL)
        faults_add(yaml->faults, FAULT_ERROR, yaml->file, 0, 0, 0, "%s", other);
    yaml->ended = yaml->broken = is_utf16 || other != NULL;
}

void yaml_next(struct yaml *yaml, struct yaml_node *node)
{
    if (!yaml->ended && yaml->input.read == 0)
        refuse_other_formats(yaml);
    while (!yaml->ended) {
        yaml_event_delete(&yaml->event);
        if (!yaml_parser_parse(&yaml->parser, &yaml->event)) {
            add_syntax_fault(yaml);
            yaml->ended = true;
        } else if (node_of_event(yaml, node) && keep_depth(yaml, node)) {
            yaml->ended = node->kind == YAML_END;
            return;
        }
    }
    *node = end;
}

void yaml_skip(struct yaml *yaml, const struct yaml_node *node)
{
    struct yaml_node inner = *node;
    size_t depth = node->kind == YAML_MAPPING || node->kind == YAML_SEQUENCE;
    while (depth > 0) {
        yaml_next(yaml, &inner);
        if (inner.kind == YAML_END)
            return;
        if (inner.kind == YAML_MAPPING || inner.kind == YAML_SEQUENCE)
            depth++;
        else if (inner.kind == YAML_CLOSE)
            depth--;
    }
}

bool yaml_broken(const struct yaml *yaml)
{
    return yaml->broken;
}

bool yaml_was_read(const struct yaml *yaml, struct error *error)
{
    return yaml_input_was_read(&yaml->input, error);
}

bool yaml_ends_in(const struct yaml *yaml, const struct yaml_node *node)
{
    return yaml->ends_in_plain && node->line == yaml->plain.line && node->column == yaml->plain.column;
}

/* -- faults -- */

__attribute__((format(printf, 4, 0))) static void add_fault(struct yaml *yaml, enum fault_severity severity,
                                                            const struct yaml_node *node, const char *format,
                                                            va_list arguments)
{
    char message[1024];
    if (node->refused || (node->kind == YAML_END && yaml->broken))
        return; /* the value is not known, so it is not wrong */
    vsnprintf(message, sizeof message, format, arguments);
    faults_add(yaml->faults, severity, yaml->file, node->line, node->column, node->length, "%s", message);
}

void yaml_fault(struct yaml *yaml, const struct yaml_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_fault(yaml, FAULT_ERROR, node, format, arguments);
    va_end(arguments);
}

void yaml_warning(struct yaml *yaml, const struct yaml_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_fault(yaml, FAULT_WARNING, node, format, arguments);
    va_end(arguments);
}

const char *yaml_path(const struct yaml *yaml)
{
    return yaml->input.path;
}

unsigned yaml_file(const struct yaml *yaml)
{
    return yaml->file;
}

void yaml_progress(const struct yaml *yaml, uint64_t *read_so_far, uint64_t *total)
{
    if (read_so_far != NULL)
        *read_so_far = yaml->input.read;
    if (total != NULL)
        *total = yaml->input.total;
}

bool yaml_sha256(struct yaml *yaml, char *hex, struct error *error)
{
    return yaml_input_sha256(&yaml->input, hex, error);
}
