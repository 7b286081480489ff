#include "descriptors.h"

#include <inttypes.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ssoferry/log.h"

enum {
    OF_A_LOOP = 4, /* epoll and the pipe that wakes the loop */
    SPARE = 32, /* for a reload, the report, reopening the usage file, and inherited descriptors with gaps below them */
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

/* The kernel assigns the lowest free number, so every lower one is open. */
static size_t count_open(void)
{
    int lowest = eventfd(0, EFD_CLOEXEC);
    if (lowest < 0)
        return SIZE_MAX;
    close(lowest);
    return (size_t)lowest;
}

size_t descriptors_for_clients(size_t loops, size_t admin)
{
    rlim_t limit = limit_now();
    if (limit == RLIM_INFINITY || limit > SIZE_MAX)
        return SIZE_MAX;
    size_t open = count_open(), loop = loops * OF_A_LOOP;
    size_t left = open < limit && loop < limit - open ? (size_t)limit - open - loop : 0;
    /* If few are left, keep back only half: a gateway that accepts no clients is of no use. */
    size_t kept = admin + SPARE < left / 2 ? admin + SPARE : left / 2;
    return left > kept ? left - kept : 1;
}

void descriptors_warn_of(uint64_t wanted, size_t possible)
{
    if (wanted > possible)
        log_warning("limits.connections is %" PRIu64 ", but the limit on open files leaves room for %zu connections: "
                    "raise it (LimitNOFILE= of the unit, ulimit -n)",
                    wanted, possible);
}
