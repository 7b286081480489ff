/* A worker's state, for the code that serves its clients. worker.h runs it. */
#ifndef SSOFERRY_WORKER_STATE_H
#define SSOFERRY_WORKER_STATE_H

#include <pthread.h>

#include "linger.h"
#include "serving.h"
#include "ssoferry/access_log.h"
#include "ssoferry/metrics.h"
#include "ssoferry/usage.h"

/* What a worker uses; all borrowed. Features whose pointer may be NULL are off if it is. */
struct worker_tools {
    const char *name; /* the thread's; at most 15 bytes */
    struct serving *serving;
    const struct listener
        *listen;     /* the listeners' settings, in the order of their descriptors; NULL: the admin listener */
    struct tls *tls; /* the listeners' certificates; NULL: the admin listener */
    h2o_globalconf_t *globals;
    uint64_t connections; /* the most at once; 0: limits.connections */
    struct lookup *lookup;
    struct metrics *metrics;
    struct log_lane *lane;       /* may be NULL */
    struct usage_lane *usage;    /* may be NULL */
    void (*look)(void *context); /* called in the loop when the worker is woken, and every SWEEP_INTERVAL_MS; may be
                                    NULL */
    void *context;
};

/* Messages can be sent only to a worker that is awake. */
enum worker_life { WORKER_UNBORN, WORKER_AWAKE, WORKER_GONE };

/* How often a worker checks on its clients if nothing wakes it earlier. */
enum { SWEEP_INTERVAL_MS = 500 };

struct worker {
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_multithread_receiver_t receiver;
    h2o_buffer_mmap_settings_t no_files; /* by which the thread's input buffers are known; see input_memory.c */
    bool input_is_counted;               /* libh2o has asked us for one of them, and not itself */
    struct worker_tools tools;
    _Atomic(const struct config *) config; /* the one in use by this worker */
    int *fds;
    h2o_socket_t **listeners;
    size_t listener_count;
    bool accepting;
    size_t clients;
    h2o_linklist_t arriving; /* clients not handed to libh2o yet */
    h2o_linklist_t arrived;  /* all others, until their sockets close */
    struct linger_list lingering;
    h2o_req_t *answering; /* the request being answered by us, not by libh2o itself */
    uint64_t random[2];
    uint64_t swept_at; /* monotonic milliseconds, like the next two */
    uint64_t warned_at;
    atomic_uint_fast64_t ticked_at; /* when the loop last completed a turn */
    pthread_t thread;
    pthread_mutex_t mutex; /* for `life` */
    pthread_cond_t changed;
    enum worker_life life;
};

/* The configuration this worker uses. Any thread may call this: once it returns the newest, the worker no longer uses
 * the previous one. */
static inline const struct config *worker_config(const struct worker *worker)
{
    return atomic_load_explicit(&worker->config, memory_order_acquire);
}

static inline struct worker *worker_of(const h2o_context_t *context)
{
    return H2O_STRUCT_FROM_MEMBER(struct worker, context, context);
}

/* Whether a warning may be written: at most one a second, so that outsiders cannot flood stderr. For the worker's own
 * thread. */
bool worker_may_warn(struct worker *worker);

#endif
