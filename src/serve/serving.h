/* What all threads that serve have in common: how far the daemon's life has come, by which configuration, for how many.
 */
#ifndef SSOFERRY_SERVING_H
#define SSOFERRY_SERVING_H

#include <stdatomic.h>

#include "ssoferry/config.h"

enum phase {
    PHASE_SERVING,
    PHASE_NOT_READY, /* still serving, but the health path answers 503, so that a balancer looks elsewhere */
    PHASE_STOPPING,  /* no new connections; open ones end with their request */
    PHASE_LEAVING,   /* no time left: connections are cut */
};

struct serving {
    _Atomic(const struct config *) config; /* the newest; workers adopt it when they next come round */
    atomic_int phase;
    atomic_size_t clients; /* connections open or lingering, all workers together */
    size_t clients_most;   /* that there are descriptors for; set before the first worker starts */
    atomic_bool replaced;  /* the table's file or its lock file was deleted, or another put in its place */
    atomic_bool refused;   /* the configuration's file, at the last reload; the one of before is in use */
    atomic_size_t workers; /* threads that still have something to do */
};

#endif
