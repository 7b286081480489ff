/* The one place that puts a response together: status, headers and body. */
#ifndef SSOFERRY_ANSWER_H
#define SSOFERRY_ANSWER_H

#include "h2o_system.h"
#include "ssoferry/page.h"

struct answer {
    unsigned status;
    struct text request_id; /* request_id, location and entity_tag are empty if there is none */
    struct text location;
    struct text entity_tag;  /* including its quotes */
    struct text age;         /* in seconds; empty: it is new */
    const struct page *page; /* NULL: no body */
    struct text allow;       /* 405: the methods there are, such as "GET, HEAD"; empty: none listed */
    bool retry_after;        /* 503 */
};

/* Allocates from the request's pool, so the memory lives as long as the request. */
struct memory answer_memory(h2o_req_t *req);

/* Sets the response's status, reason phrase, headers and length. The answer's texts are borrowed until the response has
 * been sent; the struct and its page are not. */
void answer_prepare(h2o_req_t *req, const struct answer *answer);

/* Prepares and sends the response, without the body for HEAD. */
void answer_send(h2o_req_t *req, const struct answer *answer);

#endif
