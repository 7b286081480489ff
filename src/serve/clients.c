#include "clients.h"

#include <errno.h>
#include <stdlib.h>

#include "arrival.h"
#include "deadlines.h"
#include "http.h"
#include "places.h"
#include "ssoferry/clock.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"
#include "tls_context.h"

enum { ACCEPTS_PER_WAKE = 16 };

static void on_connection(h2o_socket_t *listener, const char *problem);

static void set_accepting(struct worker *worker, bool accepting)
{
    if (worker->accepting == accepting)
        return;
    worker->accepting = accepting;
    for (size_t i = 0; i < worker->listener_count; ++i) {
        if (accepting)
            h2o_socket_read_start(worker->listeners[i], on_connection);
        else
            h2o_socket_read_stop(worker->listeners[i]);
    }
}

/* Called at a limit, ours or that on descriptors. */
static void stop_accepting(struct worker *worker)
{
    metrics_event(worker->tools.metrics, METRICS_LIMIT_REACHED);
    if (worker_may_warn(worker))
        log_warning("%zu connections are open, and there is no room for more: those that are idle are closed now; see "
                    "limits.connections",
                    atomic_load(&worker->tools.serving->clients));
    set_accepting(worker, false);
}

void clients_make_room(struct worker *worker)
{
    if (!worker->accepting || !places_are_free(worker))
        deadlines_end_idle(worker);
}

void clients_accept_if_room(struct worker *worker)
{
    if (worker->listener_count > 0)
        set_accepting(worker, places_are_free(worker));
}

static void on_client_closed(void *data)
{
    struct client *client = data;
    struct worker *worker = client->worker;
    if (client->linger_fd >= 0)
        linger_begin(&worker->lingering, worker->context.loop, client->linger_fd);
    /* libh2o frees the socket later, so its byte count can still be read. */
    http_note_close(client);
    h2o_linklist_unlink(&client->link);
    tls_context_release(client->tls);
    --worker->clients;
    metrics_event(worker->tools.metrics, METRICS_CLOSED);
    places_leave(worker);
    free(client);
    clients_accept_if_room(worker);
}

static const struct listener *what_is(const struct worker *worker, const h2o_socket_t *listener)
{
    size_t i = 0;
    while (worker->listeners[i] != listener)
        ++i;
    return worker->tools.listen == NULL ? NULL : &worker->tools.listen[i];
}

static void take_client(struct worker *worker, h2o_socket_t *listener, h2o_socket_t *socket)
{
    struct client *client = memory_zeroed(1, sizeof(*client));
    client->worker = worker;
    client->socket = socket;
    client->listener = what_is(worker, listener);
    client->linger_fd = -1;
    client->accepted_at = client->used_at = clock_monotonic_ms();
    socket->on_close.cb = on_client_closed;
    socket->on_close.data = client;
    ++worker->clients;
    metrics_event(worker->tools.metrics, METRICS_ACCEPTED);
    arrival_begin(client);
}

/* Accepts one waiting client. False if none is waiting or there is no room; *full says which. */
static bool accept_client(struct worker *worker, h2o_socket_t *listener, bool *full)
{
    *full = !places_take(worker);
    if (*full)
        return false;
    h2o_socket_t *socket = h2o_evloop_socket_accept(listener);
    if (socket != NULL) {
        take_client(worker, listener, socket);
        return true;
    }
    *full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    places_leave(worker);
    return false;
}

static void on_connection(h2o_socket_t *listener, const char *problem)
{
    struct worker *worker = listener->data;
    if (problem != NULL)
        return;
    bool full = false;
    for (int i = 0; i < ACCEPTS_PER_WAKE && worker->accepting && accept_client(worker, listener, &full); ++i)
        ;
    /* Without free descriptors the listener stays readable and the loop would spin. The next sweep tries again. */
    if (full)
        stop_accepting(worker);
}

void clients_accept(struct worker *worker)
{
    set_accepting(worker, true);
}

void clients_close_listeners(struct worker *worker)
{
    for (size_t i = 0; i < worker->listener_count; ++i) {
        bool full = false;
        while (accept_client(worker, worker->listeners[i], &full))
            ;
        h2o_socket_close(worker->listeners[i]);
    }
    worker->listener_count = 0;
}
