#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "arrival.h"
#include "http.h"
#include "ssoferry/clock.h"
#include "ssoferry/memory.h"
#include "tls.h"

enum {
    ACCEPTS_PER_WAKE = 16,
    SWEEP_INTERVAL_MS = 500,
    LEAVE_POLL_MS = 20,
    FRESH_MS = 1000,
    WARN_INTERVAL_MS = 1000,
    TAKEN_AT_LEAST = 256 * 1024,   /* bytes of an answer in limits.request_time */
    INPUT_BUFFER_SIZE = 16 * 1024, /* a sign-in of 6 KB arrives in one read */
};

const struct config *worker_config(const struct worker *worker)
{
    return atomic_load_explicit(&worker->config, memory_order_acquire);
}

struct client *worker_client(h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn)->on_close.data;
}

bool worker_may_warn(struct worker *worker)
{
    uint64_t now = h2o_now(worker->context.loop);
    bool may = now - worker->warned_at >= WARN_INTERVAL_MS;
    if (may)
        worker->warned_at = now;
    return may;
}

/* -- accepting -- */

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

/* At a limit. */
static void stop_accepting(struct worker *worker)
{
    metrics_event(worker->tools.metrics, METRICS_LIMIT_REACHED);
    set_accepting(worker, false);
}

static uint64_t most_clients(const struct worker *worker)
{
    uint64_t own = worker->tools.connections;
    uint64_t wanted = worker_config(worker)->limits.connections;
    uint64_t possible = worker->tools.serving->clients_most;
    return own > 0 ? own : wanted < possible ? wanted : possible;
}

static bool has_room(const struct worker *worker)
{
    return atomic_load(&worker->tools.serving->clients) < most_clients(worker);
}

/* Counts one client more where there is room. In one step: two workers that look first and count afterwards would both
 * take the last place. */
static bool take_place(struct worker *worker)
{
    uint64_t most = most_clients(worker);
    size_t clients = atomic_load(&worker->tools.serving->clients);
    while (clients < most) {
        if (atomic_compare_exchange_weak(&worker->tools.serving->clients, &clients, clients + 1))
            return true;
    }
    return false;
}

static void leave_place(struct worker *worker)
{
    atomic_fetch_sub(&worker->tools.serving->clients, 1);
}

void worker_keep_socket(struct client *client)
{
    if (client->linger_fd >= 0 || !take_place(client->worker))
        return;
    client->linger_fd = dup(h2o_socket_get_fd(client->socket));
    if (client->linger_fd < 0)
        leave_place(client->worker);
}

static void on_client_closed(void *data)
{
    struct client *client = data;
    struct worker *worker = client->worker;
    if (client->linger_fd >= 0)
        linger_begin(&worker->lingering, worker->context.loop, client->linger_fd);
    /* libh2o frees the socket later; what it has counted can still be read. */
    http_note_close(client);
    h2o_linklist_unlink(&client->link);
    tls_context_release(client->tls);
    --worker->clients;
    metrics_event(worker->tools.metrics, METRICS_CLOSED);
    leave_place(worker);
    free(client);
    if (worker->listener_count > 0)
        set_accepting(worker, has_room(worker));
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
    client->accepted_at = clock_utc_us();
    client->linger_fd = -1;
    client->used_at = h2o_now(worker->context.loop);
    socket->on_close.cb = on_client_closed;
    socket->on_close.data = client;
    ++worker->clients;
    metrics_event(worker->tools.metrics, METRICS_ACCEPTED);
    arrival_begin(client);
}

/* Takes whoever waits at the listener. False where nobody does, or there is no room; *full then says so. */
static bool accept_client(struct worker *worker, h2o_socket_t *listener, bool *full)
{
    *full = !take_place(worker);
    if (*full)
        return false;
    h2o_socket_t *socket = h2o_evloop_socket_accept(listener);
    if (socket != NULL) {
        take_client(worker, listener, socket);
        return true;
    }
    *full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    leave_place(worker);
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
    /* Out of descriptors, the listener stays readable and the loop would spin: look again at the next sweep. */
    if (full)
        stop_accepting(worker);
}

/* -- deadlines and drain -- */

