#include "http.h"

#include "answer.h"
#include "ssoferry/bytes.h"
#include "ssoferry/clock.h"
#include "ssoferry/form_post.h"
#include "ssoferry/framing.h"
#include "health.h"
#include "held.h"
#include "ssoferry/log.h"
#include "peer.h"
#include "ssoferry/seed.h"

enum { REQUEST_ID_SIZE_MAX = 128, NEW_ID_SIZE = 32 };

/* What libh2o sends if a head cannot be parsed. Its size is the only sign that this has happened. */
static const char bare_refusal[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                   "Connection: close\r\nContent-Length: 11\r\n\r\nBad Request";

static struct text text_of_iovec(h2o_iovec_t v)
{
    return text_slice(v.base, v.len);
}

/* A request id from the client is kept only if it is harmless in a header, a log line and a page. */
static bool is_sane_id(struct text id)
{
    for (size_t i = 0; i < id.size; ++i) {
        char c = id.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr("-._~:+/=@", c) == NULL))
            return false;
    }
    return id.size > 0 && id.size <= REQUEST_ID_SIZE_MAX;
}

/* xoroshiro128+ (Blackman and Vigna): ids have to differ, not to be secret. Each worker's state is seeded by the
 * kernel. */
static uint64_t next_random(uint64_t *state)
{
    if (state[0] == 0 && state[1] == 0)
        seed_draw(state);
    uint64_t a = state[0];
    uint64_t b = state[1];
    uint64_t result = a + b;
    b ^= a;
    state[0] = (a << 24 | a >> 40) ^ b ^ b << 16;
    state[1] = b << 37 | b >> 27;
    return result;
}

static struct text write_id(struct worker *worker, char id[NEW_ID_SIZE])
{
    for (size_t at = 0; at < NEW_ID_SIZE; at += NEW_ID_SIZE / 2) {
        uint64_t bits = next_random(worker->random);
        bytes_put_hex_of(&bits, id + at);
    }
    return text_slice(id, NEW_ID_SIZE);
}

/* The few header fields needed, found in one pass; head_parser.c passes on only those that this program reads. */
struct fields {
    struct text content_type, accept, request_id;
};

static struct fields read_fields(const h2o_req_t *req)
{
    struct fields fields = {{0}, {0}, {0}};
    const h2o_iovec_t *content_type = &H2O_TOKEN_CONTENT_TYPE->buf, *accept = &H2O_TOKEN_ACCEPT->buf;
    const h2o_header_t *header = req->headers.entries; /* NULL if there are none */
    for (size_t left = req->headers.size; left > 0; --left, ++header) {
        if (header->name == content_type)
            fields.content_type = text_of_iovec(header->value);
        else if (header->name == accept)
            fields.accept = text_of_iovec(header->value);
        else if (header->name->len == 12 && memcmp(header->name->base, "x-request-id", 12) == 0)
            fields.request_id = text_of_iovec(header->value);
    }
    return fields;
}

static void read_request(const h2o_req_t *req, const struct fields *fields, struct request *request)
{
    struct text target = text_of_iovec(req->input.path);
    size_t question = text_find(target, '?', 0);
    request->method = method_parse(text_of_iovec(req->input.method));
    /* Without a Host field, h2o fills in its own name for this server. */
    bool own = req->input.authority.base == req->hostconf->authority.hostport.base;
    request->host = own ? TEXT("") : text_of_iovec(req->input.authority);
    request->path = text_slice(target.at, question);
    request->has_query = question < target.size;
    request->query = request->has_query ? text_from(target, question + 1) : (struct text){0};
    request->content_type = fields->content_type;
    request->body = text_of_iovec(req->entity);
}

static enum usage_outcome usage_outcome_of(enum outcome outcome)
{
    return outcome == OUTCOME_STYTCH     ? USAGE_STYTCH
           : outcome == OUTCOME_LEGACY   ? USAGE_LEGACY
           : outcome == OUTCOME_DISABLED ? USAGE_DISABLED
                                         : USAGE_FAILED;
}

