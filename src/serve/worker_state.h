/* What a worker is, for all that serves its clients. worker.h leads it through its life. */
#ifndef SSOFERRY_WORKER_STATE_H
#define SSOFERRY_WORKER_STATE_H

#include <pthread.h>

#include "linger.h"
#include "serving.h"
#include "ssoferry/access_log.h"
#include "ssoferry/metrics.h"
#include "ssoferry/usage.h"

/* What a worker works with, all borrowed. The ones that may be NULL are off then. */
struct worker_tools {
    const char *name; /* the thread's, 15 bytes at most */
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

/* The configuration this worker works by. Another thread may ask, too: once it is the newest, the worker has let go of
 * the one before. */
static inline const struct config *worker_config(const struct worker *worker)
{
    return atomic_load_explicit(&worker->config, memory_order_acquire);
}

static inline struct worker *worker_of(const h2o_context_t *context)
{
    return H2O_STRUCT_FROM_MEMBER(struct worker, context, context);
}

/* Whether a warning may be written: at most one a second, so that what strangers can bring about does not flood stderr.
 */
bool worker_may_warn(struct worker *worker);

#endif
