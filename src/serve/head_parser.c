#include "ssoferry/head_parser.h"

#include <stdbool.h>
#include <strings.h>

#include "characters.h"
#include "ssoferry/bytes.h"

enum { GOOD = 0, BAD = HEAD_PARSER_BAD, PARTIAL = HEAD_PARSER_PARTIAL };

/* The input not read yet. */
struct cursor {
    const char *at, *end;
};

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline int take_line_end(struct cursor *cursor)
{
    if (*cursor->at == '\r' && ++cursor->at == cursor->end)
        return PARTIAL;
    return *cursor->at++ == '\n' ? GOOD : BAD;
}

/* -- the request line -- */

static inline bool is_visible(char c)
{
    return c > ' ' && c <= '~';
}

/* Skips visible ASCII. */
static inline void skip_visible(struct cursor *cursor)
{
    while (cursor->end - cursor->at >= BYTES_SPAN) {
        unsigned size = bytes_span_visible(cursor->at);
        cursor->at += size;
        if (size < BYTES_SPAN)
            return;
    }
    while (cursor->at < cursor->end && is_visible(*cursor->at))
        ++cursor->at;
}

/* Takes everything up to the next space, and the space. */
static inline int take_word(struct cursor *cursor, const char **word, size_t *word_size)
{
    *word = cursor->at;
    for (;; ++cursor->at) {
        skip_visible(cursor);
        if (cursor->at == cursor->end)
            return PARTIAL;
        if ((unsigned char)*cursor->at < 0x80)
            break;
    }
    *word_size = (size_t)(cursor->at - *word);
    return *cursor->at++ == ' ' ? GOOD : BAD;
}

/* Takes "HTTP/1.", a digit and the line's end. Needs at least one byte after the digit. */
static inline int take_version(struct cursor *cursor, int *minor_version)
{
    if (cursor->end - cursor->at < 9)
        return PARTIAL;
    char digit = cursor->at[7];
    if (memcmp(cursor->at, "HTTP/1.", 7) != 0 || digit < '0' || digit > '9')
        return BAD;
    *minor_version = digit - '0';
    cursor->at += 8;
    return take_line_end(cursor);
}

/* -- fields -- */

/* Takes a token, the colon after it, and blanks. */
static int take_name(struct cursor *cursor, struct phr_header *field)
{
    field->name = cursor->at;
    while (cursor->at < cursor->end && character_in_token(*cursor->at))
        ++cursor->at;
    if (cursor->at == cursor->end)
        return PARTIAL;
    field->name_len = (size_t)(cursor->at - field->name);
    if (*cursor->at != ':' || field->name_len == 0)
        return BAD;
    do {
        if (++cursor->at == cursor->end)
            return PARTIAL;
    } while (is_blank(*cursor->at));
    return GOOD;
}

/* Takes everything up to the end of the line, and that. */
static int take_value(struct cursor *cursor, struct phr_header *field)
{
    field->value = cursor->at;
    for (;; ++cursor->at) {
        if (cursor->at == cursor->end)
            return PARTIAL;
        unsigned char c = (unsigned char)*cursor->at;
        if ((c < ' ' && c != '\t') || c == 0x7f)
            break;
    }
    field->value_len = (size_t)(cursor->at - field->value);
    return take_line_end(cursor);
}

static int take_field(struct cursor *cursor, bool first, struct phr_header *field)
{
    *field = (struct phr_header){0};
    int result = !first && is_blank(*cursor->at) ? GOOD : take_name(cursor, field);
    return result == GOOD ? take_value(cursor, field) : result;
}

/* Where there are bytes other than printable ASCII, found one block at a time. */
struct odd {
    const char *block;
    uint64_t in_block; /* one bit each */
};

static inline void look_at_block(struct odd *odd, const char *block)
{
    odd->block = block;
    odd->in_block = bytes_where_odd(block);
}

/* Returns the first such byte at or after `at`, which is never before the last block examined; NULL if whole blocks
 * contain none. */
static inline const char *find_odd(struct odd *odd, const char *at, const char *end)
{
    for (;;) {
        size_t passed = (size_t)(at - odd->block);
        uint64_t rest = passed < BYTES_BLOCK ? odd->in_block & ~UINT64_C(0) << passed : 0;
        if (rest != 0)
            return odd->block + __builtin_ctzll(rest);
        if (end - odd->block < 2 * BYTES_BLOCK)
            return NULL;
        look_at_block(odd, odd->block + BYTES_BLOCK);
        if (at < odd->block)
            at = odd->block;
    }
}

/* Takes a field of the usual kind: a short name of letters, digits and '-', one space, and printable ASCII. False, with
 * nothing taken, if it is another kind or close to the end of the input. */
