/* The admin listener: health, metrics, the report and the operator's page. It has a thread of its own, and another one
 * makes the report, so that a long one delays neither a sign-in nor a probe. The main thread calls everything here. */
#ifndef SSOFERRY_ADMIN_H
#define SSOFERRY_ADMIN_H

#include "inspector.h"
#include "tls.h"
#include "worker.h"

enum { ADMIN_CLIENTS_MAX = 100 }; /* at once */

struct admin;

/* What the admin listener reports on. Everything is borrowed and must outlive it. */
struct admin_scene {
    const struct config *config;   /* at start; admin_reload() replaces it */
    const struct serving *serving; /* the public listeners' state */
    struct table *table;
    const struct worker *workers;
    const struct metrics *const *metrics;
    size_t worker_count;
    struct tls *tls;
    struct usage *usage;         /* NULL: off */
    struct access_log *log;      /* NULL: off */
    struct inspector *inspector; /* NULL: off */
};

/* Copies `scene` and starts serving on `fd`. On success the admin thread owns `fd`, and admin_stop() frees *admin. On
 * failure *admin is not set, and the program is to end: `fd` may be closed already. */
bool admin_start(struct admin **admin, const struct admin_scene *scene, int fd, struct error *error)
    __attribute__((warn_unused_result));

/* Hands over another configuration. The old one stays in use until admin_has_reloaded() is true; do not free it before.
 * NULL is fine. */
void admin_reload(struct admin *admin, const struct config *config);
bool admin_has_reloaded(const struct admin *admin, const struct config *config);

/* Gives up the report being made, stops the threads and frees the listener. NULL is fine. */
void admin_stop(struct admin *admin);

#endif
