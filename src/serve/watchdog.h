/* Feeds systemd's watchdog from a thread of its own. What the main thread looks at (the configuration, the store,
 * certificates) may be on a disk that hangs, while the workers answer as ever: that is no reason to be killed. */
#ifndef SSOFERRY_WATCHDOG_H
#define SSOFERRY_WATCHDOG_H

#include "worker.h"

struct watchdog;

/* Begins to feed it as long as the loops of all workers keep turning, so that a daemon is restarted if one hangs.
 * *watchdog is NULL if systemd expects none. The workers must outlive it. */
bool watchdog_start(struct watchdog **watchdog, const struct worker *workers, size_t count, struct error *error)
    __attribute__((warn_unused_result));

/* Returns once nothing feeds it any more, and frees it. NULL is fine. */
void watchdog_stop(struct watchdog *watchdog);

#endif
