/* Compares percent-encoded with plain text on the fly, so that matching needs no memory. Private to this folder. */
#ifndef SSOFERRY_ROUTE_ENCODED_H
#define SSOFERRY_ROUTE_ENCODED_H

#include "ssoferry/text.h"

enum encoded_rule {
    ENCODED_PATH,        /* RFC 3986: '+' is a plus; a '%' without two hexadecimal digits equals nothing */
    ENCODED_FORM,        /* WHATWG URL, section 5: '+' is a space; such a '%' stands for itself */
    ENCODED_FOLDED_PATH, /* like ENCODED_PATH, but ignores ASCII case; the plain text is in lower case */
};

/* Whether the whole of `raw` decodes to `plain`. */
bool encoded_equal(struct text raw, enum encoded_rule rule, struct text plain);

/* Whether `raw`, once decoded, starts or ends with `plain`. *size gets the number of raw bytes that this takes. */
bool encoded_starts(struct text raw, enum encoded_rule rule, struct text plain, size_t *size);
bool encoded_ends(struct text raw, enum encoded_rule rule, struct text plain, size_t *size);

#endif
