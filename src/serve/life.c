#include "life.h"

#include <errno.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "announce.h"
#include "listener.h"
#include "reload.h"
#include "ssoferry/clock.h"
#include "ssoferry/log.h"
#include "watches.h"

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

/* Waits up to `ms` milliseconds for a signal. Returns it, or 0. A pause of the process, as by a debugger, interrupts
 * the wait and does not prolong it. */
static int wait_signal(struct server *server, uint64_t ms)
{
    const uint64_t end = clock_monotonic_ms() + ms;
    int got = 0;
    do {
        const uint64_t now = clock_monotonic_ms(), left = now < end ? end - now : 0;
        const struct timespec timeout = {(time_t)(left / 1000), (long)(left % 1000) * 1000000L};
        got = sigtimedwait(&server->signals, NULL, &timeout);
    } while (got < 0 && errno == EINTR);
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

/* -- the end -- */

static void enter(struct server *server, enum phase phase)
{
    atomic_store(&server->serving.phase, phase);
    for (size_t i = 0; i < server->worker_count; ++i)
        worker_wake(&server->workers[i]);
}

/* Returns when the workers have finished, the time is up, or a second signal arrives. The time runs from when they are
 * told, not from when this thread gets the processor back. */
static void finish_requests(struct server *server)
{
    const uint64_t end = clock_monotonic_ms() + server->config->drain.timeout_ms;
    bool hurry = false;
    enter(server, PHASE_STOPPING);
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
    if (!hurry)
        finish_requests(server);
    enter(server, PHASE_LEAVING);
    for (size_t i = 0; i < server->worker_count; ++i)
        worker_join(&server->workers[i]);
}

/* -- serving -- */

/* Whether answers may be wrong or missing until the table is opened anew, which is then possible. A rehearsal that
 * needs no table misses no answer for one that was never loaded. */
static bool must_end(const struct server *server)
{
    return server->place == TABLE_LOCK_NEW || server->place == TABLE_WRITTEN_ANEW ||
           (server->place == TABLE_FILLED && gateway_needs_table(&server->config->gateway));
}

bool life_run(struct server *server, struct error *error)
{
    int got = 0;
    announce(server);
    sd_notify(0, "READY=1");
    while (end_name(got) == NULL && !must_end(server)) {
        bool secure = tls_is_used(server->tls);
        got = wait_signal(server, secure ? TLS_WATCH_MS : STORE_WATCH_MS);
        watches_look(server);
        if (secure && got == 0)
            watches_look_at_certificates(server);
        if (got == SIGHUP) {
            reload(server);
            usage_look_again(server->usage);
        }
    }
    drain(server, got == SIGHUP ? 0 : got);
    if (end_name(got) != NULL)
        return true;
    return !must_end(server) || error_set(error, ERROR_FAILED, "%s%s: start ssoferryd again", table_path(server->table),
                                          server->place == TABLE_LOCK_NEW ? "-lock was replaced"
                                          : server->place == TABLE_FILLED ? " was put in an empty table's place"
                                                                          : " was written over");
}
