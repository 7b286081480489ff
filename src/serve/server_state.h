/* The daemon: what server.h sets up, and life.h leads through its life. */
#ifndef SSOFERRY_SERVER_STATE_H
#define SSOFERRY_SERVER_STATE_H

#include <signal.h>

#include "admin.h"
#include "inspector.h"
#include "ssoferry/access_log.h"
#include "tls.h"
#include "worker.h"

struct server {
    const char *config_path;
    struct config *config;  /* the newest */
    struct config *started; /* the one it was started by: listeners and store stay what that says */
    struct serving serving;
    struct table *table;
    enum table_place place; /* of the table, when it was last looked for */
    struct access_log *log;
    struct tls *tls;
    struct usage *usage;         /* NULL: not counted */
    bool usage_awaited;          /* its file could not be opened yet */
    struct inspector *inspector; /* NULL: the rows are not looked through */
    struct admin *admin;         /* NULL: not wanted */
    h2o_globalconf_t globals;
    size_t worker_count;
    struct worker *workers;
    struct lookup **lookups;
    struct metrics **metrics;
    int messages_fd; /* standard error, or the terminal that it is */
    int admin_fd;    /* -1: none */
    int *fds;        /* worker by worker, listener by listener */
    size_t fd_count; /* 0 again once nobody is let in any more */
    sigset_t signals;
    uint64_t watchdog_ms; /* 0: systemd waits for no word */
    uint64_t fed_at;      /* when it last had one; monotonic milliseconds */
};

#endif
