/* Pauses in bulk work, so that a program does not keep a processor from those who answer requests on it. */
#ifndef SSOFERRY_PAUSES_H
#define SSOFERRY_PAUSES_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Where it is (pauses.c alone looks inside). Zeroes: there are none. */
struct pauses {
    timer_t timer;
    bool running;      /* there is a timer */
    long given_away;   /* how often the processor had been when the last pause ended */
    int64_t waited_ns; /* until it is next looked whether it still waits */
};

/* From now on the calling program stops for some 50 us after each 50 us that it has worked, and works for a
 * quarter of the time that a longer pause has lasted, so that it comes to its end on a processor that is never idle. It
 * does so whether or not somebody wants the processor: who pauses does not see that, and to find it out by working on
 * is what would be felt.
 *
 * A policy of the scheduler (background_step_back()) is not enough. Who wakes up while another thread is in its slice
 * may have to wait for the kernel's next tick, 4 ms later with 250 of them a second; and between control groups, so
 * between a service and a shell, neither policy nor nice value count.
 *
 * For a program of one thread: the work is interrupted by SIGALRM (timer_create(2)). System calls go on, but for those
 * which never do (signal(7)); while one waits, hardly any signal comes. Where there is no timer to be had, nothing
 * pauses. `pauses` stays where it is until pauses_end(). */
void pauses_begin(struct pauses *pauses);

/* No more of them. */
void pauses_end(struct pauses *pauses);

#endif
