#include "ssoferry/access_log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ssoferry/access_line.h"
#include "ssoferry/background.h"
#include "ssoferry/clock.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"

enum {
    LANE_SIZE = 4 * 1024 * 1024, /* about 10,000 lines: how far a reader may lag before lines are dropped */
    WAKE_SIZE = 256 * 1024,      /* at this size the writing thread is woken before its interval ends */
    FLUSH_INTERVAL_MS = 100,
    CLOSE_TIMEOUT_MS = 2000,
    LEAVE_TIMEOUT_MS = 2 * CLOSE_TIMEOUT_MS, /* for a thread that cannot see that its time is up */
};

static_assert(WAKE_SIZE % MEMORY_PAGE_MAX == 0, "memory is given back from WAKE_SIZE on, in whole pages");

/* Double-buffered: the worker fills one buffer while the other is being written, and neither waits for the other. */
struct log_lane {
    struct access_log *log;
    char *buffers[2];
    size_t touched[2];                                 /* bytes of each that take up memory; the thread's alone */
    alignas(MEMORY_LINE) atomic_uint_fast64_t filling; /* see filling() */
    atomic_uint_fast64_t dropped;                      /* not yet reported by a line of the log */
    struct access_stamp stamp;                         /* used only by the worker */
};

struct access_log {
    int fd;
    bool is_pipe, is_terminal;
    size_t write_max; /* bytes that one write() takes without blocking */
    size_t lane_count;
    struct log_lane *lanes;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stopping, urgent;
    int64_t deadline; /* monotonic milliseconds, set when stopping had to wait for a reader; the thread's alone */
    bool gave_up;     /* on a stalled reader, while stopping */
    uint64_t lost;    /* lines lost that way; this and `gave_up` are the thread's alone */
    bool outage;      /* writing fails for now; a warning is logged once */
    bool torn;        /* the last line was written only in part; this and `outage` are the thread's alone */
    atomic_uint_fast64_t dropped;
    atomic_bool broken; /* writing has stopped for good: the reader is gone, or stalled while stopping */
};

/* Which buffer is being filled, and how many bytes are in it. The worker only adds bytes to it; the writing thread only
 * goes over to the other buffer, and only if there are any in this one. So a worker whose line is not added, because
 * the buffer has been taken from it meanwhile, finds the other one, and the number never comes back to what it was. */
static uint64_t filling(unsigned buffer, size_t size)
{
    return (uint64_t)size << 1 | buffer;
}

static unsigned buffer_of(uint64_t filling)
{
    return filling & 1;
}

static size_t size_of(uint64_t filling)
{
    return (size_t)(filling >> 1);
}

static void wake(struct access_log *log)
{
    pthread_mutex_lock(&log->mutex);
    log->urgent = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->mutex);
}

void access_log_add(struct log_lane *lane, const struct access_record *record)
{
    struct access_line line;
    uint64_t now = atomic_load_explicit(&lane->filling, memory_order_acquire);
    access_line_format(&line, &lane->stamp, record);
    do {
        if (line.size > LANE_SIZE - size_of(now) || atomic_load_explicit(&lane->log->broken, memory_order_relaxed)) {
            atomic_fetch_add(&lane->dropped, 1);
            atomic_fetch_add(&lane->log->dropped, 1); /* at once, because the writing thread may be stuck for long */
            return;
        }
        memcpy(lane->buffers[buffer_of(now)] + size_of(now), line.bytes, line.size);
    } while (!atomic_compare_exchange_weak_explicit(&lane->filling, &now,
                                                    filling(buffer_of(now), size_of(now) + line.size),
                                                    memory_order_release, memory_order_acquire));
    if (size_of(now) < WAKE_SIZE && size_of(now) + line.size >= WAKE_SIZE)
        wake(lane->log);
}

static bool is_stopping(struct access_log *log)
{
    pthread_mutex_lock(&log->mutex);
    bool stopping = log->stopping;
    pthread_mutex_unlock(&log->mutex);
    return stopping;
}

/* Waits until the descriptor is writable. While stopping, one deadline covers all lanes together, so that a stalled
 * reader cannot keep the program from ending. */