static void count_usage(struct usage_lane *usage, const struct decision *decision, int64_t now)
{
    /* A rehearsal is counted as what it would have been, which is its purpose. */
    enum outcome outcome = decision->observed ? decision->would : decision->outcome;
    if (outcome == OUTCOME_METHOD) /* a scanner, or a browser's preflight: not a sign-in */
        return;
    if (decision_has_row(decision))
        usage_count(usage, decision->source, decision->identifier, usage_outcome_of(outcome), now);
    else if (decision->row == ROW_ABSENT && decision_identifier_is_public(decision))
        usage_count_unknown(usage, decision->source, decision->identifier, now);
}

static bool is_logged(const struct worker *worker, const struct decision *decision)
{
    enum request_log wanted = worker_config(worker)->request_log;
    return wanted == REQUEST_LOG_ALL || (wanted == REQUEST_LOG_ERRORS && decision->status >= 400);
}

/* An unreadable store, or one that was tampered with, is also reported on stderr. */
static void warn(struct worker *worker, const struct decision *decision, struct text request_id)
{
    if (decision->error.kind != ERROR_NONE && worker_may_warn(worker))
        log_warning("request %.*s: %s", TEXT_ARGS(request_id), decision->error.message);
}

/* Records everything that is kept about a request: counters, usage, log line. */
static void account(struct worker *worker, h2o_req_t *req, const struct decision *decision, struct text request_id)
{
    const struct gateway_settings *gateway = &worker_config(worker)->gateway;
    int64_t now = clock_utc_us();
    struct client *client = client_of(req);
    const struct timeval begin = req->timestamps.request_begin_at;
    uint64_t duration_us = begin.tv_sec == 0 ? 0 : client_passed_us(client, begin, now);
    size_t route = decision->route == NULL ? METRICS_NO_ROUTE : (size_t)(decision->route - gateway->routes);

    metrics_request(worker->tools.metrics, route, decision, duration_us, req->entity.len);
    if (worker->tools.usage != NULL)
        count_usage(worker->tools.usage, decision, now);
    warn(worker, decision, request_id);
    if (!is_logged(worker, decision))
        return;
    char forwarded[IP_TEXT_SIZE];
    struct text target = text_of_iovec(req->input.path);
    struct access_record record = {
        .request_id = request_id,
        .method = text_of_iovec(req->input.method),
        .path = text_slice(target.at, text_find(target, '?', 0)),
        .peer = peer_name(client),
        .client = peer_forwarded_client(client, req, forwarded),
        .decision = decision,
        .body_size = req->entity.len,
        .duration_us = duration_us,
        .now = now,
    };
    access_log_add(worker->tools.lane, &record);
}

/* The error code for programs: the reason if it says more than the outcome. */
static const char *error_code(const struct decision *decision)
{
    return decision->outcome == OUTCOME_MALFORMED ? decision_reason_code(decision) : outcome_name(decision->outcome);
}

/* Refuses the decision if there is no memory for its answer: a redirect, or a page of that size. */
static void take_memory(h2o_req_t *req, struct decision *decision, size_t page)
{
    struct worker *worker = worker_of(req->conn->ctx);
    const struct held_answer answer = {
        .page = page,
        .head = page > 0 ? form_post_policy_size(decision->location, worker_config(worker)->onward_sources)
                         : decision->location.size,
        .fields = decision->form.count > 0 ? req->entity.len : 0, /* also if no page can carry them */
    };
    if (!held_take_answer(worker, req, &answer))
        decision_refuse(decision, OUTCOME_UNAVAILABLE, REASON_MEMORY);
}

/* Makes the form's page, or a refusal of the decision if there is no memory for it. */
static void make_form(h2o_req_t *req, struct decision *decision, struct page *page)
{
    const struct config *config = worker_config(worker_of(req->conn->ctx));
    const size_t size = form_post_size(&decision->form, decision->location);
    take_memory(req, decision, size);
    if (decision->redirect == REDIRECT_FORM)
        form_post_page(page, &decision->form, decision->location, config->onward_sources, size, answer_memory(req));
}

static void send_decision(h2o_req_t *req, struct decision *decision, struct answer *answer, struct text accept)
{
    struct memory memory = answer_memory(req);
    struct page page;
    if (decision->redirect == REDIRECT_FORM)
        make_form(req, decision, &page);
    else if (decision->redirect != REDIRECT_UNSET)
        take_memory(req, decision, 0);
    if (decision->redirect == REDIRECT_FORM) {
        answer->page = &page;
    } else if (decision->redirect == REDIRECT_UNSET) {
        page_error(&page, page_wants_json(accept), decision->status, error_code(decision), decision->explanation,
                   answer->request_id, memory);
        answer->page = &page;
    } else {
        answer->location = decision->location;
    }
    answer->status = decision->status;
    if (decision->outcome == OUTCOME_METHOD)
        answer->allow = TEXT("GET, HEAD, POST");
    answer->retry_after = decision->outcome == OUTCOME_UNAVAILABLE;
    answer_send(req, answer);
    answer->page = NULL; /* it ends with this function */
}

