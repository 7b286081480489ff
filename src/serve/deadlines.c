#include "deadlines.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "held.h"
#include "http.h"
#include "ssoferry/clock.h"

enum {
    TAKEN_AT_LEAST = 256 * 1024, /* bytes of an answer that a client must take in limits.request_time */
    HASTE = 10,                  /* what part of limits.request_time a large request has when memory is short */
    PAUSE_MOST = 3,              /* times as long a client may take nothing of it */
};

/* Whether nothing has come of a request but the empty line that some clients send behind a body (RFC 9112, 2.2). */
static bool is_empty_line(const h2o_req_t *req)
{
    const h2o_buffer_t *input = req->conn->callbacks->get_socket(req->conn)->input;
    return req->processed_at.at.tv_sec == 0 && req->version == 0 && input->size > 0 && input->size <= 2 &&
           memcmp(input->bytes, "\r\n", input->size) == 0;
}

static bool is_idle(const h2o_req_t *req)
{
    return req->timestamps.request_begin_at.tv_sec == 0 || is_empty_line(req);
}

static bool is_arriving(const h2o_req_t *req)
{
    return !is_idle(req) && req->processed_at.at.tv_sec == 0;
}

/* Whether its answer is still being made, as a report is, for as long as it takes. */
static bool is_waiting(const h2o_req_t *req)
{
    return !is_idle(req) && !is_arriving(req) && req->res.status == 0;
}

static int socket_of(h2o_req_t *req)
{
    return h2o_socket_get_fd(req->conn->callbacks->get_socket(req->conn));
}

/* For how long a request has been arriving, or its answer been taken. */
static uint64_t microseconds_passed(h2o_req_t *req)
{
    return clock_monotonic_ns() / 1000 - client_of(req)->stage_us;
}

/* Sends an answer without libh2o and ends the connection. Over TLS no answer is sent, since it could not be read. */
static void cut(h2o_req_t *req, unsigned status, struct text answer)
{
    int fd = socket_of(req);
    struct client *client = client_of(req);
    if (!client->refused)
        http_note_refusal(client, status, microseconds_passed(req));
    if (client->tls == NULL)
        (void)!send(fd, answer.at, answer.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_RDWR);
}

/* Whether it is a large request, or has a large answer, at a time when such hold more than half of limits.memory. Those
 * that arrive or are taken quickly, as by browsers, must find room among those that are not. */
static bool is_to_hurry(const struct worker *worker, h2o_req_t *req)
{
    const h2o_buffer_t *input = req->conn->callbacks->get_socket(req->conn)->input;
    return held_now(worker) > worker_config(worker)->limits.memory / 2 &&
           (input->capacity > h2o_socket_buffer_prototype._initial_buf.capacity || client_of(req)->answer_held > 0);
}

/* How long it may take to arrive, or its answer to be taken. */
static uint64_t allowed_ms(const struct worker *worker, h2o_req_t *req)
{
    return worker_config(worker)->limits.request_time_ms / (is_to_hurry(worker, req) ? HASTE : 1);
}

/* Whether it has been arriving, or its answer been taken, for `times` times that. */
static bool is_over_time(const struct worker *worker, h2o_req_t *req, size_t times)
{
    return microseconds_passed(req) / 1000 / times >= allowed_ms(worker, req);
}

/* libh2o has only one timer, which runs from the connection's last answer on and takes no notice of a request that is
 * arriving. One that takes too long for that is ended here. */
