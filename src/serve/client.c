#include "client.h"

#include <unistd.h>

#include "places.h"
#include "ssoferry/clock.h"

struct client *client_of(h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn)->on_close.data;
}

static bool is_noted(const struct client *client, struct timeval begin)
{
    return begin.tv_sec == client->stage.tv_sec && begin.tv_usec == client->stage.tv_usec;
}

uint64_t client_passed_us(const struct client *client, struct timeval begin, int64_t now)
{
    if (is_noted(client, begin))
        return clock_monotonic_ns() / 1000 - client->stage_us;
    const int64_t passed = now - ((int64_t)begin.tv_sec * 1000000 + begin.tv_usec);
    if (passed >= 0 && passed < SWEEP_INTERVAL_MS * 1000)
        return (uint64_t)passed; /* the usual, which costs no look at the other clock */
    const uint64_t most = clock_monotonic_ns() / 1000 - client->seen_at * 1000;
    return passed < 0 ? 0 : (uint64_t)passed < most ? (uint64_t)passed : most;
}

void client_note_stage(struct client *client, struct timeval begin)
{
    if (is_noted(client, begin))
        return;
    client->stage_us = clock_monotonic_ns() / 1000 - client_passed_us(client, begin, clock_utc_us());
    client->stage = begin;
}

void client_keep_socket(struct client *client)
{
    if (client->linger_fd >= 0 || !places_take(client->worker))
        return;
    client->linger_fd = dup(h2o_socket_get_fd(client->socket));
    if (client->linger_fd < 0)
        places_leave(client->worker);
}