static void send_health(struct worker *worker, h2o_req_t *req, struct answer *answer)
{
    struct page page;
    metrics_event(worker->tools.metrics, METRICS_HEALTH_CHECKS);
    answer->status = health_page(worker->tools.serving, &worker_config(worker)->gateway, worker->tools.lookup, &page,
                                 answer_memory(req));
    answer->retry_after = answer->status == 503;
    answer->page = &page;
    answer_send(req, answer);
    answer->page = NULL; /* it ends with this function */
}

#define NOT_HTTP                                                                                                       \
    "The request is not proper HTTP. Start the sign-in again; if that does not help, tell your administrator."

/* Turns an error that libh2o answers by itself into a decision with our wording. */
static void decide_refusal(h2o_req_t *req, const struct fields *fields, struct decision *decision)
{
    struct worker *worker = worker_of(req->conn->ctx);
    struct request request;
    if (req->res.status != 413) {
        decision_refuse_early(decision, OUTCOME_MALFORMED, (unsigned)req->res.status, NOT_HTTP);
        return;
    }
    decision_begin(decision);
    decision_refuse(decision, OUTCOME_TOO_LARGE, REASON_NONE);
    read_request(req, fields, &request);
    gateway_identify(&worker_config(worker)->gateway, worker->tools.lookup, &request, answer_memory(req), NULL,
                     decision);
}

enum { TURN_LONG_MS = 200 };

/* Whether the loop has not looked at the other connections for long. libh2o's loop goes by the machine's clock; if that
 * is set just now, a connection with several requests waiting may end early. */
static bool is_turn_long(const struct worker *worker)
{
    return clock_utc_us() / 1000 - (int64_t)h2o_now(worker->context.loop) > TURN_LONG_MS;
}

/* The raw head is still at the start of the socket's input: libh2o removes it after the answer has been sent. */
bool http_check_head(h2o_req_t *req, struct decision *decision)
{
    const struct config *config = worker_config(worker_of(req->conn->ctx));
    const h2o_buffer_t *input = req->conn->callbacks->get_socket(req->conn)->input;
    size_t size = 0;
    enum framing framing = framing_check(text_slice(input->bytes, input->size), &size);
    if (framing > FRAMING_CLOSE) {
        decision_refuse_early(decision, OUTCOME_MALFORMED, 400, NOT_HTTP);
        decision->reason = REASON_FRAMING;
        decision->detail = framing_code(framing);
    } else if (!gateway_check_uri(&config->gateway, req->input.path.len, decision)) {
        /* `decision` is set */
    } else if (size > config->limits.head) {
        decision_refuse_early(
            decision, OUTCOME_TOO_LARGE, 431,
            "Most often these are old cookies. Delete the cookies of this site, then start the sign-in again.");
    } else {
        if (framing == FRAMING_CLOSE)
            req->http1_is_persistent = 0;
        /* libh2o answers all requests that wait on a connection before it looks at the next one, and up to 256 of those
         * before it comes to health checks and deadlines. Who sends many at once may have to send the rest again. */
        if (input->size > size + req->entity.len && is_turn_long(worker_of(req->conn->ctx))) {
            req->http1_is_persistent = 0;
            client_keep_socket(client_of(req));
        }
        return true;
    }
    req->http1_is_persistent = 0;
    return false;
}

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    struct worker *worker = worker_of(req->conn->ctx);
    const struct config *config = worker_config(worker);
    struct client *client = client_of(req);
    struct memory memory = answer_memory(req);
    struct fields fields = read_fields(req);
    struct request request;
    char id[NEW_ID_SIZE];
    struct answer answer = {.request_id = is_sane_id(fields.request_id) ? fields.request_id : write_id(worker, id)};
    (void)handler;

    read_request(req, &fields, &request);
    worker->answering = req;
    client->used_at = clock_tick_ms(); /* sweeps are half a second apart */
    /* libh2o checks this only when a request's head arrives. */
    if (worker->context.shutdown_requested)
        req->http1_is_persistent = 0;
    struct decision decision;
    bool good = http_check_head(req, &decision);
    if (good && config_is_health(config, &request)) {
        send_health(worker, req, &answer);
    } else {
        if (good)
            gateway_decide(&config->gateway, worker->tools.lookup, &request, memory, NULL, &decision);
        else if (decision.outcome == OUTCOME_TOO_LARGE)
            gateway_identify(&config->gateway, worker->tools.lookup, &request, memory, NULL, &decision);
        send_decision(req, &decision, &answer, fields.accept);
        account(worker, req, &decision, answer.request_id);
    }
    worker->answering = NULL;
    client->written = client->socket->bytes_written;
    return 0;
}

