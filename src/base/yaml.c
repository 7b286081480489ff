/* The reader over libyaml 0.2.5's events. */
#include "ssoferry/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "ssoferry/memory.h"
#include "ssoferry/temporary.h"

struct yaml {
    char *path;
    int fd;
    struct faults *faults;
    unsigned file;
    uint64_t read, total;
    int read_error; /* errno of a failed read */
    EVP_MD_CTX *digest;
    yaml_parser_t parser;
    yaml_event_t event; /* whose text the last node shows */
    unsigned documents;
    struct {
        unsigned line, column;
        size_t end; /* characters of the file up to there */
    } plain;        /* the last plain scalar */
    bool ended, broken, ends_in_plain;
};

/* -- bytes -- */

/* Reads once; what was read is counted and hashed. */
static ssize_t read_bytes(struct yaml *yaml, unsigned char *buffer, size_t size)
{
    ssize_t got;
    do
        got = read(yaml->fd, buffer, size);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        yaml->read_error = errno;
        return -1;
    }
    yaml->read += (uint64_t)got;
    EVP_DigestUpdate(yaml->digest, buffer, (size_t)got);
    return got;
}

static int on_read(void *context, unsigned char *buffer, size_t size, size_t *size_read)
{
    ssize_t got = read_bytes(context, buffer, size);
    *size_read = got > 0 ? (size_t)got : 0;
    return got >= 0;
}

/* Copies what cannot seek (standard input, a pipe) to a temporary file, since faults show its lines afterwards. */
static bool spool(int fd, const char *path, FILE **copied, struct error *error)
{
    char buffer[65536];
    ssize_t got = 0;
    FILE *copy = NULL;
    if (!temporary_open(&copy, error))
        return false;
    while ((got = read(fd, buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0 && fwrite(buffer, 1, (size_t)got, copy) != (size_t)got)
            break;
    }
    if (got < 0)
        error_set_errno(error, ERROR_FAILED, errno, "%s: cannot be read", path);
    else if (got > 0 || fflush(copy) != 0)
        temporary_fail(errno, error);
    else
        *copied = copy;
    if (*copied == NULL)
        fclose(copy);
    else
        rewind(copy);
    return *copied != NULL;
}

/* -- opening -- */

static const char stdin_name[] = "<stdin>";

/* Whether the name is wrong or the machine in trouble: a daemon that could not open its configuration for want of
 * descriptors is worth another start (RestartPreventExitStatus=2 in the unit). */
static enum error_kind kind_of(int errnum)
{
    static const int wrong[] = {ENOENT, ENOTDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (wrong[i] == errnum)
            return ERROR_INPUT;
    }
    return ERROR_FAILED;
}

/* Opens `path` as something that can seek. *copy is the temporary file where one was needed; it owns the descriptor. */
static int open_seekable(const char *path, FILE **copy, uint64_t *size, struct error *error)
{
    struct stat st;
    bool standard_input = path == stdin_name;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        error_set_errno(error, kind_of(errno), errno, "%s: cannot be read", path);
    } else if (S_ISDIR(st.st_mode)) {
        error_set(error, ERROR_INPUT, "%s: it is a directory: name a file", path);
    } else if (S_ISREG(st.st_mode) && !standard_input) {
        *size = (uint64_t)st.st_size;
        return fd;
    } else if (spool(fd, path, copy, error) && fstat(fileno(*copy), &st) == 0) {
        *size = (uint64_t)st.st_size;
    }
    if (fd >= 0 && !standard_input)
        close(fd);
    return *copy != NULL ? fcntl(fileno(*copy), F_DUPFD_CLOEXEC, 0) : -1;
}

