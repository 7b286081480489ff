#include "errand.h"

#include <semaphore.h>
#include <stddef.h>
#include <stdlib.h>

#include "ssoferry/background.h"
#include "ssoferry/guard.h"
#include "ssoferry/memory.h"

struct errands {
    pthread_t thread;
    bool running;              /* there is a thread */
    sem_t asked, done;         /* pass what follows to the thread, and back */
    int (*run)(void *context); /* NULL: the thread is to end */
    void *context;
    int code;
    bool left;
};

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
    }
}

static void *serve(void *argument)
{
    struct errands *errands = argument;
    for (bool left = false; !left;) {
        wait_for(&errands->asked);
        if (errands->run == NULL)
            break;
        errands->left = left = !guard_run(errands->run, errands->context, &errands->code);
        sem_post(&errands->done);
    }
    return NULL;
}

struct errands *errands_new(void)
{
    struct errands *errands = memory_zeroed(1, sizeof(*errands));
    sem_init(&errands->asked, 0, 0);
    sem_init(&errands->done, 0, 0);
    return errands;
}

/* Returns only after the kernel has passed on the locks that the thread held. */
static void join(struct errands *errands)
{
    pthread_join(errands->thread, NULL);
    errands->running = false;
}

void errands_free(struct errands *errands)
{
    if (errands == NULL)
        return;
    if (errands->running) {
        errands->run = NULL;
        sem_post(&errands->asked);
        join(errands);
    }
    sem_destroy(&errands->asked);
    sem_destroy(&errands->done);
    free(errands);
}

int errand_run(struct errands *errands, int (*run)(void *context), void *context, bool *left)
{
    *left = false;
    if (!errands->running && background_start(&errands->thread, "usage writer", serve, errands) != 0)
        return ERRAND_NO_THREAD;
    errands->running = true;
    errands->run = run;
    errands->context = context;
    sem_post(&errands->asked);
    wait_for(&errands->done);
    *left = errands->left;
    if (*left)
        join(errands);
    return errands->code;
}
