#include "worker_state.h"

enum { WARN_INTERVAL_MS = 1000 };

bool worker_may_warn(struct worker *worker)
{
    uint64_t now = h2o_now(worker->context.loop);
    bool may = now - worker->warned_at >= WARN_INTERVAL_MS;
    if (may)
        worker->warned_at = now;
    return may;
}
