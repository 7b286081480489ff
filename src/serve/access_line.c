#include "ssoferry/access_line.h"

#include <string.h>

#include "ssoferry/bytes.h"

enum {
    METHOD_SHOWN_MAX = 32, /* real methods are shorter, but anybody may send one */
    PATH_SHOWN_MAX = 256,
    KNOWN_MAX = 1024,     /* the most bytes of a line apart from values that may need escaping */
    ESCAPED_BYTE_MAX = 6, /* \u00XX */
    REPLACEMENT = 0xfffd, /* in place of a byte that is no UTF-8 */
    PLAIN_MAX = 512,      /* longest value that is copied without checking the room left in the line */
};

_Static_assert(KNOWN_MAX + ESCAPED_BYTE_MAX *
                               (METHOD_SHOWN_MAX + TEMPLATE_SIZE_MAX + IDENTIFIER_SIZE_MAX + ERROR_MESSAGE_SIZE) <=
                   LINE_SIZE_MAX,
               "a line that had no room for its end would be one with the next");

static inline void put(struct access_line *line, struct text t)
{
    if (t.size == 0 || t.size > sizeof(line->bytes) - line->size)
        return;
    memcpy(line->bytes + line->size, t.at, t.size);
    line->size += t.size;
}

/* `name` includes the colon before the number. */
static inline void put_number(struct access_line *line, struct text name, uint64_t number)
{
    /* padded so that a fixed size can be copied, without a call to memcpy() */
    char digits[2 * BYTES_DECIMAL_MAX] = {0};
    const char *first = bytes_write_decimal(digits + BYTES_DECIMAL_MAX, number);
    if (sizeof(line->bytes) - line->size < name.size + BYTES_DECIMAL_MAX)
        return;
    memcpy(line->bytes + line->size, name.at, name.size);
    memcpy(line->bytes + line->size + name.size, first, BYTES_DECIMAL_MAX);
    line->size += name.size + (size_t)(digits + BYTES_DECIMAL_MAX - first);
}

/* Whether a byte is ASCII that can stand in a JSON string unescaped (RFC 8259 section 7). */
static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void put_unit(struct access_line *line, uint32_t unit)
{
    static const char hex[] = "0123456789abcdef";
    const char escape[ESCAPED_BYTE_MAX] = {
        '\\', 'u', hex[unit >> 12], hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15]};
    put(line, text_slice(escape, sizeof(escape)));
}

/* In UTF-16, as JSON has it: a pair for what is beyond U+FFFF. */
static void put_escape(struct access_line *line, uint32_t character)
{
    if (character > 0xffff)
        put_unit(line, 0xd800 + ((character - 0x10000) >> 10));
    put_unit(line, character > 0xffff ? 0xdc00 + (character & 0x3ff) : character);
}

/* A log is looked at in terminals, some of which obey U+0080 to U+009F, and by programs that take U+0085 and U+2028 for
 * the end of a line. */
static bool is_shown(uint32_t character)
{
    return character < 0x80 ? is_plain((unsigned char)character)
                            : character >= 0xa0 && character != REPLACEMENT && !text_hides(character);
}

/* Whether all eight bytes are plain ASCII. */
static inline bool are_plain(uint64_t eight)
{
    return bytes_all_from(eight, ' ') && !bytes_any_is(eight, '"') && !bytes_any_is(eight, '\\');
}

/* How many bytes at the start are plain ASCII. */
static inline size_t plain_start(struct text t)
{
    const size_t word = sizeof(uint64_t);
    size_t at = 0;
    for (; t.size - at >= word; at += word) {
        if (!are_plain(bytes_load(t.at + at)))
            return at;
    }
    if (at > 0 && at < t.size && are_plain(bytes_load(t.at + t.size - word)))
        return t.size;
    if (at == 0 && t.size >= word / 2 && are_plain(bytes_load_some(t.at, t.size)))
        return t.size;
    while (at < t.size && is_plain((unsigned char)t.at[at]))
        ++at;
    return at;
}

/* Invalid UTF-8 becomes U+FFFD, so that every line can be parsed. */
static uint32_t next_character(struct text t, bool is_utf8, size_t *at)
{
    if (is_utf8)
        return text_character(t, at);
    const unsigned char byte = (unsigned char)t.at[(*at)++];
    return byte < 0x80 ? byte : REPLACEMENT;
}

static void put_escaped(struct access_line *line, struct text t, size_t plain)
{
    const bool is_utf8 = text_is_utf8(t);
    size_t clean = 0;
    for (size_t at = plain; at < t.size;) {
        const size_t start = at;
        const uint32_t character = next_character(t, is_utf8, &at);
        if (is_shown(character))
            continue;
        put(line, text_slice(t.at + clean, start - clean));
        put_escape(line, character);
        clean = at;
    }
    put(line, text_from(t, clean));
}

