/* For LD_PRELOAD into a daemon: its clock is $CLOCK_BEHIND_BY seconds (an hour, if not set) behind for as long as the
 * file $CLOCK_BEHIND_WHILE is there, and $CLOCK_BEHIND_DAYS days and $CLOCK_BEHIND_SECONDS seconds behind all along.
 * gettimeofday() alone, which only libh2o's loops ask, is $CLOCK_LOOP_BEHIND_SECONDS more behind, as in a turn of the
 * loop that began so long ago. Clocks that never go back do not; they are five minutes further on from when the file
 * $CLOCK_LATER_ONCE is there, and $CLOCK_STEP_MS milliseconds further on each time they are asked, as where everything
 * takes long. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static bool is_there(const char *variable)
{
    const char *file = getenv(variable);
    return file != NULL && access(file, F_OK) == 0;
}

static time_t number(const char *variable, time_t otherwise)
{
    const char *value = getenv(variable);
    return value != NULL ? atoi(value) : otherwise;
}

static time_t behind(void)
{
    time_t all_along = number("CLOCK_BEHIND_DAYS", 0) * DAY + number("CLOCK_BEHIND_SECONDS", 0);
    return all_along + (is_there("CLOCK_BEHIND_WHILE") ? number("CLOCK_BEHIND_BY", HOUR) : 0);
}

static void step(struct timespec *now)
{
    static atomic_long asked;
    long passed = ++asked * number("CLOCK_STEP_MS", 0);
    now->tv_sec += passed / 1000;
    now->tv_nsec += passed % 1000 * 1000000;
    now->tv_sec += now->tv_nsec / 1000000000;
    now->tv_nsec %= 1000000000;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec -= behind();
    if (failed == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE)) {
        now->tv_sec += is_there("CLOCK_LATER_ONCE") ? 5 * MINUTE : 0;
        step(now);
    }
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    int failed = clock_gettime(CLOCK_REALTIME, &exact);
    *now = (struct timeval){exact.tv_sec - number("CLOCK_LOOP_BEHIND_SECONDS", 0), exact.tv_nsec / 1000};
    return failed;
}
