/* Threads that give way to those answering requests, and their waits. */
#ifndef SSOFERRY_BACKGROUND_H
#define SSOFERRY_BACKGROUND_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "ssoferry/error.h"

/* Starts a thread with every signal blocked except SIGBUS and SIGSEGV: the others are for the program's other threads,
 * but these come from what this thread itself reads. The thread gives way to those answering requests, whose slowest
 * answers would otherwise show every burst of writing: its wake-ups do not preempt them (SCHED_BATCH, sched(7)), and it
 * gets the smaller share of a processor they share (nice(2)). If a system call filter forbids that, as the systemd
 * unit's does, it runs like any other thread. `name`, at most 15 bytes, is what top(1) and gdb(1) show. Returns 0 or an
 * errno. */
int background_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context)
    __attribute__((warn_unused_result));

/* Says that a thread cannot be started, for `problem`, an errno, and what to do. False, for the caller to return. */
bool background_fail(int problem, const char *thread, struct error *error);

/* Initializes a condition whose timed waits use CLOCK_MONOTONIC. With the wall clock, setting the time back would stall
 * a thread that waits for an interval. The caller destroys it. */
void background_condition(pthread_cond_t *condition);

/* The CLOCK_MONOTONIC time `ns` nanoseconds from now, for a timed wait. */
struct timespec background_until(uint64_t ns);

/* Lowers the calling thread's priority as background_start() does, for a program whose bulk work must not slow down a
 * daemon on the same machine. The work takes longer only if processors are short. A thread that already has a higher
 * nice value, or runs at SCHED_IDLE, keeps it. */
void background_step_back(void);

#endif
