/* For LD_PRELOAD into a daemon: the child that looks into the usage file hangs for as long as the file $STUCK_WHILE is
 * there, as on a disk that does not answer. With STUCK_DEEP no signal reaches it, and the parent is out of patience
 * after a second; with STUCK_FOREVER neither happens; else its alarm rings after a second. */
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { LONG_MS = 30 * 1000 };

static bool is_deep(void)
{
    return getenv("STUCK_DEEP") != NULL;
}

static bool is_forever(void)
{
    return getenv("STUCK_FOREVER") != NULL;
}

static void hang(const char *file)
{
    sigset_t all;
    sigfillset(&all);
    if (is_deep())
        sigprocmask(SIG_SETMASK, &all, NULL);
    while (access(file, F_OK) == 0)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
}

unsigned alarm(unsigned seconds)
{
    unsigned (*next)(unsigned) = (unsigned (*)(unsigned))dlsym(RTLD_NEXT, "alarm");
    return next(is_forever() ? 0 : is_deep() ? seconds : 1);
}

int poll(struct pollfd *descriptors, nfds_t count, int timeout)
{
    int (*next)(struct pollfd *, nfds_t, int) = (int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
    if (timeout > LONG_MS)
        timeout = is_forever() ? -1 : is_deep() ? 1000 : timeout;
    return next(descriptors, count, timeout);
}

/* The child's first call of its own. */
int prctl(int option, ...)
{
    int (*next)(int, ...) = (int (*)(int, ...))dlsym(RTLD_NEXT, "prctl");
    unsigned long arguments[4];
    va_list rest;
    va_start(rest, option);
    for (int i = 0; i < 4; ++i)
        arguments[i] = va_arg(rest, unsigned long); /* where there is none, nobody looks at it */
    va_end(rest);
    if (option == PR_SET_DUMPABLE && arguments[0] == 0 && getenv("STUCK_WHILE") != NULL)
        hang(getenv("STUCK_WHILE"));
    return next(option, arguments[0], arguments[1], arguments[2], arguments[3]);
}
