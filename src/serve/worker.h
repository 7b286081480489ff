/* A worker: one thread with an event loop, an h2o context, its own listening sockets and its own reader of the table.
 */
#ifndef SSOFERRY_WORKER_H
#define SSOFERRY_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "ssoferry/access_log.h"
#include "h2o_system.h"
#include "linger.h"
#include "ssoferry/config.h"
#include "ssoferry/metrics.h"
#include "ssoferry/usage.h"

enum phase {
    PHASE_SERVING,
    PHASE_NOT_READY, /* still serving, but the health path answers 503, so that a balancer looks elsewhere */
    PHASE_STOPPING,  /* no new connections; open ones end with their request */
    PHASE_LEAVING,   /* no time left: connections are cut */
};

/* What all workers share. */
struct serving {
    _Atomic(const struct config *) config; /* the newest; workers adopt it when they next come round */
    atomic_int phase;
    atomic_size_t clients; /* connections open or lingering, all workers together */
    size_t clients_most;   /* that there are descriptors for; set before the first worker starts */
    atomic_bool replaced;  /* the table's file or its lock file was deleted, or another put in its place */
    atomic_bool refused;   /* the configuration's file, at the last reload; the one of before is in use */
    atomic_size_t workers; /* threads that still have something to do */
};

/* One client's connection. */
struct client {
    struct worker *worker;
    h2o_socket_t *socket;
    const struct listener *listener;          /* NULL: the admin listener */
    h2o_linklist_t link;                      /* in the worker's `arriving`, then in its `arrived` */
    int64_t accepted_at;                      /* microseconds UTC */
    struct tls_context *tls;                  /* what it shook hands with; NULL: plain */
    void (*on_secure)(struct client *client); /* what follows a handshake */
    bool greeted;                             /* its handshake has begun */
    unsigned char alert;                      /* what its handshake failed by (RFC 8446 6.2); 0: nothing to tell */
    int linger_fd;     /* a second descriptor of the socket, to be read out after h2o has closed its own; -1: none */
    uint64_t used_at;  /* milliseconds of the loop's clock: when it came, or its last request did */
    uint64_t seen_at;  /* the same clock: when libh2o was given it, or was last seen to have it */
    size_t written;    /* bytes of our answers, above TLS */
    uint64_t taken;    /* bytes that its machine had acknowledged when it was last seen to be sent an answer */
    uint64_t taken_at; /* the loop's clock: since when it has been no more */
    bool refused;      /* the last request, and that has been logged */
    size_t peer_size;
    char peer[64]; /* "192.0.2.1:50000"; made when first asked for */
};

/* What a worker works with, all borrowed. The ones that may be NULL are off then. */
struct worker_tools {
    struct serving *serving;
    const struct listener
        *listen;     /* what its listeners are, in the order of their descriptors; NULL: the admin listener */
    struct tls *tls; /* what they shake hands with; NULL: the admin listener */
    h2o_globalconf_t *globals;
    uint64_t connections; /* most at one time; 0: limits.connections */
    struct lookup *lookup;
    struct metrics *metrics;
    struct log_lane *lane;    /* may be NULL */
    struct usage_lane *usage; /* may be NULL */
};

/* Messages can be sent to a worker only while it is awake. */
enum worker_life { WORKER_UNBORN, WORKER_AWAKE, WORKER_GONE };

/* How often a worker looks at its clients, where nothing wakes it up before. */
enum { SWEEP_INTERVAL_MS = 500 };

struct worker {
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_multithread_receiver_t receiver;
    struct worker_tools tools;
    _Atomic(const struct config *) config; /* the one this worker works by */
    int *fds;
    h2o_socket_t **listeners;
    size_t listener_count;
    bool accepting;
    size_t clients;
    h2o_linklist_t arriving; /* clients that libh2o does not have yet */
    h2o_linklist_t arrived;  /* all others, until their sockets are closed */
    struct linger_list lingering;
    h2o_req_t *answering; /* whose answer is ours, not libh2o's own */
    uint64_t random[2];
    uint64_t swept_at;              /* milliseconds of the loop's clock */
    uint64_t warned_at;             /* the same clock */
    atomic_uint_fast64_t ticked_at; /* monotonic milliseconds: when the loop last came round */
    pthread_t thread;
    pthread_mutex_t mutex; /* of `life` */
    pthread_cond_t changed;
    enum worker_life life;
};

/* Prepares a worker to run on `fds`, which become its own. */
void worker_open(struct worker *worker, const struct worker_tools *tools, const int *fds, size_t fd_count);

/* The configuration this worker works by. Another thread may ask, too: once it is the newest, the worker has let go of
 * the one before. */
static inline const struct config *worker_config(const struct worker *worker)
{
    return atomic_load_explicit(&worker->config, memory_order_acquire);
}

/* Milliseconds since the worker's loop last came round. Any thread may ask. */
uint64_t worker_silence_ms(const struct worker *worker);

/* Starts the thread and returns when it listens. */
bool worker_start(struct worker *worker, struct error *error) __attribute__((warn_unused_result));

/* Tells a worker, from another thread, that the phase or the configuration has changed. */
void worker_wake(struct worker *worker);

/* Waits until the worker's thread has ended, and frees what it had. */
void worker_join(struct worker *worker);

/* For a worker that was opened but never started. */
void worker_close(struct worker *worker);

/* The client of a request. */
struct client *worker_client(h2o_req_t *req);

static inline struct worker *worker_of(const h2o_context_t *context)
{
    return H2O_STRUCT_FROM_MEMBER(struct worker, context, context);
}

/* Whether a warning may be written: at most one a second, so that what strangers can bring about does not flood stderr.
 */
bool worker_may_warn(struct worker *worker);

#endif