/* Adds a member whose value needs no escaping. `name` includes the quote that opens the value, and is a literal, so
 * that copying it takes no call. */
static inline void put_known(struct access_line *line, struct text name, struct text value)
{
    char *at = line->bytes + line->size;
    size_t size = name.size + value.size + 1;
    if (size > sizeof(line->bytes) - line->size)
        return;
    memcpy(at, name.at, name.size);
    if (value.size > 0)
        memcpy(at + name.size, value.at, value.size);
    at[size - 1] = '"';
    line->size += size;
}

static void put_unknown(struct access_line *line, struct text name, struct text value, size_t plain)
{
    size_t room = (sizeof(line->bytes) - line->size - name.size) / ESCAPED_BYTE_MAX;
    put(line, name);
    value.size = value.size < room ? value.size : room;
    put_escaped(line, value, plain < room ? plain : room);
    put(line, TEXT("\""));
}

/* Adds a member whose value may need escaping. Always inlined, so that the name stays a literal. */
static inline __attribute__((always_inline)) void put_member(struct access_line *line, struct text name,
                                                             struct text value)
{
    size_t plain = plain_start(value);
    if (plain == value.size && plain <= PLAIN_MAX)
        put_known(line, name, value);
    else
        put_unknown(line, name, value, plain);
}

static struct text cut(struct text value, size_t size)
{
    return text_slice(value.at, value.size < size ? value.size : size);
}

/* "2026-11-21T03:05:18.123456Z" */
static void put_time(struct access_line *line, struct access_stamp *stamp, int64_t now)
{
    time_t second = (time_t)(now / 1000000);
    if (second != stamp->second) {
        struct tm utc;
        gmtime_r(&second, &utc);
        stamp->size = strftime(stamp->text, sizeof(stamp->text), "%Y-%m-%dT%H:%M:%S.", &utc);
        stamp->second = second;
    }
    char micros[] = "000000Z";
    unsigned rest = (unsigned)(now % 1000000);
    bytes_write_two_digits(micros, rest / 10000);
    bytes_write_two_digits(micros + 2, rest / 100 % 100);
    bytes_write_two_digits(micros + 4, rest % 100);
    put(line, text_slice(stamp->text, stamp->size));
    put(line, text_slice(micros, sizeof(micros) - 1));
}

void access_line_format(struct access_line *line, struct access_stamp *stamp, const struct access_record *record)
{
    const struct decision *decision = record->decision;
    const char *reason = decision_reason_code(decision);
    line->size = 0;
    put(line, TEXT("{\"time\":\""));
    put_time(line, stamp, record->now);
    put_known(line, TEXT("\",\"request_id\":\""), record->request_id);
    if (record->method.size > 0)
        put_member(line, TEXT(",\"method\":\""), cut(record->method, METHOD_SHOWN_MAX));
    if (decision->route != NULL) {
        put_member(line, TEXT(",\"route\":\""), decision->route->name);
        put_known(line, TEXT(",\"source\":\""), decision->source);
        if (decision_identifier_is_public(decision))
            put_member(line, TEXT(",\"identifier\":\""), decision->identifier);
    } else if (record->path.size > 0) {
        put_member(line, TEXT(",\"path\":\""), cut(record->path, PATH_SHOWN_MAX));
    }
    put_known(line, TEXT(",\"decision\":\""), text_of(outcome_name(decision->outcome)));
    if (reason[0] != '\0')
        put_known(line, TEXT(",\"reason\":\""), text_of(reason));
    if (decision->detail != NULL)
        put_known(line, TEXT(",\"detail\":\""), text_of(decision->detail));
    if (decision->observed)
        put_known(line, TEXT(",\"would\":\""), text_of(outcome_name(decision->would)));
    put_number(line, TEXT(",\"status\":"), decision->status);
    if (decision->connection_id.size > 0)
        put_known(line, TEXT(",\"connection_id\":\""), decision->connection_id);
    put_number(line, TEXT(",\"body_bytes\":"), record->body_size);
    put_number(line, TEXT(",\"duration_us\":"), record->duration_us);
    put_known(line, TEXT(",\"peer\":\""), record->peer);
    if (record->client.size > 0)
        put_known(line, TEXT(",\"client\":\""), record->client);
    if (decision->error.kind != ERROR_NONE)
        put_member(line, TEXT(",\"error\":\""), text_of(decision->error.message));
    put(line, TEXT("}\n"));
}
