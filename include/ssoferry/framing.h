/* Whether a request's head leaves any doubt about where the request ends. libh2o 2.2.5 accepts Content-Length together
 * with Transfer-Encoding, several Content-Lengths, bare line feeds and folded lines, and hides the framing fields from
 * handlers. A proxy in front that reads such a head differently would take the rest of a body for the next user's
 * request (request smuggling, RFC 9112 11.2). So the raw head is read a second time. */
#ifndef SSOFERRY_FRAMING_H
#define SSOFERRY_FRAMING_H

#include "ssoferry/text.h"

enum framing {
    FRAMING_GOOD,
    FRAMING_CLOSE, /* answer it, but close the connection afterwards: a chunked body, or HTTP/1.0 with a body */
    FRAMING_BARE_LINE_FEED, /* from here on: refuse with 400 and close */
    FRAMING_FOLDED_LINE,
    FRAMING_BAD_FIELD,         /* a name that starts like a framing field's but is not a token (RFC 9110 5.1) */
    FRAMING_LENGTH_TWICE,      /* several Content-Length fields, equal or not, or a list in one */
    FRAMING_LENGTH_AND_CODING, /* Content-Length and Transfer-Encoding */
    FRAMING_CODING_TWICE,
    FRAMING_CODING_IN_OLD_HTTP, /* Transfer-Encoding in HTTP/1.0 */
    FRAMING_NO_HOST,            /* HTTP/1.1 without Host: RFC 9112 3.2 */
    FRAMING_HOST_TWICE,
    FRAMING_BAD_HOST,   /* not a host with or without port */
    FRAMING_BAD_TARGET, /* neither origin-form nor `*`, so meant for a proxy; or there is no method before it */
    FRAMINGS,
};

/* Checks a head as it arrived, which the head parser has already accepted. `input` starts with the request line (one
 * empty line before it is skipped) and may extend beyond the head. If the head is good, *head_size is its size in
 * bytes, last line included. */
enum framing framing_check(struct text input, size_t *head_size);

/* "length_twice"; "" for FRAMING_GOOD and FRAMING_CLOSE; static. */
const char *framing_code(enum framing framing);

#endif
