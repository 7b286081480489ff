/* For LD_PRELOAD into a daemon: the child that looks into the usage file hangs for as long as the file $STUCK_WHILE is
 * there, as on a disk that does not answer. With STUCK_DEEP no signal reaches it, and the parent is out of patience
 * after a second; with STUCK_FOREVER neither happens; else its alarm rings after a second. With
 * STUCK_WITHOUT_CLOSE_RANGE the kernel is one that does not know that call. */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { LONG_MS = 30 * 1000 };

static bool is_child;

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

int close_range(unsigned first, unsigned last, int flags)
{
    int (*next)(unsigned, unsigned, int) = (int (*)(unsigned, unsigned, int))dlsym(RTLD_NEXT, "close_range");
    if (getenv("STUCK_WITHOUT_CLOSE_RANGE") == NULL)
        return next(first, last, flags);
    errno = ENOSYS;
    return -1;
}

/* The child alone calls this so, before it opens the file. */
int prctl(int option, ...)
{
    int (*next)(int, ...) = (int (*)(int, ...))dlsym(RTLD_NEXT, "prctl");
    unsigned long arguments[4];
    va_list rest;
    va_start(rest, option);
    for (int i = 0; i < 4; ++i)
        arguments[i] = va_arg(rest, unsigned long); /* where there is none, nobody looks at it */
    va_end(rest);
    is_child = is_child || (option == PR_SET_DUMPABLE && arguments[0] == 0);
    return next(option, arguments[0], arguments[1], arguments[2], arguments[3]);
}

struct MDB_env; /* LMDB's */

int mdb_env_open(struct MDB_env *env, const char *path, unsigned flags, mode_t mode)
{
    int (*next)(struct MDB_env *, const char *, unsigned, mode_t) =
        (int (*)(struct MDB_env *, const char *, unsigned, mode_t))dlsym(RTLD_NEXT, "mdb_env_open");
    if (is_child && getenv("STUCK_WHILE") != NULL)
        hang(getenv("STUCK_WHILE"));
    return next(env, path, flags, mode);
}
