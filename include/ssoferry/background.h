/* Threads that work behind the ones that answer requests. */
#ifndef SSOFERRY_BACKGROUND_H
#define SSOFERRY_BACKGROUND_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* Starts a thread that gets no signals, for these are the program's other threads', but SIGBUS, which is of what the
 * thread itself reads. It gives way to threads which answer requests: it does not take a processor from one of them by
 * waking up (SCHED_BATCH, sched(7)), and of a processor that they share it gets the smaller part (nice(2)). A burst of
 * writing would else be seen in the slowest answers. Where a filter of system calls refuses that, as the systemd unit's
 * does, it is a thread like the others. `name`, of 15 bytes at most, is what top(1) and gdb(1) call it.
 * Returns 0, or an errno. */
int background_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context)
    __attribute__((warn_unused_result));

/* A condition whose timed waits go by CLOCK_MONOTONIC: the other clock may be set back, and a thread that waits for its
 * interval would stand still for so long. To be destroyed by its owner. */
void background_condition(pthread_cond_t *condition);

/* Until when to wait, by the same clock, for it to be so many nanoseconds from now. */
struct timespec background_until(uint64_t ns);

/* The same as background_start() for the calling thread: for a program whose bulk work a daemon on the same machine is
 * not to feel. Work takes longer only where processors are short. Somebody who was nicer already stays so, and so does
 * who runs at SCHED_IDLE. */
void background_step_back(void);

#endif
