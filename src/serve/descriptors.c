#include "descriptors.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/resource.h>

#include "ssoferry/log.h"

enum {
    OF_A_LOOP = 4,    /* epoll and the pipe that wakes the loop */
    SPARE = 32,       /* for a reload, the report, and reopening the usage file */
    LOOKED_AT = 1024, /* many more than the daemon has open before it lets clients in */
};

static rlim_t limit_now(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)!setrlimit(RLIMIT_NOFILE, &limit); /* descriptors_warn_of() reports what the limit means for clients */
}

/* Each is asked for, since some below those that are open may be free again. */
static size_t count_open(rlim_t limit)
{
    size_t open = 0;
    for (int fd = 0; fd < LOOKED_AT && (rlim_t)fd < limit; ++fd)
        open += fcntl(fd, F_GETFD) != -1;
    return open;
}

bool descriptors_for_clients(size_t loops, size_t admin, size_t *clients, struct error *error)
{
    rlim_t limit = limit_now();
    *clients = SIZE_MAX;
    if (limit == RLIM_INFINITY || limit > SIZE_MAX)
        return true;
    size_t open = count_open(limit), loop = loops * OF_A_LOOP;
    if (open >= limit || loop >= limit - open)
        return error_set(error, ERROR_FAILED,
                         "the limit on open files (%zu) is too low for the daemon itself: raise it (LimitNOFILE= of "
                         "the unit, ulimit -n)",
                         (size_t)limit);
    size_t left = (size_t)limit - open - loop;
    /* If few are left, keep back only half: a gateway that accepts no clients is of no use. */
    size_t kept = admin + SPARE < left / 2 ? admin + SPARE : left / 2;
    *clients = left - kept;
    return true;
}

void descriptors_warn_of(uint64_t wanted, size_t possible)
{
    if (wanted > possible)
        log_warning("limits.connections is %" PRIu64 ", but the limit on open files leaves room for %zu connection%s: "
                    "raise it (LimitNOFILE= of the unit, ulimit -n)",
                    wanted, possible, possible == 1 ? "" : "s");
}
