#include "arrival.h"

#include <sys/socket.h>

#include "handshake.h"
#include "peer.h"
#include "ssoferry/clock.h"
#include "ssoferry/log.h"
#include "ssoferry/proxy_header.h"
#include "tls.h"

static void hand_to_http(struct client *client)
{
    static const struct timeval unknown = {0}; /* when it came, which nobody asks libh2o */
    struct worker *worker = client->worker;
    h2o_linklist_unlink(&client->link);
    h2o_linklist_insert(&worker->arrived, &client->link);
    client->used_at = client->seen_at = clock_monotonic_ms();
    peer_name(client); /* store the name now: it may be needed after the socket is gone */
    h2o_http1_accept(&worker->accept, client->socket, unknown);
}

/* Called once the client's address is known. */
static void begin_protocol(struct client *client)
{
    const struct worker_tools *tools = &client->worker->tools;
    struct tls_context *context =
        tools->tls == NULL ? NULL : tls_take(tools->tls, (size_t)(client->listener - tools->listen));
    if (context == NULL)
        hand_to_http(client);
    else
        handshake_begin(client, context, hand_to_http);
}

static void refuse_proxy(struct client *client, const char *why)
{
    struct worker *worker = client->worker;
    metrics_event(worker->tools.metrics, METRICS_PROXY_REFUSED);
    if (worker_may_warn(worker))
        log_warning("a connection from %.*s to %s was closed: %s", TEXT_ARGS(peer_name(client)),
                    client->listener->address.text, why);
    h2o_socket_close(client->socket);
}

static void on_proxy_input(h2o_socket_t *socket, const char *problem)
{
    struct client *client = socket->data;
    struct proxied proxied;
    if (problem != NULL) {
        h2o_socket_close(socket);
        return;
    }
    enum proxy_header header = proxy_header_read(text_slice(socket->input->bytes, socket->input->size), &proxied);
    if (header == PROXY_HEADER_MORE)
        return;
    if (header == PROXY_HEADER_BAD) {
        refuse_proxy(client, "it does not begin with a PROXY header; let the load balancer send one, or take "
                             "proxy_protocol off this listener");
        return;
    }
    h2o_buffer_consume(&socket->input, proxied.size);
    if (header == PROXY_HEADER_ADDRESS)
        peer_set(client, &proxied.ip, proxied.port);
    begin_protocol(client);
}

/* If there is a list of proxies, only those on it may send a PROXY header. */
static bool may_speak_for_others(struct client *client)
{
    const struct config *config = worker_config(client->worker);
    return (config->trusted_proxy_count == 0 && !config->trust_unix_proxies) || peer_is_trusted(client);
}

void arrival_begin(struct client *client)
{
    h2o_linklist_insert(&client->worker->arriving, &client->link);
    if (client->listener == NULL || !client->listener->proxy_protocol) {
        begin_protocol(client);
    } else if (peer_is_gone(client)) {
        h2o_socket_close(client->socket); /* usually HAProxy's health check */
    } else if (!may_speak_for_others(client)) {
        refuse_proxy(client, "trusted_proxies does not name it");
    } else {
        client->socket->data = client;
        h2o_socket_read_start(client->socket, on_proxy_input);
    }
}

static uint64_t age_ms(const struct client *client)
{
    return clock_monotonic_ms() - client->accepted_at;
}

/* The current stage then reads end of input and closes the socket. */
static void cut(struct client *client)
{
    shutdown(h2o_socket_get_fd(client->socket), SHUT_RDWR);
}

static void for_each(struct worker *worker, void (*visit)(struct client *client, uint64_t limit_ms), uint64_t limit_ms)
{
    for (h2o_linklist_t *node = worker->arriving.next; node != &worker->arriving; node = node->next)
        visit(H2O_STRUCT_FROM_MEMBER(struct client, link, node), limit_ms);
}

static void cut_if_late(struct client *client, uint64_t limit_ms)
{
    if (age_ms(client) < limit_ms)
        return;
    metrics_event(client->worker->tools.metrics, METRICS_TIMED_OUT);
    cut(client);
}

void arrival_sweep(struct worker *worker)
{
    for_each(worker, cut_if_late, worker_config(worker)->limits.request_time_ms);
}

static void cut_if_silent(struct client *client, uint64_t limit_ms)
{
    char byte;
    if (limit_ms == 0 || (age_ms(client) >= limit_ms && client->socket->input->size == 0 && !client->greeted &&
                          recv(h2o_socket_get_fd(client->socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0))
        cut(client);
}

void arrival_cut(struct worker *worker, uint64_t silent_ms)
{
    for_each(worker, cut_if_silent, silent_ms);
}
