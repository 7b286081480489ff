#include "ssoferry/access_log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ssoferry/background.h"
#include "ssoferry/bytes.h"
#include "ssoferry/clock.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"

enum {
    LANE_SIZE = 4 * 1024 * 1024, /* some 10,000 lines: a reader may be slow for a while before any is dropped */
    WAKE_SIZE = 256 * 1024,      /* the writing thread need not wait for its interval */
    LINE_SIZE_MAX = 8192,
    PATH_SHOWN_MAX = 256,
    FLUSH_INTERVAL_MS = 100,
    CLOSE_TIMEOUT_MS = 2000,
    ESCAPED_BYTE_MAX = 6, /* \u00XX */
};

/* Two buffers: the worker fills one while the other is being written. */
struct log_lane {
    pthread_mutex_t mutex;
    struct access_log *log;
    char *filling, *writing;
    size_t filled;
    uint64_t dropped; /* that no line has told yet */
    time_t second;    /* that `stamp` stands for; the worker's alone */
    char stamp[24];
};

struct access_log {
    int fd;
    size_t write_max; /* bytes that one write takes without waiting for a reader */
    size_t lane_count;
    struct log_lane *lanes;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stopping, urgent;
    int64_t deadline; /* monotonic milliseconds, once it is stopping and has waited for a reader; the thread's alone */
    bool gave_up;     /* at the end, on a reader that has stopped */
    uint64_t lost;    /* lines that it has not read; both the thread's alone */
    atomic_uint_fast64_t dropped;
    atomic_bool broken; /* the descriptor failed, which is said once; or its reader has stopped at the end */
};

/* A line being put together. Every piece is bounded, and LINE_SIZE_MAX covers their sum. */
struct line {
    size_t size;
    char bytes[LINE_SIZE_MAX];
};

static inline void put(struct line *line, struct text t)
{
    if (t.size == 0 || t.size > sizeof(line->bytes) - line->size)
        return;
    memcpy(line->bytes + line->size, t.at, t.size);
    line->size += t.size;
}

static void put_number(struct line *line, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    put(line, text_slice(digits + at, sizeof(digits) - at));
}

/* What may stand in a JSON string as it is; of the bytes over 0x7f, those of good UTF-8 (RFC 8259 section 7). */
static bool is_plain(unsigned char byte, bool utf8)
{
    return byte >= 0x80 ? utf8 : byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\';
}

static void put_escape(struct line *line, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    const char escape[ESCAPED_BYTE_MAX] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    put(line, byte >= 0x80 ? TEXT("\\ufffd") : text_slice(escape, sizeof(escape)));
}

/* Whether eight bytes are plain, and ASCII. */
static bool are_plain(uint64_t eight)
{
    return !bytes_any_high(eight) && !bytes_any_below(eight, 0x20) && !bytes_any_is(eight, 0x7f) &&
           !bytes_any_is(eight, '"') && !bytes_any_is(eight, '\\');
}

/* How many bytes at the start need no second look. */
static size_t plain_start(struct text t)
{
    size_t at = 0;
    for (; t.size - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        if (!are_plain(bytes_load(t.at + at)))
            return at;
    }
    while (at < t.size && is_plain((unsigned char)t.at[at], false))
        ++at;
    return at;
}

/* Bytes that are no UTF-8 show as U+FFFD, so that every line can be parsed. */
static void put_escaped(struct line *line, struct text t, size_t plain)
{
    bool utf8 = text_is_utf8(t);
    size_t clean = 0;
    for (size_t i = plain; i < t.size; ++i) {
        if (is_plain((unsigned char)t.at[i], utf8))
            continue;
        put(line, text_slice(t.at + clean, i - clean));
        put_escape(line, (unsigned char)t.at[i]);
        clean = i + 1;
    }
    put(line, text_slice(t.at + clean, t.size - clean));
}

/* `name` ends with the quote that opens the value. */
static inline void put_member(struct line *line, struct text name, struct text value)
{
    put(line, name);
    size_t room = (sizeof(line->bytes) - line->size) / ESCAPED_BYTE_MAX;
    value.size = value.size < room ? value.size : room;
    size_t plain = plain_start(value);
    if (plain == value.size)
        put(line, value);
    else
        put_escaped(line, value, plain);
    put(line, TEXT("\""));
}

