/* The admin listener: health, metrics, the report, and the operator's page; on a thread of its own, so that a long
 * report holds no sign-in up. */
#ifndef SSOFERRY_ADMIN_H
#define SSOFERRY_ADMIN_H

#include "inspector.h"
#include "tls.h"
#include "worker.h"

enum { ADMIN_CLIENTS_MAX = 100 }; /* at one time */

struct admin;

/* What it tells of; all borrowed. */
struct admin_scene {
    const struct config *config;   /* at start; admin_reload() replaces it */
    const struct serving *serving; /* of the public listeners */
    struct table *table;
    const struct worker *workers;
    const struct metrics *const *metrics;
    size_t worker_count;
    struct tls *tls;
    struct usage *usage;         /* NULL: off */
    struct access_log *log;      /* NULL: off */
    struct inspector *inspector; /* NULL: off */
};

/* Starts serving on `fd`, which becomes its own. */
bool admin_start(struct admin **admin, const struct admin_scene *scene, int fd, struct error *error)
    __attribute__((warn_unused_result));

/* Has it work by another configuration. The old one is looked at until admin_has_reloaded(), which may be seconds
 * later, where it is making a report of a large table. NULL is fine. */
void admin_reload(struct admin *admin, const struct config *config);
bool admin_has_reloaded(const struct admin *admin, const struct config *config);

/* Ends it, answering what is under way. NULL is fine. */
void admin_stop(struct admin *admin);

#endif
