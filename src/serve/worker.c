#include "worker.h"

#include <stdlib.h>
#include <unistd.h>

#include "arrival.h"
#include "clients.h"
#include "deadlines.h"
#include "ssoferry/background.h"
#include "ssoferry/clock.h"
#include "ssoferry/memory.h"

enum {
    LEAVE_POLL_MS = 20,
    INPUT_BUFFER_SIZE = 16 * 1024, /* so that a sign-in of 6 KB takes one read */
};

static void tick(struct worker *worker)
{
    atomic_store_explicit(&worker->ticked_at, clock_monotonic_ms(), memory_order_relaxed);
}

uint64_t worker_silence_ms(const struct worker *worker)
{
    uint64_t ticked_at = atomic_load_explicit(&worker->ticked_at, memory_order_relaxed);
    uint64_t now = clock_monotonic_ms();
    return now > ticked_at ? now - ticked_at : 0;
}

static void look(struct worker *worker)
{
    if (worker->tools.look != NULL)
        worker->tools.look(worker->tools.context);
}

static void sweep(struct worker *worker)
{
    uint64_t now = clock_monotonic_ms();
    if (now - worker->swept_at < SWEEP_INTERVAL_MS)
        return;
    worker->swept_at = now;
    tick(worker);
    if (worker->tools.usage != NULL)
        usage_tick(worker->tools.usage);
    deadlines_sweep(worker);
    arrival_sweep(worker);
    linger_sweep(&worker->lingering, now);
    clients_make_room(worker);
    clients_accept_if_room(worker);
    look(worker);
}

static void on_wake(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    for (h2o_linklist_t *node = messages->next, *next; node != messages; node = next) {
        next = node->next;
        free(H2O_STRUCT_FROM_MEMBER(h2o_multithread_message_t, link, node));
    }
    h2o_linklist_init_anchor(messages);
    look(H2O_STRUCT_FROM_MEMBER(struct worker, receiver, receiver));
}

static bool same_routes(const struct gateway_settings *a, const struct gateway_settings *b)
{
    bool same = a->route_count == b->route_count;
    for (size_t i = 0; same && i < a->route_count; ++i)
        same = text_equal(a->routes[i].name, b->routes[i].name);
    return same;
}

/* Call between two turns of the loop, when no request can still use the old one. */
static void adopt_config(struct worker *worker)
{
    const struct config *newest = atomic_load(&worker->tools.serving->config);
    if (newest == worker_config(worker))
        return;
    if (!same_routes(&newest->gateway, &worker_config(worker)->gateway))
        metrics_routes_changed(worker->tools.metrics);
    atomic_store_explicit(&worker->config, newest, memory_order_release);
}

static void serve(struct worker *worker)
{
    while (atomic_load(&worker->tools.serving->phase) < PHASE_STOPPING) {
        adopt_config(worker);
        h2o_evloop_run(worker->context.loop, SWEEP_INTERVAL_MS);
        sweep(worker);
    }
}

static void drain(struct worker *worker)
{
    /* What h2o_context_request_shutdown() does for HTTP/1, without the timer that it leaves running for HTTP/2. */
    worker->context.shutdown_requested = 1;
    clients_close_listeners(worker);
    while ((worker->clients > 0 || worker->lingering.count > 0) &&
           atomic_load(&worker->tools.serving->phase) < PHASE_LEAVING) {
        deadlines_end_idle(worker);
        arrival_cut(worker, FRESH_MS);
        h2o_evloop_run(worker->context.loop, LEAVE_POLL_MS);
        sweep(worker);
    }
    deadlines_end_all(worker);
    arrival_cut(worker, 0);
    linger_sweep(&worker->lingering, UINT64_MAX);
    for (int turns = 0; worker->clients > 0 && turns < 100; ++turns)
        h2o_evloop_run(worker->context.loop, LEAVE_POLL_MS);
    linger_sweep(&worker->lingering, UINT64_MAX);
}

/* libh2o's timer runs on while a request arrives, and by a clock that may be set, so it must never end a connection:
 * deadlines.h does. However long it is made, it is always over where the clock says less since 1970. So the loop is not
 * to know of it. */
static void put_timer_aside(h2o_context_t *context)
{
    h2o_timeout_t *timer = &context->http1.req_timeout;
    h2o_linklist_unlink(&timer->_link);
    h2o_linklist_init_anchor(&timer->_link); /* it will be unlinked once more */
}

