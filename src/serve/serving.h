/* State shared by all serving threads: the daemon's phase, its configuration, and the number of clients. */
#ifndef SSOFERRY_SERVING_H
#define SSOFERRY_SERVING_H

#include <stdatomic.h>

#include "ssoferry/config.h"

enum phase {
    PHASE_SERVING,
    PHASE_NOT_READY, /* still serving, but the health path answers 503 so that balancers turn elsewhere */
    PHASE_STOPPING,  /* no new connections; open ones end after their request */
    PHASE_LEAVING,   /* out of time: connections are cut */
};

struct serving {
    _Atomic(const struct config *) config; /* the newest; each worker adopts it in its next turn of the loop */
    atomic_int phase;
    atomic_size_t clients; /* connections open or lingering, over all workers */
    atomic_size_t held;    /* bytes that requests under way and answers hold, over all workers; see held.h */
    size_t clients_most;   /* the most that there are descriptors for; set before the first worker starts */
    atomic_bool replaced;  /* the table's file or lock file was deleted or replaced */
    atomic_bool refused;   /* the last reload was refused, and the previous configuration is in use */
    atomic_bool outdated;  /* the configuration's file was changed and not reloaded */
    atomic_size_t workers; /* threads still running */
};

/* Whether the configuration in use is that of the file. */
static inline bool serving_is_current(const struct serving *serving)
{
    return !atomic_load(&serving->refused) && !atomic_load(&serving->outdated);
}

#endif