/* The same for a value of our own, or one that was checked before: with nothing in it to escape. */
static inline void put_known(struct line *line, struct text name, struct text value)
{
    put(line, name);
    put(line, value);
    put(line, TEXT("\""));
}

/* "2026-11-21T03:05:18.123456Z" */
static void put_time(struct line *line, struct log_lane *lane, int64_t now)
{
    time_t second = (time_t)(now / 1000000);
    if (second != lane->second) {
        struct tm utc;
        gmtime_r(&second, &utc);
        strftime(lane->stamp, sizeof(lane->stamp), "%Y-%m-%dT%H:%M:%S.", &utc);
        lane->second = second;
    }
    char micros[6];
    int64_t rest = now % 1000000;
    for (size_t i = sizeof(micros); i > 0; --i, rest /= 10)
        micros[i - 1] = (char)('0' + rest % 10);
    put(line, text_of(lane->stamp));
    put(line, text_slice(micros, sizeof(micros)));
    put(line, TEXT("Z"));
}

static void format_line(struct line *line, struct log_lane *lane, const struct access_record *record)
{
    const struct decision *decision = record->decision;
    const char *reason = decision_reason_code(decision);
    put(line, TEXT("{\"time\":\""));
    put_time(line, lane, record->now);
    put_known(line, TEXT("\",\"request_id\":\""), record->request_id);
    if (record->method.size > 0)
        put_member(line, TEXT(",\"method\":\""), record->method);
    if (decision->route != NULL) {
        put_member(line, TEXT(",\"route\":\""), decision->route->name);
        put_member(line, TEXT(",\"source\":\""), decision->source);
        if (decision_identifier_is_public(decision))
            put_member(line, TEXT(",\"identifier\":\""), decision->identifier);
    } else if (record->path.size > 0) {
        struct text path = record->path;
        path.size = path.size < PATH_SHOWN_MAX ? path.size : PATH_SHOWN_MAX;
        put_member(line, TEXT(",\"path\":\""), path);
    }
    put_known(line, TEXT(",\"decision\":\""), text_of(outcome_name(decision->outcome)));
    if (reason[0] != '\0')
        put_known(line, TEXT(",\"reason\":\""), text_of(reason));
    if (decision->detail != NULL)
        put_known(line, TEXT(",\"detail\":\""), text_of(decision->detail));
    if (decision->observed)
        put_known(line, TEXT(",\"would\":\""), text_of(outcome_name(decision->would)));
    put(line, TEXT(",\"status\":"));
    put_number(line, decision->status);
    if (decision->connection_id.size > 0)
        put_known(line, TEXT(",\"connection_id\":\""), decision->connection_id);
    put(line, TEXT(",\"body_bytes\":"));
    put_number(line, record->body_size);
    put(line, TEXT(",\"duration_us\":"));
    put_number(line, record->duration_us);
    put_known(line, TEXT(",\"peer\":\""), record->peer);
    if (record->client.size > 0)
        put_known(line, TEXT(",\"client\":\""), record->client);
    if (decision->error.kind != ERROR_NONE)
        put_member(line, TEXT(",\"error\":\""), text_of(decision->error.message));
    put(line, TEXT("}\n"));
}

void access_log_add(struct log_lane *lane, const struct access_record *record)
{
    struct line line;
    line.size = 0;
    format_line(&line, lane, record);

    pthread_mutex_lock(&lane->mutex);
    size_t before = lane->filled;
    if (line.size > LANE_SIZE - lane->filled) {
        ++lane->dropped;
        atomic_fetch_add(&lane->log->dropped, 1); /* now: the reader may stand still for long */
    } else {
        memcpy(lane->filling + lane->filled, line.bytes, line.size);
        lane->filled += line.size;
    }
    bool urgent = before < WAKE_SIZE && lane->filled >= WAKE_SIZE;
    pthread_mutex_unlock(&lane->mutex);

    if (urgent) {
        pthread_mutex_lock(&lane->log->mutex);
        lane->log->urgent = true;
        pthread_cond_signal(&lane->log->wake);
        pthread_mutex_unlock(&lane->log->mutex);
    }
}

