/* Pauses in bulk work, so that a program does not keep a processor from those who answer requests on it. */
#ifndef SSOFERRY_PAUSES_H
#define SSOFERRY_PAUSES_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Where it is (pauses.c alone looks inside). */
struct pauses {
    timer_t timer;
    bool running;     /* there is a timer */
    bool pausing;     /* somebody wants the processor */
    long interrupted; /* how often we had been when we last looked */
    long often;       /* so many more at the next look are often */
    int64_t until_ns; /* of CLOCK_MONOTONIC; while pausing */
};

/* From now on the calling program stops for some 50 us after each 50 us that it has worked, and works as long as a
 * long pause has lasted, for as long as others take the processor from it often: some 200 times a second
 * and more. Where nobody does, it is looked a hundred times a second, and that is all.
 *
 * A policy of the scheduler (background_step_back()) is not enough. Who wakes up while another thread is in its slice
 * may have to wait for the kernel's next tick, 4 ms later with 250 of them a second; and between control groups, so
 * between a service and a shell, neither policy nor nice value count.
 *
 * For a program of one thread: the work is interrupted by SIGALRM (timer_create(2)). System calls go on, but for those
 * which never do (signal(7)). Where there is no timer to be had, nothing pauses. `pauses` stays where it is until
 * pauses_end(). */
void pauses_begin(struct pauses *pauses);

/* No more of them. */
void pauses_end(struct pauses *pauses);

#endif
