/* The name=value pairs of a query or an application/x-www-form-urlencoded body (WHATWG URL, section 5). */
#ifndef SSOFERRY_FORM_H
#define SSOFERRY_FORM_H

#include "ssoferry/memory.h"
#include "ssoferry/text.h"

/* One pair, not decoded: slices of the source. */
struct form_pair {
    struct text name;
    struct text value;
    bool has_value;    /* there was a '=' */
    size_t start, end; /* the pair's bytes in the source, without any '&' */
};

/* Steps through the pairs; *position starts at 0. Empty pairs ("&&") are skipped. False after the last. */
bool form_next(struct text source, size_t *position, struct form_pair *pair);

enum form_find { FORM_ABSENT, FORM_FOUND, FORM_TWICE };

/* Finds the pair whose decoded name is `name`. If there are several, *pair is the first and the answer FORM_TWICE. */
enum form_find form_find(struct text source, struct text name, struct form_pair *pair);

/* Whether a raw name decodes to `name`. */
bool form_name_is(struct text raw, struct text name);

/* Decodes a raw value; '+' is a space. If a '%' is not followed by two hexadecimal digits, the call returns false, or
 * keeps the '%' if `lenient`, as browsers do. *decoded comes from `memory`, or is `raw` itself if nothing was encoded.
 */
bool form_decode(struct text raw, bool lenient, struct memory memory, struct text *decoded)
    __attribute__((warn_unused_result));

/* A decoded pair. */
struct form_field {
    struct text name, value;
};

struct form_fields {
    const struct form_field *items;
    size_t count;
};

/* Decodes all pairs of a body into `memory`. False if hidden fields of an HTML page could not carry them byte for byte:
 * a value is not UTF-8 or holds a NUL, or a pair has no name or is called _charset_. Also false if the page would be
 * much larger than the body: more than FORM_FIELDS_MAX pairs, or HTML escapes of more than the body's size plus 16 KiB.
 */
enum { FORM_FIELDS_MAX = 64 };
bool form_decode_all(struct text body, struct memory memory, struct form_fields *fields)
    __attribute__((warn_unused_result));

/* Whether a Content-Type is application/x-www-form-urlencoded, with or without parameters. */
bool form_content_type(struct text content_type);

/* `source` without the bytes of `pair` and one '&' next to it; all other bytes stay as they are. The result comes from
 * `memory` or is a slice of `source`. */
struct text form_without(struct text source, const struct form_pair *pair, struct memory memory);

#endif