static bool is_stopping(struct access_log *log)
{
    pthread_mutex_lock(&log->mutex);
    bool stopping = log->stopping;
    pthread_mutex_unlock(&log->mutex);
    return stopping;
}

/* Waits until the descriptor takes bytes; at the end only so long for all lanes together, for a reader that has stopped
 * must not keep the program. */
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

/* Returns how many bytes at the end could not be written. */
static size_t write_all(struct access_log *log, const char *at, size_t size)
{
    while (size > 0 && !atomic_load(&log->broken)) {
        if (!wait_writable(log)) {
            log->gave_up = true;
            atomic_store(&log->broken, true);
            break;
        }
        ssize_t written = write(log->fd, at, size < log->write_max ? size : log->write_max);
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            log_warning("the request log cannot be written, and is off from now on: %s", strerror(errno));
            atomic_store(&log->broken, true);
        } else if (written > 0) {
            at += written;
            size -= (size_t)written;
        }
    }
    return size;
}

static uint64_t count_lines(const char *at, size_t size)
{
    uint64_t lines = 0;
    const char *end = at + size;
    for (; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; ++at)
        ++lines;
    return lines;
}

static void flush_lane(struct access_log *log, struct log_lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    char *full = lane->filling;
    size_t size = lane->filled;
    uint64_t dropped = lane->dropped;
    lane->filling = lane->writing;
    lane->writing = full;
    lane->filled = 0;
    lane->dropped = 0;
    pthread_mutex_unlock(&lane->mutex);

    size_t left = write_all(log, full, size);
    if (log->gave_up)
        log->lost += count_lines(full + size - left, left) + dropped;
    else if (dropped > 0) {
        char note[96];
        int length = snprintf(note, sizeof(note), "{\"event\":\"log_lines_dropped\",\"lines\":%llu}\n",
                              (unsigned long long)dropped);
        if (write_all(log, note, (size_t)length) > 0 && log->gave_up)
            log->lost += dropped;
    }
}

static bool wait_for_work(struct access_log *log)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += FLUSH_INTERVAL_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        ++until.tv_sec;
        until.tv_nsec -= 1000000000L;
    }
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
        log_warning("lines of the request log that were lost at the end: %" PRIu64 "; what reads standard output stood "
                    "still",
                    log->lost);
    return NULL;
}

static void free_log(struct access_log *log)
{
    for (size_t i = 0; i < log->lane_count; ++i) {
        pthread_mutex_destroy(&log->lanes[i].mutex);
        free(log->lanes[i].filling);
        free(log->lanes[i].writing);
    }
    pthread_mutex_destroy(&log->mutex);
    pthread_cond_destroy(&log->wake);
    free(log->lanes);
    free(log);
}

bool access_log_open(struct access_log **opened, int fd, size_t lanes, struct error *error)
{
    struct access_log *log = memory_zeroed(1, sizeof(*log));
    pthread_condattr_t monotonic;
    struct stat status;
    log->fd = fd;
    /* A pipe that poll() calls writable takes PIPE_BUF bytes without blocking; a file takes all. */
    log->write_max = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? LANE_SIZE : PIPE_BUF;
    log->lane_count = lanes;
    log->lanes = memory_zeroed(lanes, sizeof(*log->lanes));
    pthread_mutex_init(&log->mutex, NULL);
    /* The other clock may be set back, and the log would stand still for so long. */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&log->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (size_t i = 0; i < lanes; ++i) {
        pthread_mutex_init(&log->lanes[i].mutex, NULL);
        log->lanes[i].log = log;
        log->lanes[i].filling = memory_allocate(LANE_SIZE);
        log->lanes[i].writing = memory_allocate(LANE_SIZE);
        log->lanes[i].second = -1;
    }
    int problem = background_start(&log->thread, run, log);
    if (problem != 0) {
        free_log(log);
        return error_set_errno(error, ERROR_FAILED, problem, "the request log's thread cannot be started");
    }
    *opened = log;
    return true;
}

void access_log_close(struct access_log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->mutex);
    log->stopping = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->mutex);
    pthread_join(log->thread, NULL);
    free_log(log);
}

struct log_lane *access_log_lane(struct access_log *log, size_t index)
{
    return &log->lanes[index];
}

uint64_t access_log_dropped(struct access_log *log)
{
    return atomic_load(&log->dropped);
}