struct replacing {
    h2o_ostream_t stream;
    struct page page;
};

static void send_replacement(h2o_ostream_t *stream, h2o_req_t *req, h2o_iovec_t *bufs, size_t count,
                             h2o_send_state_t state)
{
    struct replacing *replacing = (struct replacing *)(void *)stream;
    h2o_iovec_t body = h2o_iovec_init(replacing->page.body.at, replacing->page.body.size);
    (void)bufs;
    h2o_ostream_send_next(stream, req, &body, count > 0 ? 1 : 0, state);
}

/* libh2o answers some requests before any handler sees them: 413 if the body is too large, 400 and 417 if the framing
 * is broken. They get our headers, page and log line too. Their body has not been read, so the connection lingers. */
static void on_response(h2o_filter_t *filter, h2o_req_t *req, h2o_ostream_t **slot)
{
    struct worker *worker = worker_of(req->conn->ctx);
    (void)filter;
    if (worker->answering != req) {
        struct fields fields = read_fields(req);
        struct memory memory = answer_memory(req);
        struct decision decision;
        char id[NEW_ID_SIZE];
        struct answer answer = {.request_id = is_sane_id(fields.request_id) ? fields.request_id : write_id(worker, id)};
        decide_refusal(req, &fields, &decision);
        struct replacing *replacing = (struct replacing *)(void *)h2o_add_ostream(req, sizeof(*replacing), slot);
        replacing->stream.do_send = send_replacement;
        page_error(&replacing->page, page_wants_json(fields.accept), decision.status, outcome_name(decision.outcome),
                   decision.explanation, answer.request_id, memory);
        answer.status = decision.status;
        answer.page = &replacing->page;
        answer_prepare(req, &answer);
        account(worker, req, &decision, answer.request_id);
        struct client *client = client_of(req);
        client->refused = true;
        client_keep_socket(client);
        slot = &replacing->stream.next;
    }
    h2o_setup_next_ostream(req, slot);
}

void http_note_refusal(struct client *client, unsigned status, uint64_t duration_us)
{
    struct worker *worker = client->worker;
    char id[NEW_ID_SIZE];
    struct decision decision;
    enum outcome outcome = status == 400 ? OUTCOME_MALFORMED : status == 408 ? OUTCOME_TIMED_OUT : OUTCOME_TOO_LARGE;
    decision_refuse_early(&decision, outcome, status, "");
    client->refused = true;
    metrics_request(worker->tools.metrics, METRICS_NO_ROUTE, &decision, duration_us, 0);
    if (worker->tools.lane == NULL || !is_logged(worker, &decision))
        return;
    const struct access_record record = {
        .request_id = write_id(worker, id),
        .peer = peer_name(client),
        .decision = &decision,
        .duration_us = duration_us,
        .now = clock_utc_us(),
    };
    access_log_add(worker->tools.lane, &record);
}

void http_note_close(struct client *client)
{
    if (!client->refused && client->socket->bytes_written - client->written == sizeof(bare_refusal) - 1)
        http_note_refusal(client, 400, 0);
}

void http_register(h2o_globalconf_t *globals)
{
    h2o_hostconf_t *host = h2o_config_register_host(globals, h2o_iovec_init(H2O_STRLIT("ssoferry")), 65535);
    h2o_create_handler(&host->fallback_path, sizeof(h2o_handler_t))->on_req = on_request;
    h2o_create_filter(&host->fallback_path, sizeof(h2o_filter_t))->on_setup_ostream = on_response;
}
