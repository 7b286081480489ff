/* Threads that work behind the ones that answer requests. */
#ifndef SSOFERRY_BACKGROUND_H
#define SSOFERRY_BACKGROUND_H

#include <pthread.h>

/* Starts a thread that gets no signals, for these are the program's other threads', and that does not take a processor
 * away from a thread which answers requests whenever it wakes up (SCHED_BATCH, sched(7)): on one processor a burst of
 * writing would else be seen in the slowest answers. Its share of the processor is as large as any other's. Returns 0,
 * or an errno. */
int background_start(pthread_t *thread, void *(*run)(void *), void *context) __attribute__((warn_unused_result));

#endif
