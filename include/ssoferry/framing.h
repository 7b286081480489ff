/* Whether a request's head leaves any doubt about where the request ends. libh2o 2.2.5 accepts a Content-Length beside
 * a Transfer-Encoding, several Content-Lengths, bare line feeds and folded lines, and keeps the framing fields from
 * handlers; a proxy in front that reads such a head another way would take the rest of a body for a request of the next
 * user (request smuggling, RFC 9112 11.2). So the raw head is read once more. */
#ifndef SSOFERRY_FRAMING_H
#define SSOFERRY_FRAMING_H

#include "ssoferry/text.h"

enum framing {
    FRAMING_GOOD,
    FRAMING_CLOSE, /* to be answered, but nothing may follow on this connection: a chunked body, HTTP/1.0 with a body */
    FRAMING_BARE_LINE_FEED, /* from here on: to be refused with 400, and closed */
    FRAMING_FOLDED_LINE,
    FRAMING_BAD_FIELD,         /* a name that starts as a framing field's does, and is no token (RFC 9110 5.1) */
    FRAMING_LENGTH_TWICE,      /* several Content-Length fields, equal or not, or a list in one */
    FRAMING_LENGTH_AND_CODING, /* Content-Length and Transfer-Encoding */
    FRAMING_CODING_TWICE,
    FRAMING_CODING_IN_OLD_HTTP, /* Transfer-Encoding in HTTP/1.0 */
    FRAMING_NO_HOST,            /* HTTP/1.1 without one: RFC 9112 3.2 */
    FRAMING_HOST_TWICE,
    FRAMING_BAD_HOST,   /* not a host and port */
    FRAMING_BAD_TARGET, /* neither origin-form nor `*`, which are a proxy's, or no method before it */
    FRAMINGS,
};

/* Reads a head as it arrived, and as the parser of heads has accepted it: `input` starts with the request line (one
 * empty line before it is passed over) and may go on behind the head. *head_size gets the head's size in bytes, its
 * last line included, where it is good. */
enum framing framing_check(struct text input, size_t *head_size);

/* "length_twice"; "" for the good ones; static. */
const char *framing_code(enum framing framing);

#endif
