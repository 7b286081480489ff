#include "server.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ssoferry/access_log.h"
#include "http.h"
#include "listener.h"
#include "ssoferry/clock.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"
#include "ssoferry/saml_issuer.h"
#include "worker.h"

struct server {
    const struct config *config;
    struct serving serving;
    struct table *table;
    struct access_log *log;
    struct usage *usage;
    h2o_globalconf_t globals;
    size_t worker_count;
    struct worker *workers;
    struct lookup **lookups;
    struct metrics **metrics;
    int *fds; /* worker by worker, listener by listener */
    size_t fd_count;
    sigset_t signals;
};

static size_t count_cores(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof(cores), &cores) != 0)
        return 1;
    int count = CPU_COUNT(&cores);
    return count < 1 ? 1 : count > CONFIG_THREADS_MAX ? CONFIG_THREADS_MAX : (size_t)count;
}

static void configure_h2o(struct server *server)
{
    const struct config *config = server->config;
    h2o_config_init(&server->globals);
    server->globals.server_name = h2o_iovec_init(H2O_STRLIT(""));
    server->globals.max_request_entity_size = (size_t)config->limits.body;
    server->globals.http1.req_timeout = config->limits.idle_time_ms;
    /* Also without h2 in ALPN, `PRI *` and `Upgrade: h2c` would reach it; 2.2.5 has CVE-2023-44487 and CVE-2025-8671 unpatched. */
    server->globals.http1.upgrade_to_http2 = 0;
    http_register(&server->globals);
}

/* The first listener of a port is opened without a twin, so that another program's socket there is noticed. */
static bool open_listeners(struct server *server, struct error *error)
{
    const struct config *config = server->config;
    server->fds = memory_zeroed(server->worker_count * config->listen_count, sizeof(*server->fds));
    for (size_t worker = 0; worker < server->worker_count; ++worker) {
        for (size_t i = 0; i < config->listen_count; ++i) {
            /* Unix sockets have no SO_REUSEPORT that shares out: all workers wait on the same one. */
            bool shared = worker > 0 && config->listen[i].family == ADDRESS_UNIX;
            int fd = shared ? dup(server->fds[i]) : listener_open(&config->listen[i], error);
            if (fd < 0 && shared)
                error_set_errno(error, ERROR_FAILED, errno, "cannot listen on %s", config->listen[i].text);
            if (fd < 0)
                return false;
            server->fds[server->fd_count++] = fd;
        }
    }
    return true;
}

static bool open_lookups(struct server *server, struct error *error)
{
    server->lookups = memory_zeroed(server->worker_count, sizeof(*server->lookups));
    for (size_t i = 0; i < server->worker_count; ++i) {
        if (!lookup_open(&server->lookups[i], server->table, error))
            return false;
    }
    return true;
}

