#include "watches.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "reload.h"
#include "ssoferry/clock.h"
#include "ssoferry/log.h"
#include "ssoferry/shell_word.h"

static void warn_of_others(const char *path)
{
    char *word = shell_word(text_of(path));
    log_warning("%s was written over while it was open, so answers may be wrong, and nobody can change it: end every "
                "other program that has it open (fuser %s-lock), and ssoferryd ends, too, to open it anew",
                path, word);
    free(word);
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
    case TABLE_FILLED:
        if (gateway_needs_table(&server->config->gateway))
            log_info("another table stands at %s now, and the open one was never loaded: ending", path);
        else
            log_warning("another table stands at %s now, and the open one was never loaded; the rehearsal goes on, and "
                        "finds no row until ssoferryd is restarted",
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
        warn_of_others(path);
        break;
    case TABLE_WRITTEN_ANEW:
        log_warning("%s was written over while it was open, so answers may be wrong, and nobody can change it: ending",
                    path);
        break;
    }
}

static void watch_usage_writes(struct server *server)
{
    struct error error;
    if (server->usage_unwritten && !usage_failing(server->usage, &error))
        log_info("usage is written again, including what was counted meanwhile");
    else if (!server->usage_unwritten && usage_unwritten(server->usage, &error))
        log_warning("usage is not written, and only counted in memory until it can be: %s", error.message);
    else
        return;
    server->usage_unwritten = !server->usage_unwritten;
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
        reload_advise(server, &error);
        log_warning("the configuration was changed, and a reload with it would fail: %s", error.message);
        break;
    }
    atomic_store(&server->serving.outdated, true);
    sd_notify(0, "STATUS=The configuration was changed and not reloaded");
}

void watches_look(struct server *server)
{
    watch_store(server);
    watch_usage(server);
    watch_sockets(server);
    watch_config(server);
}

/* If a reload was refused for the certificates that are replaced now, the file may be in force after all. */
void watches_look_at_certificates(struct server *server)
{
    if (tls_watch(server->tls, server->config_path) && atomic_load(&server->serving.refused))
        config_watch_again(&server->config_watch);
}
