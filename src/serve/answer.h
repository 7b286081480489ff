/* The one place where a response is put together: status, headers, body. */
#ifndef SSOFERRY_ANSWER_H
#define SSOFERRY_ANSWER_H

#include "h2o_system.h"
#include "ssoferry/page.h"

struct answer {
    unsigned status;
    struct text request_id; /* this and the next two: empty where there is none */
    struct text location;
    struct text entity_tag;  /* with its quotes */
    const struct page *page; /* NULL: no body */
    bool allow;              /* 405: name the methods */
    bool retry_after;        /* 503 */
};

/* An allocator on the request's pool. */
struct memory answer_memory(h2o_req_t *req);

/* Sets status, reason phrase, headers and length of the response. */
void answer_prepare(h2o_req_t *req, const struct answer *answer);

/* Prepares and sends; the body is left out for HEAD. */
void answer_send(h2o_req_t *req, const struct answer *answer);

#endif
