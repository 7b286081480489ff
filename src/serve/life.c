#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "descriptors.h"
#include "globals.h"
#include "listener.h"
#include "ssoferry/clock.h"
#include "ssoferry/log.h"

enum {
    STEP_MS = 20,
    STORE_WATCH_MS = 2000,
    HANDSHAKE_MS = 200, /* long enough for a distant client's TCP handshake */
};

/* The signals that end the daemon. Some use SIGQUIT for an orderly stop. */
static const struct {
    int number;
    const char *name;
} ends[] = {{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGQUIT, "SIGQUIT"}};
enum { ENDS = sizeof(ends) / sizeof(ends[0]) };

/* NULL if `got` is none of them. */
static const char *end_name(int got)
{
    for (size_t i = 0; i < ENDS; ++i) {
        if (ends[i].number == got)
            return ends[i].name;
    }
    return NULL;
}

void life_keep_harmless_signals(void)
{
    sigset_t reload;
    sigemptyset(&reload);
    sigaddset(&reload, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &reload, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, SIG_IGN); /* other daemons reopen their log on this signal, so scripts may send it */
    signal(SIGUSR2, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit (LimitFSIZE=, ulimit -f) is to be like a full disk: EFBIG */
}

void life_block_signals(struct server *server)
{
    life_keep_harmless_signals();
    sigemptyset(&server->signals);
    sigaddset(&server->signals, SIGHUP);
    for (size_t i = 0; i < ENDS; ++i)
        sigaddset(&server->signals, ends[i].number);
    pthread_sigmask(SIG_BLOCK, &server->signals, NULL);
}

int life_end_descriptor(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t i = 0; i < ENDS; ++i)
        sigaddset(&signals, ends[i].number);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

/* Waits up to `ms` milliseconds for a signal. Returns it, or 0. */
static int wait_signal(struct server *server, uint64_t ms)
{
    struct timespec timeout = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    int got = 0;
    do
        got = sigtimedwait(&server->signals, NULL, &timeout);
    while (got < 0 && errno == EINTR);
    return got < 0 ? 0 : got;
}

/* Waits for up to `ms` milliseconds; true if a signal to stop arrives. A request to reload is ignored: it is too late
 * for one. */
static bool wait_for_hurry(struct server *server, uint64_t ms)
{
    uint64_t end = clock_monotonic_ms() + ms;
    for (uint64_t now = end - ms; now < end; now = clock_monotonic_ms()) {
        if (end_name(wait_signal(server, end - now)) != NULL)
            return true;
    }
    return false;
}

static void announce_rehearsal(const struct gateway_settings *gateway, const char *when)
{
    const size_t rehearsing = gateway_rehearsing(gateway);
    if (rehearsing == gateway->route_count)
        log_info("%srehearsal (observe): every sign-in goes to the old system", when);
    else if (rehearsing > 0)
        log_info("%srehearsal on %zu of %zu routes (observe): every sign-in by %s goes to the old system", when,
                 rehearsing, gateway->route_count, rehearsing == 1 ? "it" : "them");
}

static void announce(struct server *server)
{
    struct table_state state = {0};
    struct error error;
    if (!lookup_state(server->lookups[0], &state, &error))
        log_warning("%s", error.message);
    for (size_t i = 0; i < server->started->listen_count; ++i)
        log_info("listening on %s", server->started->listen[i].address.text);
    tls_announce(server->tls);
    if (server->admin != NULL)
        log_info("admin listener on %s", server->started->admin->text);
    if (state.revision == 0)
        log_info("%s has no mapping yet: sign-ins %s until `ssoferry load FILE`", server->started->store,
                 gateway_needs_table(&server->config->gateway) ? "get 503" : "go to the old system");
    else
        log_info("serving %" PRIu64 " connection%s of %s at revision %" PRIu64 " with %zu thread%s",
                 table_state_total(&state), table_state_total(&state) == 1 ? "" : "s", server->started->store,
                 state.revision, server->worker_count, server->worker_count == 1 ? "" : "s");
    announce_rehearsal(&server->config->gateway, "");
}

/* -- reload -- */

static void on_difference(void *context, struct text name, struct text before, struct text after, bool needs_restart)
{
    struct config_change *change = context;
    ++*(needs_restart ? &change->waiting : &change->keys);
    log_info("reload: %.*s: \"%.*s\" -> \"%.*s\"%s", TEXT_ARGS(name), TEXT_ARGS(before), TEXT_ARGS(after),
             needs_restart ? " (takes effect at the next restart)" : "");
}

static struct config_change tell_differences(const struct server *server, const struct config *next)
{
    struct config_change change = {0, 0};
    config_differences(server->started, server->config, next, on_difference, &change);
    if (strcmp(server->started->store, next->store) != 0)
        log_info("reload: until the restart this daemon answers from %s, while `ssoferry` changes %s",
                 server->started->store, next->store);
    return change;
}

static void tell_done(const struct config_change *change)
{
    char waiting[64] = "";
    if (change->waiting > 0)
        snprintf(waiting, sizeof(waiting), ", %zu wait%s for a restart", change->waiting,
                 change->waiting == 1 ? "s" : "");
    log_info("reload: done, %zu key%s changed%s", change->keys, change->keys == 1 ? "" : "s", waiting);
}

/* A rehearsal that ends while the table still has its final state cuts everybody over, so the number is told. */
static void tell_end_of_rehearsal(struct table *table)
{
    struct error error;
    struct snapshot *snapshot = NULL;
    if (!snapshot_open(&snapshot, table, &error)) {
        log_warning("reload: the rehearsal is over, but the table cannot be read: %s", error.message);
        return;
    }
    const struct table_state *state = snapshot_state(snapshot);
    log_info("reload: the rehearsal is over: %" PRIu64 " of %" PRIu64
             " connections are in state stytch, and their sign-ins now go to Stytch",
             state->rows[CONNECTION_STYTCH], table_state_total(state));
    snapshot_close(snapshot);
}

static void tell_rehearsal(const struct server *server, size_t rehearsed_before)
{
    const struct gateway_settings *gateway = &server->config->gateway;
    const size_t rehearsing = gateway_rehearsing(gateway);
    if (rehearsing == 0 && rehearsed_before > 0)
        tell_end_of_rehearsal(server->table);
    else if (rehearsing != rehearsed_before)
        announce_rehearsal(gateway, "reload: ");
}

static bool all_have_reloaded(const struct server *server)
{
    for (size_t i = 0; i < server->worker_count; ++i) {
        if (worker_config(&server->workers[i]) != server->config)
            return false;
    }
    return admin_has_reloaded(server->admin, server->config);
}

/* Gives `next` to every thread, and returns once none uses the old one. */
static void publish(struct server *server, struct config *next)
{
    struct config *old = server->config;
    server->config = next;
    globals_set_body_limit(&server->globals, next->limits.body);
    descriptors_warn_of(next->limits.connections, server->serving.clients_most);
    atomic_store(&server->serving.config, next);
    for (size_t i = 0; i < server->worker_count; ++i)
        worker_wake(&server->workers[i]);
    admin_reload(server->admin, next);
    inspector_reload(server->inspector, next);
    while (!all_have_reloaded(server))
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    if (old != server->started)
        config_free(old);
}

/* READY=1 ends the reload whatever its result; the unit's status shows the result. */
static void tell_systemd(struct server *server, const struct error *refusal, bool waits)
{
    const bool current_before = serving_is_current(&server->serving);
    atomic_store(&server->serving.refused, refusal != NULL);
    atomic_store(&server->serving.outdated, waits);
    if (refusal != NULL)
        sd_notifyf(0, "READY=1\nSTATUS=Reload refused: %s; the previous configuration is in use", refusal->message);
    else if (waits)
        sd_notify(0, "READY=1\nSTATUS=Changes of the configuration wait for a restart");
    else
        sd_notify(0, current_before ? "READY=1" : "READY=1\nSTATUS=");
}

/* Landlock keeps to the directories of the start, whatever stands at their paths now, and permissions that are right do
 * not help then. */
static void advise_of_sandbox(const struct server *server, struct error *error)
{
    const struct error cause = *error;
    const int fd = open(server->config_path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && server->started->sandbox)
        error_set(error, cause.kind,
                  "%s: let the daemon's user read it; or its directory is another one than at the start: restart "
                  "ssoferryd",
                  cause.message);
    if (fd >= 0)
        close(fd);
}

static void reload(struct server *server)
{
    struct error error;
    struct config *next = NULL;
    struct faults *faults = faults_new();
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic_ns() / 1000);
    config_watch_begin(&server->config_watch, server->config_path);
    /* Opening a pipe might block for ever. */
    bool good = (server->config_watch.worthwhile ||
                 error_set(&error, ERROR_INPUT, "%s: it is no regular file", server->config_path)) &&
                config_read(&next, server->config_path, faults, &error) &&
                tls_load(server->tls, next, server->config_path, faults, &error);
    struct config_change change = {0, 0};
    faults_log(faults);
    faults_free(faults);
    if (!good) {
        config_free(next);
        advise_of_sandbox(server, &error);
        log_error("reload: %s; keeping the configuration as it was", error.message);
    } else {
        change = tell_differences(server, next);
        const size_t rehearsed_before = gateway_rehearsing(&server->config->gateway);
        publish(server, next);
        tell_rehearsal(server, rehearsed_before);
        tls_announce(server->tls);
        tell_done(&change);
    }
    tell_systemd(server, good ? NULL : &error, change.waiting > 0);
}

