#include "reload.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "announce.h"
#include "descriptors.h"
#include "globals.h"
#include "ssoferry/clock.h"
#include "ssoferry/log.h"

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
void reload_advise(const struct server *server, struct error *error)
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

void reload(struct server *server)
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
        reload_advise(server, &error);
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
