#include "worker_state.h"

#include "ssoferry/clock.h"

enum { WARN_INTERVAL_MS = 1000 };

bool worker_may_warn(struct worker *worker)
{
    uint64_t now = clock_monotonic_ms();
    bool may = now - worker->warned_at >= WARN_INTERVAL_MS;
    if (may)
        worker->warned_at = now;
    return may;
}
