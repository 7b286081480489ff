/* What a person or a program sees when a request is not redirected. */
#ifndef SSOFERRY_PAGE_H
#define SSOFERRY_PAGE_H

#include "ssoferry/memory.h"

struct page {
    struct text content_type;
    struct text body;
    struct text security_policy; /* Content-Security-Policy; empty: none */
};

/* Whether an Accept field asks for JSON rather than HTML: it names application/json (or +json) with a higher q than
 * text/html has (RFC 9110 12.5.1), or with the same q if only a wildcard covers text/html. HTML wins if the field is
 * empty or absent. */
bool page_wants_json(struct text accept);

/* Builds the error page, or the JSON object, for a status. `code` is the word in the log and `explanation` a sentence;
 * both are our own. The request id must be well-formed; if it is empty, the object has none. The page's texts come from
 * `memory` or are static. */
void page_error(struct page *page, bool json, unsigned status, const char *code, const char *explanation,
                struct text request_id, struct memory memory);

#endif