static inline bool take_usual_field(struct cursor *cursor, struct odd *odd, struct phr_header *field)
{
    if (cursor->end - cursor->at < BYTES_SPAN + 2)
        return false;
    unsigned size = bytes_span_word(cursor->at);
    const char *value = cursor->at + size + 2;
    if (size == 0 || size == BYTES_SPAN || memcmp(value - 2, ": ", 2) != 0 || *value <= ' ')
        return false;
    const char *end = find_odd(odd, value, cursor->end);
    if (end == NULL || end + 1 == cursor->end || memcmp(end, "\r\n", 2) != 0)
        return false;
    *field = (struct phr_header){cursor->at, size, value, (size_t)(end - value)};
    cursor->at = end + 2;
    return true;
}

/* For each length of a name, the first letters of the fields that are read somewhere, here or in libh2o: Host, Expect,
 * Accept, Upgrade, Connection, Content-Type, X-Request-Id, If-None-Match, Content-Length, X-Forwarded-For and
 * Transfer-Encoding. Other fields with the same length and letter are passed on as well, which does no harm. */
#define LETTER(c) (UINT32_C(1) << ((c) - 'a'))
static const uint32_t first_letters_read[] = {
    [4] = LETTER('h'),
    [6] = LETTER('a') | LETTER('e'),
    [7] = LETTER('u'),
    [10] = LETTER('c'),
    [12] = LETTER('c') | LETTER('x'),
    [13] = LETTER('i'),
    [14] = LETTER('c'),
    [15] = LETTER('x'),
    [17] = LETTER('t'),
};

/* Whether anything may read the field. Folded lines are always passed on. */
static inline bool is_handed_on(const struct phr_header *field)
{
    if (field->name_len >= sizeof(first_letters_read) / sizeof(first_letters_read[0]))
        return false;
    return field->name == NULL || (first_letters_read[field->name_len] >> ((field->name[0] - 'a') & 31) & 1) != 0;
}

static int take_fields(struct cursor *cursor, struct phr_header *fields, size_t room, size_t *handed_on)
{
    struct odd odd = {cursor->at, 0};
    if (cursor->end - cursor->at >= BYTES_BLOCK)
        look_at_block(&odd, cursor->at);
    for (size_t count = 0;; ++count) {
        struct phr_header *field = &fields[*handed_on];
        if (count == room || !take_usual_field(cursor, &odd, field)) {
            if (cursor->at == cursor->end)
                return PARTIAL;
            if (*cursor->at == '\r' || *cursor->at == '\n')
                return take_line_end(cursor);
            if (count == room)
                return BAD;
            int result = take_field(cursor, count == 0, field);
            if (result != GOOD)
                return result;
        }
        *handed_on += is_handed_on(field);
    }
}

/* HTTP/1.0 has no Expect (RFC 9110 10.1.1): its clients take the 100 that libh2o would send for the answer. Returns how
 * many fields are left. */
static size_t drop_expectations(struct phr_header *fields, size_t count)
{
    static const char name[] = "expect";
    size_t left = 0;
    for (size_t i = 0; i < count; ++i) {
        if (fields[i].name_len != sizeof(name) - 1 || strncasecmp(fields[i].name, name, sizeof(name) - 1) != 0)
            fields[left++] = fields[i];
    }
    return left;
}

/* -- the head -- */

/* Whether there is an empty line after the part that was examined before. Makes a client that sends one byte at a time
 * cheap. */
static int find_end(struct cursor cursor, size_t last_size)
{
    cursor.at += last_size < 3 ? 0 : last_size - 3;
    for (unsigned line_ends = 0; line_ends < 2;) {
        if (cursor.at == cursor.end)
            return PARTIAL;
        if (*cursor.at != '\r' && *cursor.at != '\n') {
            ++cursor.at;
            line_ends = 0;
            continue;
        }
        int result = take_line_end(&cursor);
        if (result != GOOD)
            return result;
        ++line_ends;
    }
    return GOOD;
}

int phr_parse_request(const char *bytes, size_t size, const char **method, size_t *method_size, const char **target,
                      size_t *target_size, int *minor_version, struct phr_header *headers, size_t *num_headers,
                      size_t last_size)
{
    struct cursor cursor = {bytes, bytes + size};
    size_t room = *num_headers, handed_on = 0;
    int result = last_size == 0 ? GOOD : find_end(cursor, last_size);
    if (result == GOOD && size == 0)
        result = PARTIAL;
    if (result == GOOD && (*bytes == '\r' || *bytes == '\n'))
        result = take_line_end(&cursor);
    if (result == GOOD)
        result = take_word(&cursor, method, method_size);
    if (result == GOOD)
        result = take_word(&cursor, target, target_size);
    if (result == GOOD)
        result = take_version(&cursor, minor_version);
    if (result == GOOD)
        result = take_fields(&cursor, headers, room, &handed_on);
    *num_headers = result == GOOD && *minor_version == 0 ? drop_expectations(headers, handed_on) : handed_on;
    return result == GOOD ? (int)(cursor.at - bytes) : result;
}