static bool wait_writable(struct access_log *log)
{
    struct pollfd poll_fd = {log->fd, POLLOUT, 0};
    while (poll(&poll_fd, 1, FLUSH_INTERVAL_MS) == 0) {
        if (is_stopping(log)) {
            if (log->deadline == 0)
                log->deadline = (int64_t)clock_monotonic_ms() + CLOSE_TIMEOUT_MS;
            if ((int64_t)clock_monotonic_ms() > log->deadline)
                return false;
        }
    }
    return true;
}

/* Standard error may be the same pipe (2>&1), so whether it still has room is checked under the lock that keeps other
 * writers out. Only pipes are written under that lock: a terminal with little room blocks the writer until it is read.
 */
static ssize_t write_some(struct access_log *log, const char *at, size_t size)
{
    struct pollfd poll_fd = {log->fd, POLLOUT, 0};
    if (!log->is_pipe)
        return write(log->fd, at, size);
    log_hold();
    ssize_t written = poll(&poll_fd, 1, 0) != 0 ? write(log->fd, at, size) : 0;
    int problem = errno;
    log_release();
    errno = problem;
    return written;
}

/* Once the reader is gone, nobody will read any more. Other failures, such as a full disk, may pass. */
static void note_failure(struct access_log *log, int code)
{
    if (code == EPIPE || code == EBADF) {
        log_warning("the request log cannot be written, and is off from now on: %s", strerror(code));
        atomic_store(&log->broken, true);
        return;
    }
    if (!log->outage)
        log_warning("lines of the request log are lost until it can be written again: %s", strerror(code));
    log->outage = true;
}

/* Returns how many bytes at the end were not written. */
static size_t write_all(struct access_log *log, const char *at, size_t size)
{
    while (size > 0 && !atomic_load(&log->broken)) {
        if (!wait_writable(log)) {
            log->gave_up = true;
            atomic_store(&log->broken, true);
            break;
        }
        ssize_t written = write_some(log, at, size < log->write_max ? size : log->write_max);
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            note_failure(log, errno);
            break;
        }
        if (written > 0) {
            at += written;
            size -= (size_t)written;
            log->torn = at[-1] != '\n';
        }
    }
    return size;
}

/* Writes whole lines, first ending one that was cut off. Returns as write_all(). */
static size_t write_lines(struct access_log *log, const char *at, size_t size)
{
    if (size == 0 || (log->torn && write_all(log, "\n", 1) > 0))
        return size;
    size_t left = write_all(log, at, size);
    if (left == 0 && log->outage) {
        log->outage = false;
        log_info("the request log is written again");
    }
    return left;
}

static uint64_t count_lines(const char *at, size_t size)
{
    uint64_t lines = 0;
    const char *end = at + size;
    for (; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; ++at)
        ++lines;
    return lines;
}

/* `lost` lines failed to be written just now. `dropped` lines are already counted, but the log has not mentioned them
 * yet; it will mention both when it can be written again. */
static void tell_dropped(struct access_log *log, struct log_lane *lane, uint64_t lost, uint64_t dropped)
{
    char note[96];
    int length =
        snprintf(note, sizeof(note), "{\"event\":\"log_lines_dropped\",\"lines\":%llu}\n", (unsigned long long)dropped);
    atomic_fetch_add(&log->dropped, lost);
    if (lost == 0 && (dropped == 0 || write_lines(log, note, (size_t)length) == 0))
        return;
    if (log->gave_up)
        log->lost += dropped;
    atomic_fetch_add(&lane->dropped, lost + dropped);
}

/* Gives back what a peak took of a buffer, once it is over: a daemon that keeps it looks as if it leaked. */
static void forget_peak(struct log_lane *lane, unsigned buffer, size_t size)
{
    if (size > lane->touched[buffer]) {
        lane->touched[buffer] = size;
    } else if (size < WAKE_SIZE && lane->touched[buffer] > WAKE_SIZE) {
        memory_pages_clear(lane->buffers[buffer], WAKE_SIZE, LANE_SIZE);
        lane->touched[buffer] = WAKE_SIZE;
    }
}

