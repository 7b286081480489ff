/* The daemon's state: server.h sets it up, and life.h runs it. */
#ifndef SSOFERRY_SERVER_STATE_H
#define SSOFERRY_SERVER_STATE_H

#include <signal.h>

#include "admin.h"
#include "inspector.h"
#include "socket_file.h"
#include "ssoferry/access_log.h"
#include "ssoferry/config_watch.h"
#include "tls.h"
#include "watchdog.h"
#include "worker.h"

struct server {
    const char *config_path;
    struct config *config;  /* the newest */
    struct config *started; /* the one it started with, which decides the listeners and the store */
    struct config_watch config_watch;
    struct serving serving;
    struct table *table;
    enum table_place place; /* of the table, when last checked */
    struct access_log *log;
    struct tls *tls;
    struct usage *usage;         /* NULL: usage is not counted */
    bool usage_awaited;          /* the usage file could not be opened yet */
    bool usage_unwritten;        /* it is open and cannot be written, which was told */
    struct inspector *inspector; /* NULL: rows are not checked */
    struct admin *admin;         /* NULL: not configured */
    h2o_globalconf_t globals;
    size_t worker_count;
    struct worker *workers;
    struct lookup **lookups;
    struct metrics **metrics;
    int messages_fd; /* standard error, or its terminal opened separately */
    int admin_fd;    /* -1: none */
    int *fds;        /* by worker, then by listener */
    size_t fd_count; /* 0 once no new clients are let in */
    struct socket_file admin_socket;
    struct socket_file *sockets; /* by listener */
    struct watchdog *watchdog;   /* NULL: systemd has none */
    sigset_t signals;
};

#endif
