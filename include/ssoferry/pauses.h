/* Pauses in bulk work, so that a program does not keep a processor from threads that answer requests on it. */
#ifndef SSOFERRY_PAUSES_H
#define SSOFERRY_PAUSES_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* State of the pauses; only pauses.c looks inside. All zeros: not pausing. */
struct pauses {
    timer_t timer;
    bool running; /* the timer exists */
    /* A backup has two threads, and the signal comes in either; never in both at once, since the timer is set anew only
     * when the last pause is over. */
    _Atomic long given_away;   /* how often the processor had been given up when the last pause ended */
    _Atomic int64_t waited_ns; /* time until the next look at whether the program still waits */
};

/* From now on the calling program stops for about 50 us after every 50 us of work. After a pause that took longer it
 * works for a quarter of the pause's length, so that it also gets done on a processor that is never idle. It pauses
 * whether or not anybody wants the processor: a pausing program cannot tell, and working on to find out is what others
 * would feel.
 *
 * A scheduler policy (background_step_back()) is not enough. A thread that wakes up during another's slice may have to
 * wait for the kernel's next tick, up to 4 ms with 250 a second; and between control groups, such as a service and a
 * shell, neither policy nor nice value counts.
 *
 * Only for a program of one thread, or of one more in which LMDB writes a backup: SIGALRM (timer_create(2)) interrupts
 * the work. System calls are restarted, except those that never are (signal(7)); while one waits, hardly any signal
 * comes. Without a timer there are no pauses. `pauses` must not move until pauses_end(). */
void pauses_begin(struct pauses *pauses);

/* Stops pausing. */
void pauses_end(struct pauses *pauses);

#endif