static void flush_lane(struct access_log *log, struct log_lane *lane)
{
    const uint64_t dropped = atomic_exchange(&lane->dropped, 0);
    uint64_t now = atomic_load_explicit(&lane->filling, memory_order_relaxed);
    if (size_of(now) > 0)
        now = atomic_exchange_explicit(&lane->filling, filling(!buffer_of(now), 0), memory_order_acq_rel);
    const char *full = lane->buffers[buffer_of(now)];
    const size_t size = size_of(now);

    size_t left = write_lines(log, full, size);
    const uint64_t lost = count_lines(full + size - left, left);
    if (log->gave_up)
        log->lost += lost + dropped;
    else
        tell_dropped(log, lane, lost, dropped);
    if (size > 0) /* otherwise the worker is filling it */
        forget_peak(lane, buffer_of(now), size);
}

static bool wait_for_work(struct access_log *log)
{
    const struct timespec until = background_until(FLUSH_INTERVAL_MS * UINT64_C(1000000));
    pthread_mutex_lock(&log->mutex);
    while (!log->stopping && !log->urgent && pthread_cond_timedwait(&log->wake, &log->mutex, &until) != ETIMEDOUT) {
    }
    log->urgent = false;
    bool stopping = log->stopping;
    pthread_mutex_unlock(&log->mutex);
    return !stopping;
}

static void *run(void *argument)
{
    struct access_log *log = argument;
    bool more = true;
    while (more) {
        more = wait_for_work(log);
        for (size_t i = 0; i < log->lane_count; ++i)
            flush_lane(log, &log->lanes[i]);
    }
    if (log->gave_up)
        log_warning("lines of the request log that were lost at the end: %" PRIu64
                    "; whatever reads standard output had stopped",
                    log->lost);
    return NULL;
}

static void free_log(struct access_log *log)
{
    for (size_t i = 0; i < log->lane_count; ++i) {
        memory_pages_free(log->lanes[i].buffers[0], LANE_SIZE);
        memory_pages_free(log->lanes[i].buffers[1], LANE_SIZE);
    }
    pthread_mutex_destroy(&log->mutex);
    pthread_cond_destroy(&log->wake);
    free(log->lanes);
    free(log);
}

bool access_log_open(struct access_log **opened, int fd, size_t lanes, struct error *error)
{
    struct access_log *log = memory_zeroed(1, sizeof(*log));
    struct stat status;
    log->fd = fd;
    /* A pipe that poll() reports writable takes PIPE_BUF bytes without blocking; a regular file takes any number. */
    bool known = fstat(fd, &status) == 0;
    log->is_pipe = known && S_ISFIFO(status.st_mode);
    log->is_terminal = isatty(fd);
    log->write_max = known && S_ISREG(status.st_mode) ? LANE_SIZE : PIPE_BUF;
    log->lane_count = lanes;
    log->lanes = memory_lines(lanes, sizeof(*log->lanes));
    pthread_mutex_init(&log->mutex, NULL);
    background_condition(&log->wake);
    for (size_t i = 0; i < lanes; ++i) {
        struct log_lane *lane = &log->lanes[i];
        lane->log = log;
        lane->buffers[0] = memory_large(LANE_SIZE);
        lane->buffers[1] = memory_large(LANE_SIZE);
        lane->stamp.second = -1;
    }
    int problem = background_start(&log->thread, "log", run, log);
    if (problem != 0) {
        free_log(log);
        return background_fail(problem, "the request log's thread", error);
    }
    *opened = log;
    return true;
}

/* Waits for the thread. A terminal that nobody reads reports room when it has less than a write needs, and then write()
 * never returns. False if the thread must be left there. */
static bool join(struct access_log *log)
{
    if (!log->is_terminal)
        return pthread_join(log->thread, NULL) == 0;
    const struct timespec until = background_until(LEAVE_TIMEOUT_MS * UINT64_C(1000000));
    return pthread_clockjoin_np(log->thread, NULL, CLOCK_MONOTONIC, &until) == 0;
}

void access_log_close(struct access_log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->mutex);
    log->stopping = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->mutex);
    if (join(log))
        free_log(log);
    else
        log_warning("the end of the request log is lost: the terminal on standard output has stopped");
}

struct log_lane *access_log_lane(struct access_log *log, size_t index)
{
    return &log->lanes[index];
}

uint64_t access_log_dropped(struct access_log *log)
{
    return atomic_load(&log->dropped);
}