bool yaml_open(struct yaml **opened, const char *path, struct faults *faults, struct error *error)
{
    FILE *copy = NULL;
    uint64_t size = 0;
    if (strcmp(path, "-") == 0)
        path = stdin_name;
    int fd = open_seekable(path, &copy, &size, error);
    if (fd < 0)
        return false;
    struct yaml *yaml = memory_zeroed(1, sizeof *yaml);
    yaml->path = memory_string(text_of(path));
    yaml->fd = fd;
    yaml->total = size;
    yaml->faults = faults;
    yaml->file = faults_file(faults, yaml->path, copy);
    yaml->digest = EVP_MD_CTX_new();
    if (yaml->digest == NULL || EVP_DigestInit_ex(yaml->digest, EVP_sha256(), NULL) != 1 ||
        !yaml_parser_initialize(&yaml->parser)) {
        error_set(error, ERROR_FAILED, "%s: cannot be read: out of memory", yaml->path);
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
    EVP_MD_CTX_free(yaml->digest);
    close(yaml->fd);
    free(yaml->path);
    free(yaml);
}

/* -- syntax errors -- */

/* libyaml's words for what people do wrong, and ours. `start`: the fault is shown where the thing began, not where it
 * failed. */
static const struct {
    const char *problem;
    const char *context; /* NULL: any */
    bool start;
    const char *message;
} wordings[] = {
    {"found character that cannot start any token", NULL, false,
     "a value cannot start with this character: put the value in quotes"},
    {"could not find expected ':'", NULL, true, "this is no key: a ':' and a space must follow it on its line"},
    {"mapping values are not allowed in this context", NULL, false,
     "a ': ' cannot stand here: see to the indentation, or put the value in quotes"},
    {"mapping keys are not allowed in this context", NULL, false, "a key cannot stand here: see to the indentation"},
    {"block sequence entries are not allowed in this context", NULL, false,
     "a '- ' cannot stand here: see to the indentation"},
    {"did not find expected key", "while parsing a block mapping", false,
     "a key was expected here, indented like the keys before it"},
    {"did not find expected key", "while parsing a flow mapping", false, "a key is missing here"},
    {"did not find expected '-' indicator", NULL, false, "a '- ' is missing here, or the indentation is wrong"},
    {"did not find expected ',' or ']'", NULL, false, "a ',' or ']' is missing here"},
    {"did not find expected ',' or '}'", NULL, false, "a ',' or '}' is missing here"},
    {"did not find expected node content", NULL, false, "a value is missing here"},
    {"did not find expected <document start>", NULL, false,
     "the file is one mapping, and this is not part of it: see to the indentation"},
    {"found unexpected end of stream", NULL, true, "the quotes that open here are never closed"},
    {"found unexpected document indicator", NULL, true,
     "the quotes that open here are not closed before the next '---' or '...'"},
    {"found unknown escape character", NULL, false,
     "there is no such escape: write '\\\\' for a backslash, or use single quotes"},
    {"did not find expected hexdecimal number", NULL, false,
     "this escape needs hexadecimal digits: 2 behind \\x, 4 behind \\u, 8 behind \\U"},
    {"found invalid Unicode character escape code", NULL, false, "this escape stands for no character"},
    {"found a tab character that violates indentation", NULL, false, "a tab cannot indent: use spaces"},
    {"found a tab character where an indentation space is expected", NULL, false, "a tab cannot indent: use spaces"},
    {"found undefined tag handle", NULL, false, "tags are not supported: leave it out"},
    {"found incompatible YAML document", NULL, false, "YAML 1.1 and 1.2 are read, no other version"},
    {"invalid leading UTF-8 octet", NULL, false, "this is not UTF-8: save the file as UTF-8"},
    {"incomplete UTF-8 octet sequence", NULL, false, "this is not UTF-8: save the file as UTF-8"},
    {"invalid trailing UTF-8 octet", NULL, false, "this is not UTF-8: save the file as UTF-8"},
    {"invalid length of a UTF-8 sequence", NULL, false, "this is not UTF-8: save the file as UTF-8"},
    {"invalid Unicode character", NULL, false, "this is not UTF-8: save the file as UTF-8"},
    {"control characters are not allowed", NULL, false,
     "a control character cannot stand in the file: write it as an escape in double quotes"},
};

/* Line and column of a byte, counted as libyaml counts them. */
static void place_of_byte(struct yaml *yaml, uint64_t offset, unsigned *line, unsigned *column)
{
    unsigned char bytes[3] = {0}; /* the last three */
    unsigned char buffer[4096];
    *line = *column = 1;
    for (uint64_t at = 0; at < offset;) {
        uint64_t wanted = offset - at < sizeof buffer ? offset - at : sizeof buffer;
        ssize_t got = pread(yaml->fd, buffer, wanted, (off_t)at);
        if (got <= 0)
            return;
        for (ssize_t i = 0; i < got; i++, at++) {
            bytes[0] = bytes[1], bytes[1] = bytes[2], bytes[2] = buffer[i];
            bool after_cr = bytes[1] == '\r' && bytes[2] == '\n';
            bool breaks = bytes[2] == '\n' || bytes[2] == '\r' || (bytes[1] == 0xc2 && bytes[2] == 0x85) ||
                          (bytes[0] == 0xe2 && bytes[1] == 0x80 && (bytes[2] == 0xa8 || bytes[2] == 0xa9));
            *line += breaks && !after_cr;
            *column = breaks ? 1 : *column + ((bytes[2] & 0xc0) != 0x80);
            if (at == 2 && bytes[0] == 0xef && bytes[1] == 0xbb && bytes[2] == 0xbf)
                *column = 1; /* a byte order mark is no character of the line */
        }
    }
}

/* libyaml has a general word for every character that starts no value; of these a tab is the one that cannot be seen.
 */
static bool is_at_tab(const yaml_parser_t *parser)
{
    return parser->problem != NULL && strcmp(parser->problem, wordings[0].problem) == 0 &&
           parser->buffer.pointer < parser->buffer.last && *parser->buffer.pointer == '\t';
}

/* As in {match: /sso/{identifier}}: in flow style a brace ends a value without quotes. */
static bool is_at_bracket(const struct yaml *yaml)
{
    const yaml_parser_t *parser = &yaml->parser;
    if (parser->error != YAML_PARSER_ERROR || parser->tokens.head >= parser->tokens.tail ||
        parser->problem_mark.index != yaml->plain.end)
        return false;
    yaml_token_type_t type = parser->tokens.head->type;
    return type == YAML_FLOW_MAPPING_START_TOKEN || type == YAML_FLOW_SEQUENCE_START_TOKEN;
}

/* Where the sequence of a byte that libyaml did not expect started: its own offset points into the middle of a
 * character. */
static uint64_t start_of_sequence(const struct yaml *yaml, uint64_t offset)
{
    unsigned char bytes[3];
    uint64_t before = offset < 3 ? offset : 3;
    if (strcmp(yaml->parser.problem, "invalid trailing UTF-8 octet") != 0 ||
        pread(yaml->fd, bytes, before, (off_t)(offset - before)) != (ssize_t)before)
        return offset;
    uint64_t back = 1;
    while (back < before && (bytes[before - back] & 0xc0) == 0x80)
        back++;
    return offset - back;
}

static const char *wording_of(const struct yaml *yaml, bool *start)
{
    const char *problem = yaml->parser.problem, *context = yaml->parser.context;
    for (size_t i = 0; i < sizeof wordings / sizeof wordings[0]; i++) {
        if (problem != NULL && strcmp(problem, wordings[i].problem) == 0 &&
            (wordings[i].context == NULL || (context != NULL && strcmp(context, wordings[i].context) == 0))) {
            *start = wordings[i].start && context != NULL;
            return wordings[i].message;
        }
    }
    return problem != NULL ? problem : "this is not YAML";
}

static void add_syntax_fault(struct yaml *yaml)
{
    bool start = false;
    unsigned line = 0, column = 0;
    const yaml_parser_t *parser = &yaml->parser;
    yaml->broken = true;
    if (yaml->read_error != 0)
        return; /* yaml_sha256() tells */
    if (parser->error == YAML_MEMORY_ERROR) {
        faults_add(yaml->faults, FAULT_ERROR, yaml->file, 0, 0, 0, "memory is out");
        return;
    }
    const char *message = wording_of(yaml, &start);
    const yaml_mark_t *mark = start ? &parser->context_mark : &parser->problem_mark;
    if (parser->error == YAML_READER_ERROR) {
        place_of_byte(yaml, start_of_sequence(yaml, parser->problem_offset), &line, &column);
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

/* Turns the event into a node. False: it is none, go on to the next. */
static bool node_of_event(struct yaml *yaml, struct yaml_node *node)
{
    const yaml_event_t *event = &yaml->event;
    place(node, event);
    node->value = TEXT("");
    node->plain = node->refused = false;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        node->kind = YAML_SCALAR;
        node->value = text_slice((const char *)event->data.scalar.value, event->data.scalar.length);
        node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        if (node->plain)
            note_plain(yaml, node);
        refuse_properties(yaml, node, event->data.scalar.anchor, event->data.scalar.tag);
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
        node->refused = true;
        yaml_fault(yaml, node, "aliases are not supported: write the value out");
        return true;
    case YAML_DOCUMENT_START_EVENT:
        if (yaml->documents++ == 0)
            return false;
        yaml_fault(yaml, node, "a second document starts here: a file holds one");
        node->kind = YAML_END;
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

/* libyaml would read UTF-16 as well; sizes, places and digests here are those of UTF-8. */
static bool is_utf16(struct yaml *yaml)
{
    unsigned char start[2];
    return yaml->read == 0 && pread(yaml->fd, start, 2, 0) == 2 &&
           ((start[0] == 0xff && start[1] == 0xfe) || (start[0] == 0xfe && start[1] == 0xff));
}

void yaml_next(struct yaml *yaml, struct yaml_node *node)
{
    static const struct yaml_node end = {.kind = YAML_END, .value = {"", 0}, .line = 1, .column = 1, .length = 1};
    if (!yaml->ended && is_utf16(yaml)) {
        yaml_fault(yaml, &end, "this is UTF-16: save the file as UTF-8");
        yaml->ended = yaml->broken = true;
    }
    while (!yaml->ended) {
        yaml_event_delete(&yaml->event);
        if (!yaml_parser_parse(&yaml->parser, &yaml->event)) {
            add_syntax_fault(yaml);
            yaml->ended = true;
        } else if (node_of_event(yaml, node)) {
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

bool yaml_ends_in(const struct yaml *yaml, const struct yaml_node *node)
{
    return yaml->ends_in_plain && node->line == yaml->plain.line && node->column == yaml->plain.column;
}

/* -- faults -- */

static void __attribute__((format(printf, 4, 0)))
add_fault(struct yaml *yaml, enum fault_severity severity, const struct yaml_node *node, const char *format,
          va_list arguments)
{
    char message[1024];
    if (node->kind == YAML_END && yaml->broken)
        return; /* a value that the syntax error swallowed is not wrong */
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
    return yaml->path;
}

unsigned yaml_file(const struct yaml *yaml)
{
    return yaml->file;
}

void yaml_progress(const struct yaml *yaml, uint64_t *read_so_far, uint64_t *total)
{
    if (read_so_far != NULL)
        *read_so_far = yaml->read;
    if (total != NULL)
        *total = yaml->total;
}

bool yaml_sha256(struct yaml *yaml, char *hex, struct error *error)
{
    unsigned char buffer[16384], digest[32];
    while (yaml->read_error == 0 && read_bytes(yaml, buffer, sizeof buffer) > 0) /* what a fault left unread */
        ;
    if (yaml->read_error != 0)
        return error_set_errno(error, ERROR_FAILED, yaml->read_error, "%s: cannot be read", yaml->path);
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    bool good =
        copy != NULL && EVP_MD_CTX_copy_ex(copy, yaml->digest) == 1 && EVP_DigestFinal_ex(copy, digest, NULL) == 1;
    EVP_MD_CTX_free(copy);
    if (!good)
        return error_set(error, ERROR_FAILED, "%s: its digest cannot be computed", yaml->path);
    for (unsigned i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return true;
}