/* The worker's own thread creates and frees everything of libh2o. The buffers of its sockets are on a list of that
 * thread (h2o_socket_buffer_prototype is thread-local), which other threads must not touch and which ends with it. */
static void set_up(struct worker *worker)
{
    h2o_globalconf_t *globals = worker->tools.globals;
    h2o_socket_buffer_prototype._initial_buf.capacity = INPUT_BUFFER_SIZE;
    worker->no_files.threshold = SIZE_MAX; /* none for large bodies */
    h2o_socket_buffer_prototype.mmap_settings = &worker->no_files;
    h2o_context_init(&worker->context, h2o_evloop_create(), globals);
    put_timer_aside(&worker->context);
    worker->accept.ctx = &worker->context;
    worker->accept.hosts = globals->hosts;
    h2o_multithread_register_receiver(worker->context.queue, &worker->receiver, on_wake);
    h2o_linklist_init_anchor(&worker->arriving);
    h2o_linklist_init_anchor(&worker->arrived);
    linger_init(&worker->lingering, &worker->tools.serving->clients);
    for (size_t i = 0; i < worker->listener_count; ++i) {
        worker->listeners[i] =
            h2o_evloop_socket_create(worker->context.loop, worker->fds[i], H2O_SOCKET_FLAG_DONT_READ);
        worker->listeners[i]->data = worker;
    }
}

static void say_life(struct worker *worker, enum worker_life life)
{
    pthread_mutex_lock(&worker->mutex);
    worker->life = life;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

static void tear_down(struct worker *worker)
{
    say_life(worker, WORKER_GONE);
    atomic_store_explicit(&worker->ticked_at, UINT64_MAX, memory_order_relaxed); /* no longer counts as stuck */
    /* A last message may still be queued; libh2o asserts that none is. */
    for (int turns = 0; turns < 2; ++turns)
        h2o_evloop_run(worker->context.loop, 0);
    h2o_multithread_unregister_receiver(worker->context.queue, &worker->receiver);
    h2o_loop_t *loop = worker->context.loop;
    h2o_context_dispose(&worker->context);
    h2o_evloop_destroy(loop);
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    (void)pthread_setname_np(pthread_self(), worker->tools.name);
    set_up(worker);
    say_life(worker, WORKER_AWAKE);
    clients_accept(worker);
    serve(worker);
    drain(worker);
    tear_down(worker);
    atomic_fetch_sub(&worker->tools.serving->workers, 1);
    return NULL;
}

void worker_wake(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    if (worker->life == WORKER_AWAKE)
        h2o_multithread_send_message(&worker->receiver, memory_zeroed(1, sizeof(h2o_multithread_message_t)));
    pthread_mutex_unlock(&worker->mutex);
}

void worker_open(struct worker *worker, const struct worker_tools *tools, const int *fds, size_t fd_count)
{
    memset(worker, 0, sizeof(*worker));
    worker->tools = *tools;
    atomic_init(&worker->config, atomic_load(&tools->serving->config));
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->changed, NULL);
    worker->listeners = memory_zeroed(fd_count, sizeof(*worker->listeners));
    worker->fds = memory_allocate(fd_count * sizeof(*fds));
    memcpy(worker->fds, fds, fd_count * sizeof(*fds));
    worker->listener_count = fd_count;
    tick(worker);
}

bool worker_start(struct worker *worker, struct error *error)
{
    atomic_fetch_add(&worker->tools.serving->workers, 1);
    int problem = pthread_create(&worker->thread, NULL, run, worker);
    if (problem != 0) {
        atomic_fetch_sub(&worker->tools.serving->workers, 1);
        return background_fail(problem, "a worker thread", error);
    }
    pthread_mutex_lock(&worker->mutex);
    while (worker->life == WORKER_UNBORN)
        pthread_cond_wait(&worker->changed, &worker->mutex);
    pthread_mutex_unlock(&worker->mutex);
    return true;
}

static void release(struct worker *worker)
{
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->changed);
    free(worker->listeners);
    free(worker->fds);
}

void worker_close(struct worker *worker)
{
    for (size_t i = 0; i < worker->listener_count; ++i)
        close(worker->fds[i]);
    release(worker);
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
    release(worker);
}