/* Every thread inherits the blocked signals; this thread alone takes them, in wait_for_end(). */
static void block_signals(struct server *server)
{
    sigemptyset(&server->signals);
    sigaddset(&server->signals, SIGTERM);
    sigaddset(&server->signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &server->signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static bool start_workers(struct server *server, struct error *error)
{
    const size_t listeners = server->config->listen_count;
    server->workers = memory_zeroed(server->worker_count, sizeof(*server->workers));
    server->metrics = memory_zeroed(server->worker_count, sizeof(*server->metrics));
    for (size_t i = 0; i < server->worker_count; ++i) {
        server->metrics[i] = metrics_new(server->config->gateway.route_count);
        const struct worker_tools tools = {
            .serving = &server->serving,
            .globals = &server->globals,
            .lookup = server->lookups[i],
            .metrics = server->metrics[i],
            .lane = server->log == NULL ? NULL : access_log_lane(server->log, i),
            .usage = server->usage == NULL ? NULL : usage_lane(server->usage, i),
        };
        worker_open(&server->workers[i], &tools, server->fds + i * listeners, listeners);
    }
    for (size_t i = 0; i < server->worker_count; ++i) {
        if (worker_start(&server->workers[i], error))
            continue;
        atomic_store(&server->serving.phase, PHASE_LEAVING);
        for (size_t started = 0; started < i; ++started)
            worker_join(&server->workers[started]);
        for (size_t rest = i; rest < server->worker_count; ++rest)
            worker_close(&server->workers[rest]);
        return false;
    }
    return true;
}

static void announce(struct server *server)
{
    struct table_state state = {0};
    struct error error;
    if (!lookup_state(server->lookups[0], &state, &error))
        log_warning("%s", error.message);
    for (size_t i = 0; i < server->config->listen_count; ++i)
        log_info("listening on %s", server->config->listen[i].text);
    if (state.revision == 0)
        log_info("%s has no mapping yet: every sign-in gets 503 until `ssoferry load FILE`", server->config->store);
    else
        log_info("serving %" PRIu64 " connections of %s at revision %" PRIu64 " with %zu thread%s", table_state_total(&state),
                 server->config->store, state.revision, server->worker_count, server->worker_count == 1 ? "" : "s");
}

static void enter(struct server *server, enum phase phase)
{
    atomic_store(&server->serving.phase, phase);
    for (size_t i = 0; i < server->worker_count; ++i)
        worker_wake(&server->workers[i]);
}

/* Waits for a signal for at most `ms`. Returns it, or 0. */
static int wait_signal(struct server *server, uint64_t ms)
{
    struct timespec timeout = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    int got = 0;
    do
        got = sigtimedwait(&server->signals, NULL, &timeout);
    while (got < 0 && errno == EINTR);
    return got < 0 ? 0 : got;
}

/* Waits until the workers have nothing left to do, or the time is up, or a second signal comes. */
static void wait_for_workers(struct server *server)
{
    enum { STEP_MS = 20 };
    for (uint64_t waited = 0; waited < server->config->drain.timeout_ms; waited += STEP_MS) {
        if (atomic_load(&server->serving.workers) == 0)
            return;
        if (wait_signal(server, STEP_MS) != 0)
            break;
    }
    if (atomic_load(&server->serving.clients) > 0)
        log_warning("leaving with %zu connections still open", atomic_load(&server->serving.clients));
}

static void wait_for_end(struct server *server)
{
    int got = 0;
    while (sigwait(&server->signals, &got) != 0) {
    }
    log_info("%s: finishing requests; once more to leave at once", got == SIGTERM ? "SIGTERM" : "SIGINT");
    /* Ctrl-C has no balancer that must first notice. */
    bool hurry = got == SIGINT;
    if (!hurry && server->config->drain.delay_ms > 0) {
        enter(server, PHASE_NOT_READY);
        hurry = wait_signal(server, server->config->drain.delay_ms) != 0;
    }
    enter(server, PHASE_STOPPING);
    wait_for_workers(server);
    enter(server, PHASE_LEAVING);
    for (size_t i = 0; i < server->worker_count; ++i)
        worker_join(&server->workers[i]);
}

/* Counting is worth having, and signing in is worth more: without it the daemon serves all the same. */
static void open_usage(struct server *server)
{
    struct error error;
    if (server->config->usage && !usage_open(&server->usage, server->config->store, server->worker_count, clock_utc_us(), &error))
        log_warning("usage is not counted: %s", error.message);
}

static bool prepare(struct server *server, struct error *error)
{
    const struct config *config = server->config;
    const struct table_options options = {.mode = TABLE_SERVE};
    server->worker_count = config->threads == CONFIG_THREADS_AUTO ? count_cores() : config->threads;
    return table_open(&server->table, config->store, &options, error) && open_lookups(server, error) && open_listeners(server, error) &&
           (config->request_log == REQUEST_LOG_OFF || access_log_open(&server->log, STDOUT_FILENO, server->worker_count, error));
}

static void release(struct server *server, bool sockets)
{
    for (size_t i = 0; sockets && i < server->fd_count; ++i)
        close(server->fds[i]);
    for (size_t i = 0; i < server->config->listen_count && server->fd_count > i; ++i)
        listener_remove(&server->config->listen[i]);
    access_log_close(server->log);
    usage_close(server->usage);
    for (size_t i = 0; server->lookups != NULL && i < server->worker_count; ++i)
        lookup_close(server->lookups[i]);
    for (size_t i = 0; server->metrics != NULL && i < server->worker_count; ++i)
        metrics_free(server->metrics[i]);
    table_close(server->table);
    free(server->metrics);
    free(server->workers);
    free(server->lookups);
    free(server->fds);
}

bool server_run(const struct config *config, struct error *error)
{
    struct server server = {.config = config, .serving = {.config = config}};
    saml_issuer_startup();
    block_signals(&server);
    bool prepared = prepare(&server, error);
    bool done = false;
    if (prepared) {
        open_usage(&server);
        configure_h2o(&server);
        done = start_workers(&server, error);
        if (done) {
            announce(&server);
            wait_for_end(&server);
        }
        h2o_config_dispose(&server.globals);
    }
    release(&server, !prepared);
    saml_issuer_cleanup();
    return done;
}
