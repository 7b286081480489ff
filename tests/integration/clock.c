/* For LD_PRELOAD into a daemon: its clock is an hour behind for as long as the file $CLOCK_BEHIND_WHILE is there, and
 * $CLOCK_BEHIND_DAYS days and $CLOCK_BEHIND_SECONDS seconds behind all along. Clocks that never go back do not; they are an hour further on from when the
 * file $CLOCK_LATER_ONCE is there. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { HOUR = 3600, DAY = 24 * HOUR };

/* An hour if there is the file that the variable names. */
static time_t hour_if(const char *variable)
{
    const char *file = getenv(variable);
    return file != NULL && access(file, F_OK) == 0 ? HOUR : 0;
}

static time_t number(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL ? atoi(value) : 0;
}

static time_t behind(void)
{
    return hour_if("CLOCK_BEHIND_WHILE") + number("CLOCK_BEHIND_DAYS") * DAY + number("CLOCK_BEHIND_SECONDS");
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec -= behind();
    if (failed == 0 && clock == CLOCK_MONOTONIC)
        now->tv_sec += hour_if("CLOCK_LATER_ONCE");
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    int failed = clock_gettime(CLOCK_REALTIME, &exact);
    *now = (struct timeval){exact.tv_sec, exact.tv_nsec / 1000};
    return failed;
}
