#include "arrival.h"

#include <sys/socket.h>

#include "ssoferry/clock.h"

static void hand_to_http(struct client *client)
{
    struct timeval accepted_at = {.tv_sec = client->accepted_at / 1000000, .tv_usec = client->accepted_at % 1000000};
    h2o_linklist_unlink(&client->link);
    h2o_http1_accept(&client->worker->accept, client->socket, accepted_at);
}

void arrival_begin(struct client *client)
{
    h2o_linklist_insert(&client->worker->arriving, &client->link);
    hand_to_http(client);
}

static int64_t age_ms(const struct client *client)
{
    return (clock_utc_us() - client->accepted_at) / 1000;
}

/* The stage then reads the end of input, and closes. */
static void cut(struct client *client)
{
    shutdown(h2o_socket_get_fd(client->socket), SHUT_RDWR);
}

static void for_each(struct worker *worker, void (*visit)(struct client *client, int64_t limit_ms), int64_t limit_ms)
{
    for (h2o_linklist_t *node = worker->arriving.next; node != &worker->arriving; node = node->next)
        visit(H2O_STRUCT_FROM_MEMBER(struct client, link, node), limit_ms);
}

static void cut_if_late(struct client *client, int64_t limit_ms)
{
    if (age_ms(client) < limit_ms)
        return;
    cut(client);
    metrics_event(client->worker->tools.metrics, METRICS_TIMED_OUT);
}

void arrival_sweep(struct worker *worker)
{
    for_each(worker, cut_if_late, (int64_t)worker_config(worker)->limits.request_time_ms);
}

static void cut_if_silent(struct client *client, int64_t limit_ms)
{
    char byte;
    if (limit_ms == 0 || (age_ms(client) >= limit_ms && client->socket->input->size == 0 &&
                          recv(h2o_socket_get_fd(client->socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0))
        cut(client);
}

void arrival_cut(struct worker *worker, int64_t silent_ms)
{
    for_each(worker, cut_if_silent, silent_ms);
}
