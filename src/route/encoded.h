/* Percent-encoded text compared with plain text on the fly, so that matching a request needs no memory. Private to this
 * folder. */
#ifndef SSOFERRY_ROUTE_ENCODED_H
#define SSOFERRY_ROUTE_ENCODED_H

#include "ssoferry/text.h"

enum encoded_rule {
    ENCODED_PATH,        /* RFC 3986: '+' is a plus; a '%' that two hexadecimal digits do not follow equals nothing */
    ENCODED_FORM,        /* WHATWG URL, section 5: '+' is a space; such a '%' stands for itself */
    ENCODED_FOLDED_PATH, /* as a path, but ASCII letters have no case; the plain text has them in lower case */
};

/* Whether all of `raw`, once decoded, is `plain`. */
bool encoded_equal(struct text raw, enum encoded_rule rule, struct text plain);

/* Whether `raw`, once decoded, starts or ends with `plain`. *size gets how many bytes of `raw` that takes. */
bool encoded_starts(struct text raw, enum encoded_rule rule, struct text plain, size_t *size);
bool encoded_ends(struct text raw, enum encoded_rule rule, struct text plain, size_t *size);

#endif
