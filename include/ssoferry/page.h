/* What a person, or a program, sees when a request is not redirected. */
#ifndef SSOFERRY_PAGE_H
#define SSOFERRY_PAGE_H

#include "ssoferry/memory.h"

struct page {
    struct text content_type;
    struct text body;
    struct text security_policy; /* Content-Security-Policy; empty: none */
};

/* Whether an Accept field asks for JSON rather than HTML: application/json (or +json) with a higher q than text/html's
 * (RFC 9110 12.5.1). An empty or absent field, and equal wishes, get HTML. */
bool page_wants_json(struct text accept);

/* The error page or object for a status. `code` is the word of the log, `explanation` a sentence; both are our own
 * words, and the request id is of sane form; where it is empty, the object has none. The page's texts come from
 * `memory` or are static. */
void page_error(struct page *page, bool json, unsigned status, const char *code, const char *explanation,
                struct text request_id, struct memory memory);

#endif
