#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptors.h"
#include "globals.h"
#include "http.h"
#include "life.h"
#include "listener.h"
#include "privileges.h"
#include "sandbox.h"
#include "ssoferry/clock.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"
#include "ssoferry/saml_issuer.h"
#include "ssoferry/standard_files.h"

enum {
    /* Memory for remembered rows, over all workers. Most rows take 64 bytes, so it holds a quarter of a million. */
    LOOKUP_MEMORY = 16 << 20,
    LOOKUP_MEMORY_LEAST = 1 << 20, /* per worker, however many there are */
};

static size_t count_cores(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof(cores), &cores) != 0)
        return 1;
    int count = CPU_COUNT(&cores);
    return count < 1 ? 1 : count > CONFIG_THREADS_MAX ? CONFIG_THREADS_MAX : (size_t)count;
}

static void tell_shared(const struct address *address, bool shared)
{
    if (shared)
        log_warning("another process listens on %s as well: both serve it from now on", address->text);
}

/* Opens the sockets of one worker: its own, or duplicates of the first worker's. */
static bool open_for_worker(struct server *server, size_t worker, struct error *error)
{
    for (size_t i = 0; i < server->config->listen_count; ++i) {
        int first = worker == 0 ? -1 : server->fds[i];
        int fd = listener_open(&server->config->listen[i].address, first, error);
        if (fd < 0)
            return false;
        server->fds[server->fd_count++] = fd;
        if (worker == 0)
            socket_file_remember(&server->sockets[i], &server->config->listen[i].address);
    }
    return true;
}

