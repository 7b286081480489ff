/* What a worker counts about its requests and connections, and the Prometheus text made of it (exposition format
 * 0.0.4). Only the worker's own thread writes its counters; any thread may read and sum them at any time. Label values
 * are bounded: the configuration's routes, decisions, statuses and states, never an identifier. */
#ifndef SSOFERRY_METRICS_H
#define SSOFERRY_METRICS_H

#include <stdio.h>

#include "ssoferry/audit.h"

struct metrics;

/* Events that are counted singly. */
enum metrics_event {
    METRICS_ACCEPTED, /* connections */
    METRICS_CLOSED,
    METRICS_LIMIT_REACHED, /* stopped accepting: too many connections or descriptors */
    METRICS_NO_MEMORY,     /* connections closed because the requests under way hold limits.memory */
    METRICS_TIMED_OUT,     /* connections cut because a request took too long to arrive, or its answer to be read */
    METRICS_PROXY_REFUSED, /* connections closed because of their PROXY header */
    METRICS_HEALTH_CHECKS,
    METRICS_BAD_REQUESTS, /* counted by metrics_request() only */
    METRICS_HANDSHAKES,   /* TLS handshakes completed */
    METRICS_HANDSHAKES_FAILED,
    METRICS_EVENTS,
};

struct metrics *metrics_new(void);          /* never NULL */
void metrics_free(struct metrics *metrics); /* NULL is fine */

/* Clears the counts by route, because route indexes now mean other routes. Prometheus sees a counter reset. Each thread
 * calls it for itself, in its own time; until all have, metrics_write() leaves out what is counted by route. */
void metrics_routes_changed(struct metrics *metrics);

enum { METRICS_NO_ROUTE = CONFIG_ROUTES_MAX };

/* Counts one request. `route` is its index, or METRICS_NO_ROUTE; `body_size` is in bytes. */
void metrics_request(struct metrics *metrics, size_t route, const struct decision *decision, uint64_t duration_us,
                     size_t body_size);

/* Counts one event. */
void metrics_event(struct metrics *metrics, enum metrics_event event);

/* A certificate in use. */
struct metrics_certificate {
    const char *listener; /* the listener's address */
    char names[256];      /* NUL-terminated */
    int64_t expires_at;   /* seconds UTC */
};

/* What the last walk through the rows found. */
struct metrics_rows {
    bool looked_through;
    uint64_t unusable[UNUSABLES];
    bool has_checksum; /* false if the table changed during the walk */
    uint64_t checksum; /* of all rows: equal tables have equal checksums, whatever their revisions; less than 2^48 */
};

/* What metrics_write() needs besides the workers' counters. */
struct metrics_scene {
    const struct metrics *const *workers;
    size_t worker_count;
    const struct metrics *own; /* of the thread that names the routes */
    const struct route *routes;
    size_t route_count;
    bool observe; /* every route observes */
    struct table_state table;
    bool table_readable;
    bool table_in_place;
    struct metrics_rows rows;
    bool ready;
    bool configuration_current; /* false if the last reload was refused */
    int64_t now;                /* microseconds UTC */
    bool has_usage;
    uint64_t usage_flush_age_ms, usage_flush_failures;
    uint64_t log_lines_dropped;
    const struct metrics_certificate *certificates;
    size_t certificate_count; /* 0: no TLS */
    bool certificates_current;
};

/* Writes all metrics, with the workers' counters summed. A write error shows only in the state of `out`. */
void metrics_write(const struct metrics_scene *scene, FILE *out);

#endif