static bool is_idle(const h2o_req_t *req)
{
    return req->timestamps.request_begin_at.tv_sec == 0;
}

static bool is_arriving(const h2o_req_t *req)
{
    return !is_idle(req) && req->processed_at.at.tv_sec == 0;
}

static int socket_of(h2o_req_t *req)
{
    return h2o_socket_get_fd(req->conn->callbacks->get_socket(req->conn));
}

static int64_t microseconds_since(struct timeval begin)
{
    return clock_utc_us() - ((int64_t)begin.tv_sec * 1000000 + begin.tv_usec);
}

/* Whether `times` limits.request_time have passed since. */
static bool is_over_time(const struct worker *worker, struct timeval begin, size_t times)
{
    return microseconds_since(begin) / 1000 / (int64_t)times >= (int64_t)worker_config(worker)->limits.request_time_ms;
}

/* Sends an answer past libh2o and ends the connection. Inside TLS it could not be read. */
static void cut(h2o_req_t *req, unsigned status, struct text answer)
{
    int fd = socket_of(req);
    struct client *client = worker_client(req);
    int64_t passed = microseconds_since(req->timestamps.request_begin_at);
    if (!client->refused)
        http_note_refusal(client, status, passed < 0 ? 0 : (uint64_t)passed);
    if (client->tls == NULL)
        (void)!send(fd, answer.at, answer.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_RDWR);
}

/* libh2o's one timer runs from the connection's last request, so that it can only stand for idleness; a request that
 * takes too long to arrive is ended here. */
