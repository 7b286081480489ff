/* What requests lie in the bytes that a client sent, by a strict reading of RFC 9112 that shares no code with what is
 * tested. */
#ifndef SSOFERRY_TESTS_FUZZ_HTTP_REFERENCE_H
#define SSOFERRY_TESTS_FUZZ_HTTP_REFERENCE_H

#include "fuzz.h"

enum reading {
    READING_NOTHING,  /* no bytes are left */
    READING_WHOLE,    /* a request that every reader takes for the same bytes; more may follow */
    READING_DOUBTFUL, /* it ends for one reader here and for another there, or is cut short: nothing behind it may be
                         answered */
};

struct reference {
    enum reading reading;
    bool is_head;     /* an answer to it has no body */
    struct text head; /* of a READING_WHOLE */
};

/* Takes the next request off `rest`. */
struct reference reference_next(struct text *rest);

#endif
