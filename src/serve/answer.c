#include "answer.h"

#include "ssoferry/status.h"

static h2o_iovec_t header_location = {H2O_STRLIT("Location")};
static h2o_iovec_t header_content_type = {H2O_STRLIT("Content-Type")};
static h2o_iovec_t header_security_policy = {H2O_STRLIT("Content-Security-Policy")};
static h2o_iovec_t header_entity_tag = {H2O_STRLIT("ETag")};
static h2o_iovec_t header_age = {H2O_STRLIT("Age")};
static h2o_iovec_t header_allow = {H2O_STRLIT("Allow")};
static h2o_iovec_t header_retry_after = {H2O_STRLIT("Retry-After")};
static h2o_iovec_t header_cache_control = {H2O_STRLIT("Cache-Control")};

/* The header fields of every answer, written as if they were part of the first one's value, because libh2o makes two
 * calls for each header it copies. The request id follows them. */
#define EVERY_ANSWERS "no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff"
#define REQUEST_ID    "\r\nX-Request-Id: "

enum { HEADERS_MAX = 8 };

static void *allocate_from_pool(void *context, size_t size)
{
    h2o_mem_pool_t *pool = context;
    return h2o_mem_alloc_pool(pool, size);
}

struct memory answer_memory(h2o_req_t *req)
{
    return (struct memory){allocate_from_pool, &req->pool};
}

/* The names are not h2o tokens: h2o looks none of our headers up, and this way no name is hashed or copied. */
static void add(h2o_req_t *req, h2o_iovec_t *name, struct text value)
{
    h2o_header_t *header = &req->res.headers.entries[req->res.headers.size++];
    header->name = name;
    header->orig_name = NULL;
    header->value = h2o_iovec_init(value.at, value.size);
}

/* Everything that a response needs from its request's memory, in one allocation. */
struct response {
    h2o_header_t headers[HEADERS_MAX];
    char every_answers[sizeof(EVERY_ANSWERS REQUEST_ID) - 1];
    char request_id[];
};

static struct text every_answers(struct response *response, struct text request_id)
{
    if (request_id.size == 0)
        return TEXT(EVERY_ANSWERS);
    memcpy(response->every_answers, EVERY_ANSWERS REQUEST_ID, sizeof(response->every_answers));
    memcpy(response->request_id, request_id.at, request_id.size);
    return text_slice(response->every_answers, sizeof(response->every_answers) + request_id.size);
}

/* With a 304 it would be the size of what a 200 brings (RFC 9110 8.6), so none is given. */
static size_t content_length(const struct answer *answer)
{
    return answer->status == 304 ? SIZE_MAX : answer->page == NULL ? 0 : answer->page->body.size;
}

void answer_prepare(h2o_req_t *req, const struct answer *answer)
{
    req->res.status = (int)answer->status;
    req->res.reason = status_phrase(answer->status);
    req->res.content_length = content_length(answer);
    struct response *response = h2o_mem_alloc_pool(&req->pool, sizeof(*response) + answer->request_id.size);
    req->res.headers = (h2o_headers_t){response->headers, 0, HEADERS_MAX};
    if (answer->location.size > 0)
        add(req, &header_location, answer->location);
    add(req, &header_cache_control, every_answers(response, answer->request_id));
    if (answer->entity_tag.size > 0)
        add(req, &header_entity_tag, answer->entity_tag);
    if (answer->age.size > 0)
        add(req, &header_age, answer->age);
    if (answer->page != NULL)
        add(req, &header_content_type, answer->page->content_type);
    if (answer->page != NULL && answer->page->security_policy.size > 0)
        add(req, &header_security_policy, answer->page->security_policy);
    if (answer->allow.size > 0)
        add(req, &header_allow, answer->allow);
    if (answer->retry_after)
        add(req, &header_retry_after, TEXT("5"));
}

void answer_send(h2o_req_t *req, const struct answer *answer)
{
    static h2o_generator_t generator = {NULL, NULL};
    answer_prepare(req, answer);
    h2o_start_response(req, &generator);
    bool head = h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
    if (answer->page == NULL || head) {
        h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
        return;
    }
    h2o_iovec_t body = h2o_iovec_init(answer->page->body.at, answer->page->body.size);
    h2o_send(req, &body, 1, H2O_SEND_STATE_FINAL);
}
