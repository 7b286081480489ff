/* Borrowed slices of bytes, and what is done to them: compare, decode, check. Nothing here allocates. */
#ifndef SSOFERRY_TEXT_H
#define SSOFERRY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A slice that its maker does not own. It lives as long as what it was cut from; the function that returns one says so.
 * Not NUL-terminated. An empty text may have a null `at`. */
struct text {
    const char *at;
    size_t size; /* bytes */
};

/* The text of a string literal. */
#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

/* For printf's "%.*s". */
#define TEXT_ARGS(t) (int)(t).size, (t).at != NULL ? (t).at : ""

/* The text of a NUL-terminated string, which it borrows; empty of NULL. */
static inline struct text text_of(const char *string)
{
    return (struct text){string, string == NULL ? 0 : strlen(string)};
}

/* `size` bytes from `at` on, borrowed. */
static inline struct text text_slice(const char *at, size_t size)
{
    return (struct text){at, size};
}

/* Byte for byte. */
static inline bool text_equal(struct text a, struct text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

/* Byte order; a prefix comes first. <0, 0 or >0. */
int text_compare(struct text a, struct text b);

/* How many bytes both start with alike. */
size_t text_shared(struct text a, struct text b);

/* An ASCII letter in lower case; any other byte is left alone. */
static inline char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The value of a hexadecimal digit, or -1. */
static inline int text_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = text_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether `size` bytes are equal but for the case of ASCII letters. */
bool text_same_fold(const char *a, const char *b, size_t size);

/* Equal but for the case of ASCII letters. */
static inline bool text_equal_fold(struct text a, struct text b)
{
    return a.size == b.size && text_same_fold(a.at, b.at, a.size);
}

/* Whether it starts with the bytes of the other; every text does with an empty one. */
static inline bool text_starts(struct text t, struct text prefix)
{
    return t.size >= prefix.size && text_equal(text_slice(t.at, prefix.size), prefix);
}

/* The same of its end. */
bool text_ends(struct text t, struct text suffix);

/* A number by which texts are told apart, but not against somebody who wants two taken for each other: FNV-1a, 64 bits.
 * `before` is that of what stands before `t`, or TEXT_FINGERPRINT_START. */
#define TEXT_FINGERPRINT_START UINT64_C(0xcbf29ce484222325)
uint64_t text_fingerprint(struct text t, uint64_t before);

/* The directory that holds the file `path`, "." where it names none; a slice of `path` or of a constant. */
struct text text_directory(const char *path);

/* Index of the first `byte` at or after `from`, or t.size where there is none. */
static inline size_t text_find(struct text t, char byte, size_t from)
{
    if (from >= t.size)
        return t.size;
    const char *found = (const char *)memchr(t.at + from, byte, t.size - from);
    return found == NULL ? t.size : (size_t)(found - t.at);
}

/* Without ASCII spaces and tabs at both ends. */
static inline struct text text_trim(struct text t)
{
    while (t.size > 0 && (t.at[0] == ' ' || t.at[0] == '\t')) {
        ++t.at;
        --t.size;
    }
    while (t.size > 0 && (t.at[t.size - 1] == ' ' || t.at[t.size - 1] == '\t'))
        --t.size;
    return t;
}

/* Copies t's bytes to `out` with ASCII letters in lower case. `out` holds t.size bytes and may be t.at itself. */
void text_fold(struct text t, char *out);

/* Whether every byte is visible ASCII or over 0x7f: no space, no control character. */
bool text_is_visible(struct text t);

/* Whether every byte is ASCII and no control character. Then it is UTF-8, too. */
bool text_is_printable(struct text t);

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing over U+10FFFF). */
bool text_is_utf8(struct text t);

/* Whether valid UTF-8 holds a control character: U+0000 to U+001F, U+007F to U+009F. */
bool text_has_control(struct text t);

/* The character that stands at *at, which moves behind it. Of what is not valid UTF-8 it is anything; nothing behind
 * `t` is read. */
uint32_t text_character(struct text t, size_t *at);

/* Whether nobody sees a character, or takes it for another: it has no width, is a space that is none, or turns or ends
 * a line. And whether valid UTF-8 holds such a one. Control characters are none of them. */
bool text_hides(uint32_t character);
bool text_has_hidden(struct text t);

enum text_plus {
    TEXT_PLUS_IS_PLUS,  /* a path: RFC 3986 */
    TEXT_PLUS_IS_SPACE, /* a query or a form: application/x-www-form-urlencoded */
};

/* Percent-decodes `in` exactly once into `out` (RFC 3986 2.1), which holds at least in.size bytes and may be in.at
 * itself. Returns false on a '%' that two hexadecimal digits do not follow. *size gets the decoded length. */
bool text_percent_decode(struct text in, enum text_plus plus, char *out, size_t *size);

/* Decimal digits only, at most `max`. Returns false on anything else, and on an empty text. */
bool text_to_number(struct text t, uint64_t max, uint64_t *number);

#endif
