#include "held.h"

#include "client.h"

enum {
    ANSWER_FREE = 4 * 1024, /* a usual redirect takes less */
    HEAD_COPIES = 4,        /* of a long field, that are there at most: while it was made, and libh2o's in the head */
    SPARE = 4,              /* what part of limits.memory the answers to small requests may have besides */
};

static bool take(struct worker *worker, size_t size, size_t most)
{
    atomic_size_t *held = &worker->tools.serving->held;
    if (atomic_fetch_add_explicit(held, size, memory_order_relaxed) + size <= most)
        return true;
    held_give_back(worker, size);
    return false;
}

bool held_take(struct worker *worker, size_t size)
{
    return take(worker, size, worker_config(worker)->limits.memory);
}

void held_take_anyway(struct worker *worker, size_t size)
{
    atomic_fetch_add_explicit(&worker->tools.serving->held, size, memory_order_relaxed);
}

void held_give_back(struct worker *worker, size_t size)
{
    atomic_fetch_sub_explicit(&worker->tools.serving->held, size, memory_order_relaxed);
}

size_t held_now(const struct worker *worker)
{
    return atomic_load_explicit(&worker->tools.serving->held, memory_order_relaxed);
}

/* libh2o frees a request's memory before it closes the socket, so its client is still there. */
static void on_end(void *shared)
{
    struct client *client = *(struct client **)shared;
    held_give_back(client->worker, client->answer_held);
    client->answer_held = 0;
}

static const h2o_buffer_t *input_of(h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn)->input;
}

/* Whether nobody but this request holds anything: it may have what it needs, or a limit that is small for limits.body
 * would refuse it for ever. */
static bool is_alone(const struct worker *worker, h2o_req_t *req)
{
    return held_now(worker) <= (worker->input_is_counted ? input_of(req)->capacity : 0);
}

static size_t most_for_answer(const struct worker *worker, h2o_req_t *req)
{
    const size_t most = worker_config(worker)->limits.memory;
    const bool small = input_of(req)->capacity <= h2o_socket_buffer_prototype._initial_buf.capacity;
    return small ? most + most / SPARE : most;
}

bool held_take_answer(struct worker *worker, h2o_req_t *req, const struct held_answer *answer)
{
    struct client *client = client_of(req);
    const size_t over_tls = client->tls != NULL ? answer->page + answer->head : 0;
    const size_t all = answer->page + HEAD_COPIES * answer->head + answer->fields + over_tls;
    if (all <= ANSWER_FREE)
        return true;
    if (is_alone(worker, req))
        held_take_anyway(worker, all);
    else if (!take(worker, all, most_for_answer(worker, req)))
        return false;
    struct client **ending = h2o_mem_alloc_shared(&req->pool, sizeof(struct client *), on_end);
    *ending = client;
    client->answer_held = all;
    return true;
}