/* -- the end -- */

static void enter(struct server *server, enum phase phase)
{
    atomic_store(&server->serving.phase, phase);
    for (size_t i = 0; i < server->worker_count; ++i)
        worker_wake(&server->workers[i]);
}

/* Returns when the workers have finished, the time is up, or a second signal arrives. */
static void wait_for_workers(struct server *server)
{
    const uint64_t end = clock_monotonic_ms() + server->config->drain.timeout_ms;
    bool hurry = false;
    while (!hurry && atomic_load(&server->serving.workers) > 0 && clock_monotonic_ms() < end)
        hurry = wait_for_hurry(server, STEP_MS);
    if (atomic_load(&server->serving.clients) > 0)
        log_warning("ending with %zu connections still open", atomic_load(&server->serving.clients));
}

/* Keeps newcomers out; the workers still accept those already on their way. The file of a unix socket is removed before
 * the socket is closed, so that nobody connects in between; later, it might already be another daemon's. Returns 0, or
 * the errno with which the kernel refused to keep newcomers out. */
static int close_doors(struct server *server)
{
    const struct config *started = server->started;
    int refused = 0;
    for (size_t i = 0; i < server->fd_count; ++i) {
        if (!listener_hush(&started->listen[i % started->listen_count].address, server->fds[i]))
            refused = errno;
    }
    for (size_t i = 0; i < started->listen_count; ++i)
        socket_file_remove(&server->sockets[i]);
    server->fd_count = 0;
    return refused;
}

