#include "access_line.h"

#include <string.h>

#include "ssoferry/bytes.h"

enum {
    PATH_SHOWN_MAX = 256,
    ESCAPED_BYTE_MAX = 6, /* \u00XX */
};

static inline void put(struct access_line *line, struct text t)
{
    if (t.size == 0 || t.size > sizeof(line->bytes) - line->size)
        return;
    memcpy(line->bytes + line->size, t.at, t.size);
    line->size += t.size;
}

static void put_number(struct access_line *line, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    put(line, text_slice(digits + at, sizeof(digits) - at));
}

/* What may stand in a JSON string as it is; of the bytes over 0x7f, those of good UTF-8 (RFC 8259 section 7). */
static bool is_plain(unsigned char byte, bool utf8)
{
    return byte >= 0x80 ? utf8 : byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\';
}

static void put_escape(struct access_line *line, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    const char escape[ESCAPED_BYTE_MAX] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    put(line, byte >= 0x80 ? TEXT("\\ufffd") : text_slice(escape, sizeof(escape)));
}

/* Whether eight bytes are plain, and ASCII. */
static bool are_plain(uint64_t eight)
{
    return !bytes_any_high(eight) && !bytes_any_below(eight, 0x20) && !bytes_any_is(eight, 0x7f) &&
           !bytes_any_is(eight, '"') && !bytes_any_is(eight, '\\');
}

/* How many bytes at the start need no second look. */
static size_t plain_start(struct text t)
{
    size_t at = 0;
    for (; t.size - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        if (!are_plain(bytes_load(t.at + at)))
            return at;
    }
    while (at < t.size && is_plain((unsigned char)t.at[at], false))
        ++at;
    return at;
}

/* Bytes that are no UTF-8 show as U+FFFD, so that every line can be parsed. */
static void put_escaped(struct access_line *line, struct text t, size_t plain)
{
    bool utf8 = text_is_utf8(t);
    size_t clean = 0;
    for (size_t i = plain; i < t.size; ++i) {
        if (is_plain((unsigned char)t.at[i], utf8))
            continue;
        put(line, text_slice(t.at + clean, i - clean));
        put_escape(line, (unsigned char)t.at[i]);
        clean = i + 1;
    }
    put(line, text_slice(t.at + clean, t.size - clean));
}

/* `name` ends with the quote that opens the value. */
static inline void put_member(struct access_line *line, struct text name, struct text value)
{
    put(line, name);
    size_t room = (sizeof(line->bytes) - line->size) / ESCAPED_BYTE_MAX;
    value.size = value.size < room ? value.size : room;
    size_t plain = plain_start(value);
    if (plain == value.size)
        put(line, value);
    else
        put_escaped(line, value, plain);
    put(line, TEXT("\""));
}

/* The same for a value of our own, or one that was checked before: with nothing in it to escape. */
static inline void put_known(struct access_line *line, struct text name, struct text value)
{
    put(line, name);
    put(line, value);
    put(line, TEXT("\""));
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
    char micros[6];
    int64_t rest = now % 1000000;
    for (size_t i = sizeof(micros); i > 0; --i, rest /= 10)
        micros[i - 1] = (char)('0' + rest % 10);
    put(line, text_slice(stamp->text, stamp->size));
    put(line, text_slice(micros, sizeof(micros)));
    put(line, TEXT("Z"));
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
        put_member(line, TEXT(",\"method\":\""), record->method);
    if (decision->route != NULL) {
        put_member(line, TEXT(",\"route\":\""), decision->route->name);
        put_member(line, TEXT(",\"source\":\""), decision->source);
        if (decision_identifier_is_public(decision))
            put_member(line, TEXT(",\"identifier\":\""), decision->identifier);
    } else if (record->path.size > 0) {
        struct text path = record->path;
        path.size = path.size < PATH_SHOWN_MAX ? path.size : PATH_SHOWN_MAX;
        put_member(line, TEXT(",\"path\":\""), path);
    }
    put_known(line, TEXT(",\"decision\":\""), text_of(outcome_name(decision->outcome)));
    if (reason[0] != '\0')
        put_known(line, TEXT(",\"reason\":\""), text_of(reason));
    if (decision->detail != NULL)
        put_known(line, TEXT(",\"detail\":\""), text_of(decision->detail));
    if (decision->observed)
        put_known(line, TEXT(",\"would\":\""), text_of(outcome_name(decision->would)));
    put(line, TEXT(",\"status\":"));
    put_number(line, decision->status);
    if (decision->connection_id.size > 0)
        put_known(line, TEXT(",\"connection_id\":\""), decision->connection_id);
    put(line, TEXT(",\"body_bytes\":"));
    put_number(line, record->body_size);
    put(line, TEXT(",\"duration_us\":"));
    put_number(line, record->duration_us);
    put_known(line, TEXT(",\"peer\":\""), record->peer);
    if (record->client.size > 0)
        put_known(line, TEXT(",\"client\":\""), record->client);
    if (decision->error.kind != ERROR_NONE)
        put_member(line, TEXT(",\"error\":\""), text_of(decision->error.message));
    put(line, TEXT("}\n"));
}
