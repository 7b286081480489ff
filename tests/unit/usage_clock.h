/* Clocks that the test sets, in place of libc's: the program has one test of its own, so they are defined here. */
#ifndef SSOFERRY_TESTS_USAGE_CLOCK_H
#define SSOFERRY_TESTS_USAGE_CLOCK_H

#include <dlfcn.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ssoferry/clock.h"

static atomic_int hours_passed, days_jumped; /* of all clocks; of the one that can be set */
static time_t until_noon;                    /* when the tests begin: none runs into the next day */

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, time);
    time->tv_sec += 3600 * (time_t)atomic_load(&hours_passed);
    if (clock == CLOCK_REALTIME)
        time->tv_sec += (time_t)86400 * atomic_load(&days_jumped) + until_noon;
    return failed;
}

/* The kernel, which waits, does not know of the hours. */
int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict until)
{
    int (*wait)(sem_t *, clockid_t, const struct timespec *) = NULL;
    void *found = dlsym(RTLD_NEXT, "sem_clockwait");
    const struct timespec real = {until->tv_sec - 3600 * (time_t)atomic_load(&hours_passed), until->tv_nsec};
    memcpy(&wait, &found, sizeof(wait));
    return wait(semaphore, clock, &real);
}

static inline int begin_at_noon(void **state)
{
    (void)state;
    until_noon = 86400 / 2 - clock_utc_us() / 1000000 % 86400;
    return 0;
}

#endif