/* Keeps serving until balancers have noticed. True if a second signal arrived. */
static bool wait_for_balancers(struct server *server)
{
    uint64_t delay = server->config->drain.delay_ms;
    uint64_t last = delay < HANDSHAKE_MS ? delay : HANDSHAKE_MS;
    enter(server, PHASE_NOT_READY);
    if (wait_for_hurry(server, delay - last))
        return true;
    int refused = close_doors(server);
    if (refused != 0)
        log_info(
            "new connections cannot be kept out (socket filter: %s): if another daemon takes over on the same address, "
            "about one connection in a hundred thousand may be reset; with sysctl net.ipv4.tcp_migrate_req=1, far "
            "fewer",
            strerror(refused));
    return wait_for_hurry(server, last);
}

/* `got` is the signal that ended serving, or another one or 0 if none did. */
static void drain(struct server *server, int got)
{
    if (end_name(got) != NULL)
        log_info("%s: finishing requests; send it once more to end at once", end_name(got));
    else
        log_info("finishing requests; send SIGTERM to end at once");
    sd_notify(0, "STOPPING=1");
    /* After Ctrl-C there is no balancer that has to notice first. */
    const bool hurry = got != SIGINT && server->config->drain.delay_ms > 0 && wait_for_balancers(server);
    (void)close_doors(server); /* before the workers close the sockets */
    enter(server, hurry ? PHASE_LEAVING : PHASE_STOPPING);
    if (!hurry)
        wait_for_workers(server);
    enter(server, PHASE_LEAVING);
    for (size_t i = 0; i < server->worker_count; ++i)
        worker_join(&server->workers[i]);
}