/* Opens the admin listener first, so that if it fails, no client has been let in yet. */
static bool open_listeners(struct server *server, struct error *error)
{
    const struct config *config = server->config;
    bool *shared = memory_zeroed(config->listen_count, sizeof(*shared));
    bool admin_shared = config->admin != NULL && listener_is_taken(config->admin);
    for (size_t i = 0; i < config->listen_count; ++i)
        shared[i] = listener_is_taken(&config->listen[i].address);
    listener_warn_of_unused(config);
    server->admin_fd = config->admin == NULL ? -1 : listener_open(config->admin, -1, error);
    bool opened = config->admin == NULL || server->admin_fd >= 0;
    if (server->admin_fd >= 0)
        socket_file_remember(&server->admin_socket, config->admin);
    server->sockets = memory_zeroed(config->listen_count, sizeof(*server->sockets));
    server->fds = memory_zeroed(server->worker_count * config->listen_count, sizeof(*server->fds));
    for (size_t worker = 0; worker < server->worker_count && opened; ++worker)
        opened = open_for_worker(server, worker, error);
    if (opened && config->admin != NULL)
        tell_shared(config->admin, admin_shared);
    for (size_t i = 0; i < config->listen_count && opened; ++i)
        tell_shared(&config->listen[i].address, shared[i]);
    free(shared);
    return opened;
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

static bool open_usage_file(struct server *server, struct error *error)
{
    const int end = life_end_descriptor();
    const bool opened =
        usage_open(&server->usage, server->config->store, server->worker_count, clock_utc_us(), end, error);
    if (end >= 0)
        close(end);
    return opened;
}

/* Sign-ins matter more than counting them, so a failure here does not stop the daemon. */
static void open_usage(struct server *server)
{
    const struct config *config = server->config;
    struct error error, why;
    if (!config->usage || open_usage_file(server, &why))
        return;
    log_warning("usage is not counted: %s", why.message);
    server->usage_awaited = usage_await(&server->usage, config->store, server->worker_count, clock_utc_us(), &error);
    /* Report the second problem too: awaiting the file may need more from the operator than fixing the first. */
    if (!server->usage_awaited || (usage_failing(server->usage, &error) && strcmp(error.message, why.message) != 0))
        log_warning("%s", error.message);
}

/* Runs as the user that the daemon will become, who must be able to read the files again later. */
static bool load_certificates(struct server *server, struct error *error)
{
    struct faults *faults = faults_new();
    server->tls = tls_new(server->started);
    bool good = tls_load(server->tls, server->config, server->config_path, faults, error);
    faults_log(faults);
    faults_free(faults);
    return good;
}

/* Root has read it. The user would be refused at the first reload, and that may be a long time from now. */
static void warn_of_unreadable(const struct server *server, const struct privileges *privileges)
{
    if (!privileges->root || !server->config_watch.worthwhile)
        return;
    const int fd =
        open(server->config_path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); /* in case it is a pipe now */
    if (fd >= 0)
        close(fd);
    else
        log_warning("user %s cannot read %s (%s), so every reload will be refused: let this user or its group read it "
                    "(chown, chgrp) and enter the folders above",
                    server->config->user, server->config_path, strerror(errno));
}

static bool open_store(struct server *server, struct error *error)
{
    const size_t share = LOOKUP_MEMORY / server->worker_count;
    const struct table_options options = {
        .mode = TABLE_SERVE,
        .lookup_memory = share > LOOKUP_MEMORY_LEAST ? share : LOOKUP_MEMORY_LEAST,
    };
    if (!table_open(&server->table, server->config->store, &options, error) || !open_lookups(server, error))
        return false;
    if (table_is_unlocked(server->table)) /* expected only on read-only media */
        log_warning("%s-lock is on a file system that is read-only here, so no loader knows that this table is read: "
                    "while one changes it, answers may fail; let the daemon write there (systemd: ReadWritePaths=)",
                    server->config->store);
    if (table_name_problem(server->table) != NULL)
        log_warning(TABLE_NAME_WARNING, server->config->store, table_name_problem(server->table));
    return true;
}

/* Adds the user's name to errors: it is not the root user who started the daemon. */
static bool open_store_as(struct server *server, const struct privileges *privileges, struct error *error)
{
    if (open_store(server, error))
        return true;
    const struct error cause = *error;
    if (privileges->root)
        error_set(error, cause.kind, "as user %s: %s", server->config->user, cause.message);
    return false;
}

/* libh2o would end the program with a signal if its loops did not get theirs. */
static bool divide_descriptors(struct server *server, struct error *error)
{
    const bool admin = server->config->admin != NULL;
    const size_t loops = server->worker_count + (admin ? 1 : 0);
    if (!descriptors_for_clients(loops, admin ? ADMIN_CLIENTS_MAX : 0, &server->serving.clients_most, error))
        return false;
    descriptors_warn_of(server->config->limits.connections, server->serving.clients_most);
    return true;
}

/* Does what needs privileges first, and starts threads only after giving them up. */
static bool prepare(struct server *server, struct error *error)
{
    const struct config *config = server->config;
    struct privileges privileges;
    server->messages_fd = standard_files_unshared(STDERR_FILENO); /* kept open to the end, since others may share it */
    descriptors_raise();
    server->worker_count = config->threads == CONFIG_THREADS_AUTO ? count_cores() : config->threads;
    bool opened = privileges_lower(&privileges, config->user, error) && open_store_as(server, &privileges, error) &&
                  load_certificates(server, error);
    if (opened)
        warn_of_unreadable(server, &privileges);
    if (!privileges_raise(&privileges, error) || !opened || !open_listeners(server, error) ||
        !privileges_drop(&privileges, error))
        return false;
    sandbox_close_files(config, server->config_path);
    open_usage(server);
    return access_log_open(&server->log, STDOUT_FILENO, server->worker_count, error) &&
           divide_descriptors(server, error);
}

static void open_workers(struct server *server)
{
    const size_t listeners = server->config->listen_count;
    server->workers = memory_zeroed(server->worker_count, sizeof(*server->workers));
    server->metrics = memory_zeroed(server->worker_count, sizeof(*server->metrics));
    for (size_t i = 0; i < server->worker_count; ++i) {
        server->metrics[i] = metrics_new();
        const struct worker_tools tools = {
            .name = "worker",
            .serving = &server->serving,
            .listen = server->config->listen,
            .tls = server->tls,
            .globals = &server->globals,
            .lookup = server->lookups[i],
            .metrics = server->metrics[i],
            .lane = access_log_lane(server->log, i),
            .usage = server->usage == NULL ? NULL : usage_lane(server->usage, i),
        };
        worker_open(&server->workers[i], &tools, server->fds + i * listeners, listeners);
    }
}

static bool start_workers(struct server *server, struct error *error)
{
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

/* Answers do not depend on the inspector, so a failure is only logged. */
static void start_inspector(struct server *server)
{
    struct error error;
    if (!inspector_start(&server->inspector, server->table, server->config, server->config_path, &error))
        log_warning("the rows are not checked: %s", error.message);
}

static bool start_admin(struct server *server, struct error *error)
{
    const struct admin_scene scene = {
        .config = server->config,
        .serving = &server->serving,
        .table = server->table,
        .workers = server->workers,
        .metrics = (const struct metrics *const *)server->metrics,
        .worker_count = server->worker_count,
        .tls = server->tls,
        .usage = server->usage,
        .log = server->log,
        .inspector = server->inspector,
    };
    return server->config->admin == NULL || admin_start(&server->admin, &scene, server->admin_fd, error);
}

static void close_usage(struct usage *usage)
{
    struct error error;
    if (!usage_finish(usage, &error))
        log_warning("what was counted last is lost: %s", error.message);
    usage_close(usage);
}

/* Call before the sockets are closed: once nobody answers at its path, another daemon may take it, and the file is that
 * one's. */
static void remove_sockets(struct server *server)
{
    for (size_t i = 0; server->sockets != NULL && i < server->started->listen_count; ++i)
        socket_file_remove(&server->sockets[i]);
    socket_file_remove(&server->admin_socket);
}

static void release(struct server *server, bool sockets)
{
    watchdog_stop(server->watchdog); /* from here on, systemd kills a daemon that does not come to its end */
    remove_sockets(server);
    for (size_t i = 0; sockets && i < server->fd_count; ++i)
        close(server->fds[i]);
    if (sockets && server->admin_fd >= 0)
        close(server->admin_fd);
    admin_stop(server->admin);
    inspector_stop(server->inspector);
    tls_free(server->tls);
    close_usage(server->usage); /* before closing the log, which may block until systemd loses patience */
    access_log_close(server->log);
    for (size_t i = 0; server->lookups != NULL && i < server->worker_count; ++i)
        lookup_close(server->lookups[i]);
    for (size_t i = 0; server->metrics != NULL && i < server->worker_count; ++i)
        metrics_free(server->metrics[i]);
    table_close(server->table);
    free(server->metrics);
    free(server->workers);
    free(server->lookups);
    free(server->fds);
    free(server->sockets);
}

/* Does everything that can fail before the first worker starts. */
static bool start(struct server *server, struct error *error)
{
    log_never_wait(server->messages_fd);
    globals_init(&server->globals);
    globals_set_body_limit(&server->globals, server->config->limits.body);
    http_register(&server->globals);
    open_workers(server);
    start_inspector(server);
    if (start_admin(server, error) && watchdog_start(&server->watchdog, server->workers, server->worker_count, error)) {
        sandbox_close_calls(server->config, server->usage_awaited);
        return start_workers(server, error);
    }
    for (size_t i = 0; i < server->worker_count; ++i)
        worker_close(&server->workers[i]);
    return false;
}

bool server_run(const char *path, const struct config_watch *watch, struct config **config, struct error *error)
{
    struct server server = {
        .config_path = path, .config_watch = *watch, .config = *config, .started = *config, .admin_fd = -1};
    atomic_init(&server.serving.config, *config);
    saml_issuer_startup();
    life_block_signals(&server);
    bool prepared = prepare(&server, error);
    bool done = prepared && start(&server, error);
    if (done)
        done = life_run(&server, error);
    release(&server, !prepared);
    if (prepared)
        h2o_config_dispose(&server.globals);
    saml_issuer_cleanup();
    if (server.config != server.started)
        config_free(server.started);
    *config = server.config;
    return done;
}
