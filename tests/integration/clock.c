/* For LD_PRELOAD into a daemon: its clock is an hour behind for as long as the file $CLOCK_BEHIND_WHILE is there, and
 * $CLOCK_BEHIND_DAYS days behind all along. Clocks that never go back do not. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { HOUR = 3600, DAY = 24 * HOUR };

static time_t behind(void)
{
    const char *file = getenv("CLOCK_BEHIND_WHILE");
    const char *days = getenv("CLOCK_BEHIND_DAYS");
    return (file != NULL && access(file, F_OK) == 0 ? HOUR : 0) + (days != NULL ? atoi(days) * (time_t)DAY : 0);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec -= behind();
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