/* -- serving -- */

/* Whether answers may be wrong or missing until the table is opened anew, which is then possible. */
static bool must_end(const struct server *server)
{
    return server->place == TABLE_LOCK_NEW || server->place == TABLE_WRITTEN_ANEW;
}

/* An open table whose file was deleted is still valid and answers must continue, so this only warns. Only if a new lock
 * file was made, or the file written over, could answers be wrong. */
static void watch_store(struct server *server)
{
    const char *path = table_path(server->table);
    const enum table_place before = server->place;
    server->place = table_place(server->table);
    atomic_store(&server->serving.replaced, server->place != TABLE_IN_PLACE);
    if (server->place == before)
        return;
    switch (server->place) {
    case TABLE_IN_PLACE:
        log_info("%s is in its place again", path);
        break;
    case TABLE_GONE:
        log_warning("%s was deleted or moved away; answers still come from it, and no change reaches them. Put it back "
                    "before a restart, which would find no rows; if it was deleted, put back a copy of /proc/%ld/fd/%d",
                    path, (long)getpid(), table_descriptor(server->table));
        break;
    case TABLE_REPLACED:
        log_warning("%s was replaced by another file; answers still come from the old one, and no change reaches them: "
                    "put it back, or restart ssoferryd, which then opens the new one",
                    path);
        break;
    case TABLE_LOCK_GONE:
        log_warning("%s-lock was deleted or replaced; changes may not be seen from now on: restart ssoferryd", path);
        break;
    case TABLE_LOCK_NEW:
        log_warning(
            "%s-lock was emptied, or deleted and another program has made a new one, so changes may not be seen: "
            "ending",
            path);
        break;
    case TABLE_NOT_WHOLE:
        log_warning(
            "%s was cut short, or written over with what is no table; sign-ins get 503 where it cannot be read: "
            "stop ssoferryd, restore a backup, and start it again",
            path);
        break;
    case TABLE_WRITTEN_OVER:
        log_warning(
            "%s was written over while it was open, so answers may be wrong, and nobody can change it: end every "
            "other program that has it open (fuser %s-lock), and ssoferryd ends, too, to open it anew",
            path, path);
        break;
    case TABLE_WRITTEN_ANEW:
        log_warning("%s was written over while it was open, so answers may be wrong, and nobody can change it: ending",
                    path);
        break;
    }
}

/* One failed flush may be over with the next, as after another process has enlarged the file. */
static void watch_usage_writes(struct server *server)
{
    struct error error;
    const bool failing = usage_failing(server->usage, &error);
    if (server->usage_unwritten && !failing)
        log_info("usage is written again, including what was counted meanwhile");
    else if (!server->usage_unwritten && failing && usage_flush_age_ms(server->usage) > 2 * USAGE_FLUSH_INTERVAL_MS)
        log_warning("usage is not written, and only counted in memory until it can be: %s", error.message);
    else
        return;
    server->usage_unwritten = failing;
}

