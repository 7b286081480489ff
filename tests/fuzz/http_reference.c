#include "http_reference.h"

struct framing_fields {
    unsigned hosts, lengths;
    bool other; /* Transfer-Encoding */
    uint64_t length;
};

/* The head, up to and including its last line's end; size 0 if it is not complete. */
static struct text find_head(struct text input)
{
    const char *end = memmem(input.at, input.size, "\r\n\r\n", 4);
    return text_slice(input.at, end == NULL ? 0 : (size_t)(end - input.at) + 2);
}

static bool is_token(struct text name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.at[i];
        bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return name.size > 0;
}

static bool read_length(struct text value, uint64_t *length)
{
    *length = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.at[i] < '0' || value.at[i] > '9' || i > 15)
            return false;
        *length = *length * 10 + (uint64_t)(value.at[i] - '0');
    }
    return value.size > 0;
}

static bool read_field(struct framing_fields *fields, struct text line)
{
    size_t colon = text_find(line, ':', 0);
    struct text name = text_slice(line.at, colon);
    if (colon == line.size || !is_token(name))
        return false;
    struct text value = text_trim(text_slice(line.at + colon + 1, line.size - colon - 1));
    if (text_equal_fold(name, TEXT("host")))
        fields->hosts++;
    if (text_equal_fold(name, TEXT("transfer-encoding")))
        fields->other = true;
    if (!text_equal_fold(name, TEXT("content-length")))
        return true;
    fields->lengths++;
    return read_length(value, &fields->length);
}

/* Cuts off a line that ends with CRLF; false if a CR, LF or NUL is anywhere else in it. */
static bool take_crlf_line(struct text *rest, struct text *line)
{
    size_t end = text_find(*rest, '\r', 0);
    *line = text_slice(rest->at, end);
    if (end + 1 >= rest->size || rest->at[end + 1] != '\n' || text_find(*line, '\n', 0) < end ||
        text_find(*line, '\0', 0) < end)
        return false;
    *rest = text_slice(rest->at + end + 2, rest->size - end - 2);
    return true;
}

/* Reads "METHOD /target HTTP/1.1". A higher minor version is treated as 1.1 (RFC 9110 2.5). */
static bool read_request_line(struct text line, bool *old)
{
    size_t first = text_find(line, ' ', 0), second = text_find(line, ' ', first + 1);
    if (first == 0 || second >= line.size)
        return false;
    struct text target = text_slice(line.at + first + 1, second - first - 1);
    struct text version = text_slice(line.at + second + 1, line.size - second - 1);
    *old = text_equal(version, TEXT("HTTP/1.0"));
    return text_starts(version, TEXT("HTTP/1.")) && version.size == 8 && version.at[7] >= '0' && version.at[7] <= '9' &&
           (text_starts(target, TEXT("/")) || text_equal(target, TEXT("*")));
}

static bool read_head(struct text head, uint64_t *length)
{
    struct framing_fields fields = {0};
    struct text line;
    bool old = false;
    if (!take_crlf_line(&head, &line) || !read_request_line(line, &old))
        return false;
    while (head.size > 0) {
        if (!take_crlf_line(&head, &line) || !read_field(&fields, line))
            return false;
    }
    *length = fields.length;
    return fields.hosts <= 1 && (fields.hosts == 1 || old) && fields.lengths <= 1 && !fields.other &&
           !(old && fields.length > 0);
}

/* A reader that tolerates empty lines before a request finds the method after them. */
static bool is_head(struct text request)
{
    size_t at = 0;
    while (at < request.size && (request.at[at] == '\r' || request.at[at] == '\n'))
        at++;
    return text_starts(text_slice(request.at + at, request.size - at), TEXT("HEAD "));
}

struct reference reference_next(struct text *rest)
{
    struct reference found = {.reading = READING_NOTHING};
    uint64_t length = 0;
    if (text_starts(*rest, TEXT("\r\n")))
        *rest = text_slice(rest->at + 2, rest->size - 2);
    if (rest->size == 0)
        return found;
    found.reading = READING_DOUBTFUL;
    found.is_head = is_head(*rest);
    found.head = find_head(*rest);
    if (found.head.size == 0 || !read_head(found.head, &length) || length > rest->size - found.head.size - 2)
        return found;
    found.reading = READING_WHOLE;
    size_t used = found.head.size + 2 + (size_t)length;
    *rest = text_slice(rest->at + used, rest->size - used);
    return found;
}
