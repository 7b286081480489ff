#include "ssoferry/background.h"

#include <sched.h>
#include <signal.h>

int background_start(pthread_t *thread, void *(*run)(void *), void *context)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = pthread_create(thread, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    /* Without it the thread does its work all the same. */
    if (problem == 0)
        (void)pthread_setschedparam(*thread, SCHED_BATCH, &(struct sched_param){0});
    return problem;
}
