/* Which requests the bytes sent by a client contain, by a strict reading of RFC 9112 that shares no code with what is
 * tested. */
#ifndef SSOFERRY_TESTS_FUZZ_HTTP_REFERENCE_H
#define SSOFERRY_TESTS_FUZZ_HTTP_REFERENCE_H

#include "fuzz.h"

enum reading {
    READING_NOTHING,  /* no bytes left */
    READING_WHOLE,    /* a request that every reader delimits in the same way; more may follow */
    READING_DOUBTFUL, /* readers disagree about where it ends, or it is cut short: nothing after it may be answered */
};

struct reference {
    enum reading reading;
    bool is_head;     /* its answer has no body */
    struct text head; /* of a READING_WHOLE */
};

/* Takes the next request off `rest`. */
struct reference reference_next(struct text *rest);

#endif