static void end_if_late(struct worker *worker, h2o_req_t *req)
{
    if (is_arriving(req) && is_over_time(worker, req->timestamps.request_begin_at, 1)) {
        metrics_event(worker->tools.metrics, METRICS_TIMED_OUT);
        cut(req, 408, TEXT("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
    }
}

/* A head that is over the limit before it has ended; h2o itself would collect 400 KiB of it. */
static void end_if_too_large(struct worker *worker, h2o_req_t *req)
{
    bool head_is_arriving = is_arriving(req) && req->version == 0 && !worker_client(req)->refused;
    size_t size = req->conn->callbacks->get_socket(req->conn)->input->size;
    if (head_is_arriving && size > worker_config(worker)->limits.head) {
        cut(req, 431,
            TEXT("HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
                 "Content-Length: 0\r\n\r\n"));
    }
}

/* Most answers fit into what the kernel buffers, unless the client has let many of them lie there: one that is still
 * being sent is not being taken. Forms, with a large message in them, and reports do not, and a client on a slow line
 * may be taking them. */
static void end_if_untaken(struct worker *worker, h2o_req_t *req)
{
    size_t size = req->res.content_length == SIZE_MAX ? 0 : req->res.content_length;
    if (is_idle(req) || is_arriving(req) || !is_over_time(worker, req->processed_at.at, 1 + size / TAKEN_AT_LEAST))
        return;
    req->http1_is_persistent = 0;
    metrics_event(worker->tools.metrics, METRICS_TIMED_OUT);
    shutdown(socket_of(req), SHUT_RDWR);
}

static int end_if_due(h2o_req_t *req, void *data)
{
    end_if_late(data, req);
    end_if_too_large(data, req);
    end_if_untaken(data, req);
    worker_client(req)->seen_at = ((struct worker *)data)->swept_at;
    return 0;
}

/* libh2o lets go of a connection before it has sent TLS's last alert. Where the client leaves no room for that, it
 * would wait for ever. */
static void end_if_forgotten(struct worker *worker, const struct client *client)
{
    uint64_t limit = SWEEP_INTERVAL_MS + worker_config(worker)->limits.request_time_ms;
    if (worker->swept_at - client->seen_at < limit)
        return;
    metrics_event(worker->tools.metrics, METRICS_TIMED_OUT);
    shutdown(h2o_socket_get_fd(client->socket), SHUT_RDWR);
}

/* After SHUT_RD libh2o reads the end of input and closes. Not where something has just arrived, for half a request
 * would be cut off; nor where the connection was made or used a moment ago: the next request may be on its way, and is
 * answered with the announcement of the end. */
static int end_if_idle(h2o_req_t *req, void *data)
{
    char byte;
    struct worker *worker = data;
    if (is_idle(req) && h2o_now(worker->context.loop) - worker_client(req)->used_at >= FRESH_MS &&
        recv(socket_of(req), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
        shutdown(socket_of(req), SHUT_RD);
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

static void sweep(struct worker *worker)
{
    uint64_t now = h2o_now(worker->context.loop);
    if (now - worker->swept_at < SWEEP_INTERVAL_MS)
        return;
    worker->swept_at = now;
    tick(worker);
    if (worker->tools.usage != NULL)
        usage_tick(worker->tools.usage);
    for_each_request(worker, end_if_due);
    for_each_arrived(worker, end_if_forgotten);
    arrival_sweep(worker);
    linger_sweep(&worker->lingering, now);
    if (worker->listener_count > 0)
        set_accepting(worker, has_room(worker));
}

/* Connections that the kernel has completed are taken before the socket goes, for nobody else would answer them. */
static void close_listeners(struct worker *worker)
{
    for (size_t i = 0; i < worker->listener_count; ++i) {
        bool full = false;
        while (accept_client(worker, worker->listeners[i], &full))
            ;
        h2o_socket_close(worker->listeners[i]);
    }
    worker->listener_count = 0;
}

static void on_wake(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    (void)receiver;
    for (h2o_linklist_t *node = messages->next, *next; node != messages; node = next) {
        next = node->next;
        free(H2O_STRUCT_FROM_MEMBER(h2o_multithread_message_t, link, node));
    }
    h2o_linklist_init_anchor(messages);
}

/* -- the thread -- */

static bool same_routes(const struct gateway_settings *a, const struct gateway_settings *b)
{
    bool same = a->route_count == b->route_count;
    for (size_t i = 0; same && i < a->route_count; ++i)
        same = text_equal(a->routes[i].name, b->routes[i].name);
    return same;
}

/* Between two turns of the loop no request is under way that could still look at the old one. */
static void adopt_config(struct worker *worker)
{
    const struct config *newest = atomic_load(&worker->tools.serving->config);
    if (newest == worker_config(worker))
        return;
    worker->context.http1.req_timeout.timeout = newest->limits.idle_time_ms;
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
    /* What h2o_context_request_shutdown() does for HTTP/1, without the timer that it leaves behind for HTTP/2. */
    worker->context.shutdown_requested = 1;
    close_listeners(worker);
    while ((worker->clients > 0 || worker->lingering.count > 0) &&
           atomic_load(&worker->tools.serving->phase) < PHASE_LEAVING) {
        for_each_request(worker, end_if_idle);
        arrival_cut(worker, FRESH_MS);
        h2o_evloop_run(worker->context.loop, LEAVE_POLL_MS);
        sweep(worker);
    }
    for_each_arrived(worker, end_now);
    arrival_cut(worker, 0);
    linger_sweep(&worker->lingering, UINT64_MAX);
    for (int turns = 0; worker->clients > 0 && turns < 100; ++turns)
        h2o_evloop_run(worker->context.loop, LEAVE_POLL_MS);
    linger_sweep(&worker->lingering, UINT64_MAX);
}

/* Everything of libh2o is made and given back by the worker's own thread: its sockets' buffers hang on a list of that
 * thread (h2o_socket_buffer_prototype is thread-local), which other threads must not touch and which goes with it. */
static void set_up(struct worker *worker)
{
    h2o_globalconf_t *globals = worker->tools.globals;
    h2o_socket_buffer_prototype._initial_buf.capacity = INPUT_BUFFER_SIZE;
    h2o_socket_buffer_prototype.mmap_settings = NULL; /* no files for large bodies */
    h2o_context_init(&worker->context, h2o_evloop_create(), globals);
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
    atomic_store_explicit(&worker->ticked_at, UINT64_MAX, memory_order_relaxed); /* and is not missed */
    /* A last message may still wait, and libh2o asserts that none does. */
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
    set_up(worker);
    say_life(worker, WORKER_AWAKE);
    set_accepting(worker, true);
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
        return error_set_errno(error, ERROR_FAILED, problem, "a worker thread cannot be started");
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