static void end_if_late(struct worker *worker, h2o_req_t *req)
{
    if (is_arriving(req) && is_over_time(worker, req, 1)) {
        metrics_event(worker->tools.metrics, METRICS_TIMED_OUT);
        cut(req, 408, TEXT("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
    }
}

/* Ends a head that exceeds the limit before it is complete; libh2o alone would buffer 400 KiB. */
static void end_if_too_large(struct worker *worker, h2o_req_t *req)
{
    bool head_is_arriving = is_arriving(req) && req->version == 0 && !client_of(req)->refused;
    size_t size = req->conn->callbacks->get_socket(req->conn)->input->size;
    if (head_is_arriving && size > worker_config(worker)->limits.head) {
        cut(req, 431,
            TEXT("HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
                 "Content-Length: 0\r\n\r\n"));
    }
}

/* Bytes that have reached the other end of a TCP connection; 0 if not known. */
static uint64_t bytes_arrived(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_acked : 0;
}

/* Whether a client has taken nothing of its answer for too long. */
static bool has_stopped(const struct worker *worker, h2o_req_t *req)
{
    struct client *client = client_of(req);
    uint64_t arrived = bytes_arrived(socket_of(req));
    if (arrived != client->taken) {
        client->taken = arrived;
        client->taken_at = worker->swept_at;
    }
    return arrived > 0 && worker->swept_at - client->taken_at >= PAUSE_MOST * allowed_ms(worker, req);
}

/* Most answers fit into the kernel's buffers, unless the client has left many of them unread; so one that is still
 * being sent is usually not being read. Forms with a large message and reports do not fit, and a client on a slow line
 * may still be reading them. */
static void end_if_untaken(struct worker *worker, h2o_req_t *req)
{
    size_t size = req->res.content_length == SIZE_MAX ? 0 : req->res.content_length;
    if (is_idle(req) || is_arriving(req))
        return;
    bool stopped = has_stopped(worker, req);
    if (!stopped && !is_over_time(worker, req, 1 + size / TAKEN_AT_LEAST))
        return;
    req->http1_is_persistent = 0;
    metrics_event(worker->tools.metrics, METRICS_TIMED_OUT);
    shutdown(socket_of(req), SHUT_RDWR);
}

/* After SHUT_RD libh2o reads end of input and closes. This is not done if something has just arrived, which would cut a
 * request in half. */
static void end_if_idle_for(h2o_req_t *req, uint64_t ms)
{
    char byte;
    if (is_idle(req) && clock_monotonic_ms() - client_of(req)->used_at >= ms &&
        recv(socket_of(req), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
        shutdown(socket_of(req), SHUT_RD);
}

/* It was in use until up to one sweep after it was last seen to be, and a balancer counts on its whole time. */
static void end_if_unused(struct worker *worker, h2o_req_t *req)
{
    if (!is_idle(req))
        client_of(req)->used_at = worker->swept_at;
    end_if_idle_for(req, worker_config(worker)->limits.idle_time_ms + SWEEP_INTERVAL_MS);
}

/* Its client has done what it had to, and the time that it has to take the answer begins with that. */
static void let_wait(struct worker *worker, h2o_req_t *req)
{
    client_of(req)->used_at = worker->swept_at;
    client_of(req)->seen_at = worker->swept_at;
    client_of(req)->taken_at = worker->swept_at;
}

static int end_if_due(h2o_req_t *req, void *data)
{
    if (is_waiting(req)) {
        let_wait(data, req);
        return 0;
    }
    if (!is_idle(req))
        client_note_stage(client_of(req), is_arriving(req) ? req->timestamps.request_begin_at : req->processed_at.at);
    end_if_unused(data, req);
    end_if_late(data, req);
    end_if_too_large(data, req);
    end_if_untaken(data, req);
    client_of(req)->seen_at = ((struct worker *)data)->swept_at;
    return 0;
}

/* libh2o stops listing a connection before it has sent the final TLS alert. If the client leaves no room for that,
 * libh2o would wait for ever. */
static void end_if_forgotten(struct worker *worker, const struct client *client)
{
    uint64_t limit = SWEEP_INTERVAL_MS + worker_config(worker)->limits.request_time_ms;
    if (worker->swept_at - client->seen_at < limit)
        return;
    metrics_event(worker->tools.metrics, METRICS_TIMED_OUT);
    shutdown(h2o_socket_get_fd(client->socket), SHUT_RDWR);
}

/* Not if the connection was made or used a moment ago: its next request may be on the way, and its answer will announce
 * the end. */
static int end_if_idle(h2o_req_t *req, void *data)
{
    (void)data;
    end_if_idle_for(req, FRESH_MS);
    return 0;
}

static void end_now(struct worker *worker, const struct client *client)
{
    (void)worker;
    shutdown(h2o_socket_get_fd(client->socket), SHUT_RDWR);
}

static void for_each_arrived(struct worker *worker, void (*visit)(struct worker *worker, const struct client *client))
{
    for (h2o_linklist_t *node = worker->arrived.next; node != &worker->arrived; node = node->next)
        visit(worker, H2O_STRUCT_FROM_MEMBER(struct client, link, node));
}

static void for_each_request(struct worker *worker, int (*visit)(h2o_req_t *req, void *data))
{
    worker->context.globalconf->http1.callbacks.foreach_request(&worker->context, visit, worker);
}

void deadlines_sweep(struct worker *worker)
{
    for_each_request(worker, end_if_due);
    for_each_arrived(worker, end_if_forgotten);
}

void deadlines_end_idle(struct worker *worker)
{
    for_each_request(worker, end_if_idle);
}

void deadlines_end_all(struct worker *worker)
{
    for_each_arrived(worker, end_now);
}
