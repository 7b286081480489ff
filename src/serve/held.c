#include "held.h"

#include "client.h"

enum { PAGE_FREE = 32 * 1024 }; /* a page for a request that fits into a usual input buffer is seldom larger */

bool held_take(struct worker *worker, size_t size)
{
    atomic_size_t *held = &worker->tools.serving->held;
    if (atomic_fetch_add_explicit(held, size, memory_order_relaxed) + size <= worker_config(worker)->limits.memory)
        return true;
    held_give_back(worker, size);
    return false;
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

/* Whether nobody but this request holds anything: it may have what it needs, or a limit that is small for limits.body
 * would refuse it for ever. */
static bool is_alone(const struct worker *worker, h2o_req_t *req)
{
    const size_t own = req->conn->callbacks->get_socket(req->conn)->input->capacity;
    return held_now(worker) <= (worker->input_is_counted ? own : 0);
}

bool held_take_page(struct worker *worker, h2o_req_t *req, size_t size)
{
    const size_t all = (client_of(req)->tls != NULL ? 2 * size : size) + req->entity.len;
    if (size <= PAGE_FREE)
        return true;
    if (is_alone(worker, req))
        held_take_anyway(worker, all);
    else if (!held_take(worker, all))
        return false;
    struct client *client = client_of(req),
                  **ending = h2o_mem_alloc_shared(&req->pool, sizeof(struct client *), on_end);
    *ending = client;
    client->answer_held = all;
    return true;
}
