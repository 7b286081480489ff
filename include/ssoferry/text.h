/* Borrowed slices of bytes, and functions that compare, decode and check them. Nothing here allocates. */
#ifndef SSOFERRY_TEXT_H
#define SSOFERRY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A slice of bytes owned by somebody else. It lives as long as what it was cut from; a function that returns one says
 * how long. Not NUL-terminated. An empty text may have a null `at`. */
struct text {
    const char *at;
    size_t size; /* bytes */
};

/* A text from a string literal. */
#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

/* Arguments for printf's "%.*s". */
#define TEXT_ARGS(t) (int)(t).size, (t).at != NULL ? (t).at : ""

/* A text that borrows a NUL-terminated string; empty for NULL. */
static inline struct text text_of(const char *string)
{
    return (struct text){string, string == NULL ? 0 : strlen(string)};
}

/* The `size` bytes from `at` on, borrowed. */
static inline struct text text_slice(const char *at, size_t size)
{
    return (struct text){at, size};
}

/* All but the first `size` bytes of `t`, which has as many, borrowed. */
static inline struct text text_from(struct text t, size_t size)
{
    return text_slice(t.at + size, t.size - size);
}

/* Compares byte for byte. */
static inline bool text_equal(struct text a, struct text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

/* Compares in byte order; a prefix comes first. Returns <0, 0 or >0. */
int text_compare(struct text a, struct text b);

/* Length of the common prefix. */
size_t text_shared(struct text a, struct text b);

/* Lower-cases an ASCII letter; any other byte is unchanged. */
static inline char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The value of a hexadecimal digit, or -1 if it is none. */
static inline int text_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = text_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether `size` bytes are equal, ignoring ASCII case. */
bool text_same_fold(const char *a, const char *b, size_t size);

/* Whether two texts are equal, ignoring ASCII case. */
static inline bool text_equal_fold(struct text a, struct text b)
{
    return a.size == b.size && text_same_fold(a.at, b.at, a.size);
}

/* Whether `t` starts with `prefix`; an empty prefix always fits. */
static inline bool text_starts(struct text t, struct text prefix)
{
    return t.size >= prefix.size && text_equal(text_slice(t.at, prefix.size), prefix);
}

/* Whether `t` ends with `suffix`. */
bool text_ends(struct text t, struct text suffix);

/* A hash to tell texts apart (FNV-1a, 64 bits); does not withstand somebody who wants a collision. `before` is the hash
 * of what precedes `t`, or TEXT_FINGERPRINT_START. */
#define TEXT_FINGERPRINT_START UINT64_C(0xcbf29ce484222325)
uint64_t text_fingerprint(struct text t, uint64_t before);

/* The directory part of `path`, or "." if it has none; a slice of `path` or of a constant. */
struct text text_directory(const char *path);

/* Index of the first `byte` at or after `from`, or t.size if there is none. */
static inline size_t text_find(struct text t, char byte, size_t from)
{
    if (from >= t.size)
        return t.size;
    const char *found = (const char *)memchr(t.at + from, byte, t.size - from);
    return found == NULL ? t.size : (size_t)(found - t.at);
}

/* Strips spaces and tabs from both ends. */
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

/* The longest start of valid UTF-8 that has at most `size` bytes and ends between two characters. */
struct text text_cut(struct text t, size_t size);

/* Copies `t` to `out` with ASCII letters in lower case. `out` holds t.size bytes and may be t.at itself. */
void text_fold(struct text t, char *out);

/* Whether every byte is visible ASCII or over 0x7f: no space, no control character. */
bool text_is_visible(struct text t);

/* Whether every byte is ASCII and not a control character. Such a text is also UTF-8. */
bool text_is_printable(struct text t);

/* Whether it is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing over U+10FFFF). */
bool text_is_utf8(struct text t);

/* Whether valid UTF-8 contains a control character: U+0000 to U+001F, U+007F to U+009F. */
bool text_has_control(struct text t);

/* Returns the character at *at, which is less than t.size, and moves past it. For invalid UTF-8 it is arbitrary, but
 * nothing beyond `t` is read. */
uint32_t text_character(struct text t, size_t *at);

/* Writes a character of at most U+10FFFF as UTF-8 to `out`, which holds four bytes. Returns the size. */
size_t text_put_character(char *out, uint32_t character);

/* Whether a character is invisible or misleading: it has no width, looks like a space, turns the writing direction or
 * ends a line; and whether valid UTF-8 contains one. Control characters do not count. */
bool text_hides(uint32_t character);
bool text_has_hidden(struct text t);

/* Moves *rest, which is not empty, past its first character, and returns what may be shown for it in a message or on a
 * terminal: the character itself; \u200b or \U000e0001 if text_hides() it; \x1b for each byte of a control character or
 * of what is not UTF-8. An escape is written to `escape`. */
enum { TEXT_ESCAPE_SIZE = 12 };
struct text text_shown(struct text *rest, char escape[TEXT_ESCAPE_SIZE]);

/* Writes all of `t` as text_shown() has it to `out`, as far as it takes at most `size` bytes, so that it can neither
 * end a line nor control a terminal nor hide what it names. Returns the size. */
size_t text_show(struct text t, char *out, size_t size);

enum text_plus {
    TEXT_PLUS_IS_PLUS,  /* a path: RFC 3986 */
    TEXT_PLUS_IS_SPACE, /* a query or a form: application/x-www-form-urlencoded */
};

/* Percent-decodes `in` exactly once (RFC 3986 2.1). `out` holds at least in.size bytes and may be in.at itself; *size
 * gets the decoded length. False on a '%' that is not followed by two hexadecimal digits. */
bool text_percent_decode(struct text in, enum text_plus plus, char *out, size_t *size);

/* Parses decimal digits as a number of at most `max`. False for anything else, including an empty text. */
bool text_to_number(struct text t, uint64_t max, uint64_t *number);

#endif
