#include "reporter.h"

#include <stdlib.h>

#include "ssoferry/background.h"
#include "ssoferry/clock.h"
#include "ssoferry/memory.h"

struct reporter {
    struct worker *asker;
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t mutex; /* for everything below */
    pthread_cond_t changed;
    enum { IDLE, ASKED, DONE } state;
    struct admin_report_sources sources; /* if ASKED */
    struct reported reported;            /* if DONE */
};

static void make(struct reporter *reporter)
{
    struct error ignored; /* the answer says it in general; what is wrong with a file, others say on stderr */
    struct reported *reported = &reporter->reported;
    *reported = (struct reported){.began_ns = clock_monotonic_ns()};
    if (!admin_report(&reporter->sources, &reporter->stopping, &reported->body, &reported->stamp, &ignored))
        reported->body = NULL;
    reported->ended_ns = clock_monotonic_ns();
    admin_report_sources_release(&reporter->sources);
}

/* The asker leaves `sources` and `reported` alone while it waits, so the mutex is free meanwhile. */
static void *run(void *argument)
{
    struct reporter *reporter = argument;
    pthread_mutex_lock(&reporter->mutex);
    while (!atomic_load(&reporter->stopping)) {
        if (reporter->state != ASKED) {
            pthread_cond_wait(&reporter->changed, &reporter->mutex);
            continue;
        }
        pthread_mutex_unlock(&reporter->mutex);
        make(reporter);
        pthread_mutex_lock(&reporter->mutex);
        reporter->state = DONE;
        if (!atomic_load(&reporter->stopping))
            worker_wake(reporter->asker);
    }
    pthread_mutex_unlock(&reporter->mutex);
    return NULL;
}

static void release(struct reporter *reporter)
{
    if (reporter->state == ASKED)
        admin_report_sources_release(&reporter->sources);
    if (reporter->state == DONE)
        free(reporter->reported.body);
    pthread_cond_destroy(&reporter->changed);
    pthread_mutex_destroy(&reporter->mutex);
    free(reporter);
}

bool reporter_start(struct reporter **started, struct worker *asker, struct error *error)
{
    struct reporter *reporter = memory_zeroed(1, sizeof(*reporter));
    reporter->asker = asker;
    pthread_mutex_init(&reporter->mutex, NULL);
    pthread_cond_init(&reporter->changed, NULL);
    const int problem = background_start(&reporter->thread, "reporter", run, reporter);
    if (problem == 0) {
        *started = reporter;
        return true;
    }
    release(reporter);
    return background_fail(problem, "the thread that makes reports", error);
}

void reporter_ask(struct reporter *reporter, const struct admin_report_sources *sources)
{
    pthread_mutex_lock(&reporter->mutex);
    reporter->sources = *sources;
    reporter->state = ASKED;
    pthread_cond_signal(&reporter->changed);
    pthread_mutex_unlock(&reporter->mutex);
}

bool reporter_take(struct reporter *reporter, struct reported *reported)
{
    pthread_mutex_lock(&reporter->mutex);
    const bool done = reporter->state == DONE;
    if (done) {
        *reported = reporter->reported;
        reporter->state = IDLE;
    }
    pthread_mutex_unlock(&reporter->mutex);
    return done;
}

void reporter_give_up(struct reporter *reporter)
{
    pthread_mutex_lock(&reporter->mutex);
    atomic_store(&reporter->stopping, true);
    pthread_cond_signal(&reporter->changed);
    pthread_mutex_unlock(&reporter->mutex);
}

void reporter_free(struct reporter *reporter)
{
    pthread_join(reporter->thread, NULL);
    release(reporter);
}