static void watch_usage(struct server *server)
{
    struct error error;
    if (server->usage != NULL && usage_was_given_up(server->usage, &error)) {
        server->usage_awaited = true;
        log_warning("usage is no longer counted: %s", error.message);
    }
    if (server->usage != NULL && usage_was_taken_away(server->usage)) {
        server->usage_awaited = true;
        log_warning(
            "%s.usage was deleted or replaced: counting begins again from nothing if there is no file there now",
            server->started->store);
    }
    if (!server->usage_awaited) {
        if (server->usage != NULL)
            watch_usage_writes(server);
        return;
    }
    server->usage_unwritten = false; /* the file is another matter now */
    if (usage_was_refused(server->usage, &error))
        log_warning("usage is still not counted: %s", error.message);
    if (!usage_is_open(server->usage))
        return;
    server->usage_awaited = false;
    log_info("usage is counted now, including what came in meanwhile");
}

static void tell_change(const struct server *server, const struct config_change *change)
{
    char waiting[64] = "";
    if (change->waiting > 0)
        snprintf(waiting, sizeof(waiting), "; %zu of them take%s a restart", change->waiting,
                 change->waiting == 1 ? "s" : "");
    const size_t all = change->keys + change->waiting;
    log_warning("%s was changed and is not in force: %zu key%s; `ssoferry` goes by it, this daemon does not until a "
                "reload (SIGHUP; systemctl reload ssoferryd)%s",
                server->config_path, all, all == 1 ? " differs" : "s differ", waiting);
}

static void watch_sockets(struct server *server)
{
    for (size_t i = 0; i < server->started->listen_count; ++i)
        socket_file_watch(&server->sockets[i]);
    socket_file_watch(&server->admin_socket);
}

static void watch_config(struct server *server)
{
    struct error error;
    struct config_change change;
    switch (config_watch_look(&server->config_watch, server->config_path, server->started, server->config,
                              clock_monotonic_ms(), &change, &error)) {
    case CONFIG_NO_NEWS:
        return;
    case CONFIG_IN_FORCE:
        if (serving_is_current(&server->serving))
            return;
        log_info("%s says what is in force again", server->config_path);
        atomic_store(&server->serving.refused, false);
        atomic_store(&server->serving.outdated, false);
        sd_notify(0, "STATUS=");
        return;
    case CONFIG_CHANGED:
        tell_change(server, &change);
        break;
    case CONFIG_BROKEN:
        advise_of_sandbox(server, &error);
        log_warning("the configuration was changed, and a reload with it would fail: %s", error.message);
        break;
    }
    atomic_store(&server->serving.outdated, true);
    sd_notify(0, "STATUS=The configuration was changed and not reloaded");
}

/* If a reload was refused for the certificates that are replaced now, the file may be in force after all. */
static void watch_certificates(struct server *server)
{
    if (tls_watch(server->tls, server->config_path) && atomic_load(&server->serving.refused))
        config_watch_again(&server->config_watch);
}

bool life_run(struct server *server, struct error *error)
{
    int got = 0;
    announce(server);
    sd_notify(0, "READY=1");
    while (end_name(got) == NULL && !must_end(server)) {
        bool secure = tls_is_used(server->tls);
        got = wait_signal(server, secure ? TLS_WATCH_MS : STORE_WATCH_MS);
        watch_store(server);
        watch_usage(server);
        watch_sockets(server);
        watch_config(server);
        if (secure && got == 0)
            watch_certificates(server);
        if (got == SIGHUP) {
            reload(server);
            usage_look_again(server->usage);
        }
    }
    drain(server, got == SIGHUP ? 0 : got);
    if (end_name(got) != NULL)
        return true;
    return !must_end(server) || error_set(error, ERROR_FAILED, "%s%s: start ssoferryd again", table_path(server->table),
                                          server->place == TABLE_LOCK_NEW ? "-lock was replaced" : " was written over");
}
