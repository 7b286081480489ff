#include "places.h"

static uint64_t most_clients(const struct worker *worker)
{
    uint64_t own = worker->tools.connections;
    uint64_t wanted = worker_config(worker)->limits.connections;
    uint64_t possible = worker->tools.serving->clients_most;
    return own > 0 ? own : wanted < possible ? wanted : possible;
}

bool places_are_free(const struct worker *worker)
{
    return atomic_load(&worker->tools.serving->clients) < most_clients(worker);
}

/* Checks and counts in one step: if two workers checked first and counted later, both would take the last place. */
bool places_take(struct worker *worker)
{
    uint64_t most = most_clients(worker);
    size_t clients = atomic_load(&worker->tools.serving->clients);
    while (clients < most) {
        if (atomic_compare_exchange_weak(&worker->tools.serving->clients, &clients, clients + 1))
            return true;
    }
    return false;
}

void places_leave(struct worker *worker)
{
    atomic_fetch_sub(&worker->tools.serving->clients, 1);
}
