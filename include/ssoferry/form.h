/* The name=value pairs of a query or of an application/x-www-form-urlencoded body (WHATWG URL, section 5). */
#ifndef SSOFERRY_FORM_H
#define SSOFERRY_FORM_H

#include "ssoferry/memory.h"
#include "ssoferry/text.h"

/* One pair, raw: slices of the source, not decoded. */
struct form_pair {
    struct text name;
    struct text value;
    bool has_value;    /* there was a '=' */
    size_t start, end; /* of the pair in the source, without '&'s */
};

/* Walks the pairs: *position starts at 0. Empty pairs ("&&") are passed over. False after the last. */
bool form_next(struct text source, size_t *position, struct form_pair *pair);

enum form_find { FORM_ABSENT, FORM_FOUND, FORM_TWICE };

/* Finds the pair whose decoded name is `name`. FORM_TWICE where there are several; *pair is then the first. */
enum form_find form_find(struct text source, struct text name, struct form_pair *pair);

/* Whether a raw name, once decoded, is `name`. */
bool form_name_is(struct text raw, struct text name);

/* Decodes a raw value ('+' is a space). A '%' that two hexadecimal digits do not follow stays as it is where `lenient`,
 * as browsers' parsers have it, else the call answers false. The result comes from `memory`, or is the raw text where
 * nothing was encoded. */
bool form_decode(struct text raw, bool lenient, struct memory memory, struct text *decoded)
    __attribute__((warn_unused_result));

/* A pair, decoded. */
struct form_field {
    struct text name, value;
};

struct form_fields {
    const struct form_field *items;
    size_t count;
};

/* Decodes all pairs of a body, into `memory`. False where the hidden fields of an HTML page cannot carry them byte for
 * byte: a value is not UTF-8 or holds a NUL, a pair has no name, or one called _charset_. Also where the page would be
 * much larger than the body: there are more than FORM_FIELDS_MAX pairs, or its escapes come to more than the body and
 * 16 KiB. */
enum { FORM_FIELDS_MAX = 64 };
bool form_decode_all(struct text body, struct memory memory, struct form_fields *fields)
    __attribute__((warn_unused_result));

/* Whether a Content-Type is application/x-www-form-urlencoded, with or without parameters. */
bool form_content_type(struct text content_type);

/* `source` without the bytes of `pair` and one '&' next to it; every other byte as it was. The result comes from
 * `memory`. */
struct text form_without(struct text source, const struct form_pair *pair, struct memory memory);

#endif
