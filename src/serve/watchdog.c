#include "watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <systemd/sd-daemon.h>

#include "ssoferry/background.h"
#include "ssoferry/memory.h"

enum { FEEDS = 4 }; /* in the time after which systemd loses patience */

struct watchdog {
    const struct worker *workers;
    size_t count;
    uint64_t interval_ns;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stopping;
};

static bool all_turn(const struct watchdog *watchdog)
{
    for (size_t i = 0; i < watchdog->count; ++i) {
        if (worker_silence_ms(&watchdog->workers[i]) > WORKER_STUCK_MS)
            return false;
    }
    return true;
}

/* False once it is to stop. */
static bool wait_for_next(struct watchdog *watchdog)
{
    const struct timespec until = background_until(watchdog->interval_ns);
    pthread_mutex_lock(&watchdog->mutex);
    while (!watchdog->stopping && pthread_cond_timedwait(&watchdog->wake, &watchdog->mutex, &until) != ETIMEDOUT) {
    }
    const bool stopping = watchdog->stopping;
    pthread_mutex_unlock(&watchdog->mutex);
    return !stopping;
}

static void *run(void *context)
{
    struct watchdog *watchdog = context;
    while (wait_for_next(watchdog)) {
        if (all_turn(watchdog))
            sd_notify(0, "WATCHDOG=1");
    }
    return NULL;
}

static void free_watchdog(struct watchdog *watchdog)
{
    pthread_cond_destroy(&watchdog->wake);
    pthread_mutex_destroy(&watchdog->mutex);
    free(watchdog);
}

bool watchdog_start(struct watchdog **started, const struct worker *workers, size_t count, struct error *error)
{
    uint64_t patience_us = 0;
    *started = NULL;
    if (sd_watchdog_enabled(0, &patience_us) <= 0)
        return true;
    struct watchdog *watchdog = memory_zeroed(1, sizeof(*watchdog));
    watchdog->workers = workers;
    watchdog->count = count;
    watchdog->interval_ns = patience_us * 1000 / FEEDS;
    pthread_mutex_init(&watchdog->mutex, NULL);
    background_condition(&watchdog->wake);
    const int problem = background_start(&watchdog->thread, "watchdog", run, watchdog);
    if (problem != 0) {
        free_watchdog(watchdog);
        return background_fail(problem, "the watchdog's thread", error);
    }
    *started = watchdog;
    return true;
}

void watchdog_stop(struct watchdog *watchdog)
{
    if (watchdog == NULL)
        return;
    pthread_mutex_lock(&watchdog->mutex);
    watchdog->stopping = true;
    pthread_cond_signal(&watchdog->wake);
    pthread_mutex_unlock(&watchdog->mutex);
    pthread_join(watchdog->thread, NULL);
    free_watchdog(watchdog);
}
