/* The flushing thread. At each interval it asks the lanes for what they have, waits briefly for those without requests
 * to tick, and has everything written in one transaction (errand.h). A lane that fills up hands over unasked; that is
 * collected at once and written with the rest. */
#include "ssoferry/usage.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lane.h"
#include "live.h"
#include "pending.h"
#include "ssoferry/background.h"
#include "ssoferry/clock.h"
#include "ssoferry/memory.h"
#include "usage_fault.h"
#include "usage_file.h"

enum {
    ANSWER_MS = USAGE_TICK_MS + 100,
    /* So what was counted is asked for, answered and written within the flush interval. */
    ASK_MS = USAGE_FLUSH_INTERVAL_MS - ANSWER_MS,
    CLOCK_STEADY_MS = 60 * 60 * 1000, /* by then a machine that booted with a wrong clock has learnt the right time */
    CLOCK_JUMP_MS = 60 * 1000,        /* more is not slewing */
};

struct usage {
    size_t lane_count;
    struct usage_lane *lanes;
    struct usage_file file;
    struct pending pending; /* the flushing thread's, like the next two */
    int64_t clock_offset;   /* machine's time minus monotonic clock, milliseconds */
    uint64_t steady_since;  /* milliseconds of the monotonic clock */
    pthread_t thread;
    sem_t wake; /* a lane handed over, or the thread must end */
    atomic_bool stopping;
    int end;                     /* an event: the same, for a check of the file; -1: there is none */
    atomic_bool look_again;      /* at a file that could not be opened or was replaced */
    bool finished;               /* the thread has ended, and everything is written */
    _Atomic uint64_t flushed_at; /* milliseconds of the monotonic clock */
    _Atomic uint64_t failures;

    pthread_mutex_t mutex; /* guards what follows */
    bool open;             /* the file was checked and is open */
    unsigned readers;      /* number of readers, for which the file must stay open */
    struct error failed;   /* why the last flush failed */
    bool taken_away;       /* the file was taken away, and nobody asked yet */
    struct error given_up; /* why the file was given up, until somebody asks */
    struct error refused;  /* why the last look at the file failed, until somebody asks */
};

/* -- collecting -- */

static void collect(struct usage *usage)
{
    for (size_t i = 0; i < usage->lane_count; ++i) {
        struct batch *batch = lane_take(&usage->lanes[i]);
        if (batch == NULL)
            continue;
        pending_add(&usage->pending, batch);
        lane_give_back(&usage->lanes[i], batch);
    }
}

/* Waits until a lane hands over or `deadline` passes, and collects what is there. False once it has passed. */
static bool wait_and_collect(struct usage *usage, uint64_t deadline)
{
    const struct timespec until = {(time_t)(deadline / 1000), (long)(deadline % 1000) * 1000000L};
    int ignored = sem_clockwait(&usage->wake, CLOCK_MONOTONIC, &until);
    (void)ignored;
    while (sem_trywait(&usage->wake) == 0) {
    }
    collect(usage);
    return clock_monotonic_ms() < deadline;
}

static bool all_have_answered(const struct usage *usage)
{
    for (size_t i = 0; i < usage->lane_count; ++i) {
        if (!lane_has_answered(&usage->lanes[i]))
            return false;
    }
    return true;
}

/* A lane whose thread does not even tick is skipped; it answers when it comes back. */
static void ask_lanes(struct usage *usage)
{
    uint64_t deadline = clock_monotonic_ms() + ANSWER_MS;
    bool asked = false;
    for (size_t i = 0; i < usage->lane_count; ++i)
        asked = lane_ask(&usage->lanes[i]) || asked;
    while (asked && !all_have_answered(usage) && !atomic_load(&usage->stopping) && wait_and_collect(usage, deadline)) {
    }
    collect(usage);
}

/* -- writing -- */

static void note_failure(struct usage *usage, const struct error *failed)
{
    pthread_mutex_lock(&usage->mutex);
    usage->failed = *failed;
    pthread_mutex_unlock(&usage->mutex);
    if (failed->kind != ERROR_NONE)
        atomic_fetch_add(&usage->failures, 1);
}

/* A file that cannot be read does not mend itself. What is counted from now on waits, as for one that could not be
 * opened. */
static void give_up(struct usage *usage, int code)
{
    pthread_mutex_lock(&usage->mutex);
    usage->open = false;
    usage_give_up(usage->file.path, code, &usage->given_up);
    usage->failed = usage->given_up;
    pthread_mutex_unlock(&usage->mutex);
}

/* Lets go of the file if nobody reads it. What waits goes into its successor. */
static bool put_down(struct usage *usage)
{
    pthread_mutex_lock(&usage->mutex);
    const bool unread = usage->readers == 0;
    if (unread) {
        usage_file_put_down(&usage->file);
        pending_begin_anew(&usage->pending);
        usage->open = false;
    }
    pthread_mutex_unlock(&usage->mutex);
    return unread;
}

/* LMDB gives up an environment after some failed writes, or when another process enlarged the map. It must then be
 * reopened, which is possible only while nobody reads. */
static void revive(struct usage *usage)
{
    struct error error;
    pthread_mutex_lock(&usage->mutex);
    bool tried = usage->readers == 0 && usage_file_reopen(&usage->file, &error);
    (void)tried; /* the next flush reports it */
    pthread_mutex_unlock(&usage->mutex);
    if (usage->file.left)
        give_up(usage, EIO);
}

/* Whether the machine's clock has run without a jump for so long that it is more reliable than times in the file. */
static bool is_clock_steady(struct usage *usage, int64_t now)
{
    uint64_t monotonic = clock_monotonic_ms();
    int64_t offset = now / 1000 - (int64_t)monotonic;
    if (llabs(offset - usage->clock_offset) > CLOCK_JUMP_MS) {
        usage->clock_offset = offset;
        usage->steady_since = monotonic;
    }
    return monotonic - usage->steady_since >= CLOCK_STEADY_MS;
}

/* What is counted before the file is made stays where it is. */
static bool make_awaited(struct usage *usage)
{
    struct error failed = {.kind = ERROR_NONE};
    const bool look = atomic_exchange(&usage->look_again, false);
    bool made =
        usage_file_make(&usage->file, look, usage->end, &failed); /* nobody else looks at `file` before `open` is set */
    pthread_mutex_lock(&usage->mutex);
    usage->open = made;
    if (look)
        usage->refused = failed;
    pthread_mutex_unlock(&usage->mutex);
    note_failure(usage, &failed);
    return usage->open;
}

/* If somebody took the file away, it would otherwise go on growing where nobody finds it. They keep what is in it; what
 * came since goes into its successor. */
static void let_go_if_taken_away(struct usage *usage)
{
    const bool look = usage->open && atomic_exchange(&usage->look_again, false);
    if (!usage->open || usage_file_in_place(&usage->file))
        return; /* still in place, so a look that was asked for is not needed */
    if (look)
        usage_look_again(usage);
    if (!put_down(usage))
        return;
    pthread_mutex_lock(&usage->mutex);
    usage->taken_away = true;
    pthread_mutex_unlock(&usage->mutex);
}

struct writing {
    struct usage *usage;
    int64_t now;
    bool steady;
};

static int write_pending(void *context)
{
    const struct writing *writing = context;
    struct usage *usage = writing->usage;
    return pending_write(&usage->pending, &usage->file, writing->now, writing->steady);
}

static bool is_damage(int code)
{
    return code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_BAD_TXN;
}

static void flush(struct usage *usage)
{
    struct error failed = {.kind = ERROR_NONE};
    if (!usage->open && (usage->file.env != NULL || usage->file.left) && !put_down(usage))
        return; /* given up, but still read */
    if (!usage->open && !make_awaited(usage))
        return;
    const int64_t now = clock_utc_us();
    struct writing writing = {usage, now, is_clock_steady(usage, now)};
    int code = MDB_PANIC;
    if (usage->file.env != NULL)
        code = errand_run(usage->file.errands, write_pending, &writing, &usage->file.left);
    if (code != MDB_SUCCESS)
        usage_fail(usage->file.path, code, "write the usage file", &failed);
    else
        atomic_store(&usage->flushed_at, clock_monotonic_ms());
    note_failure(usage, &failed);
    if (usage->file.left || is_damage(code))
        give_up(usage, code);
    else if (code == MDB_PANIC || code == MDB_MAP_RESIZED)
        revive(usage);
}

static void flush_if_needed(struct usage *usage)
{
    let_go_if_taken_away(usage);
    pending_note_day(&usage->pending, clock_utc_us());
    if (usage->open && pending_is_written(&usage->pending))
        atomic_store(&usage->flushed_at, clock_monotonic_ms());
    else
        flush(usage);
}

static void *run(void *argument)
{
    struct usage *usage = argument;
    uint64_t next = clock_monotonic_ms() + ASK_MS;
    while (!atomic_load(&usage->stopping)) {
        bool early = wait_and_collect(usage, next);
        if (early && !pending_is_large(&usage->pending))
            continue;
        if (!early)
            ask_lanes(usage);
        flush_if_needed(usage);
        next = clock_monotonic_ms() + ASK_MS;
    }
    return NULL;
}

/* -- opening and closing -- */

static void release(struct usage *usage)
{
    usage_file_close(&usage->file);
    pending_release(&usage->pending);
    lanes_free(usage->lanes, usage->lane_count);
    pthread_mutex_destroy(&usage->mutex);
    sem_destroy(&usage->wake);
    if (usage->end >= 0)
        close(usage->end);
    free(usage);
}

static bool start(struct usage **started, struct usage_file file, size_t lanes, int64_t now, struct error *error)
{
    struct usage *usage = memory_zeroed(1, sizeof(*usage));
    struct hash_key hash_key = hash_key_new();
    usage->file = file;
    usage->open = file.env != NULL;
    usage->lane_count = lanes;
    usage->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sem_init(&usage->wake, 0, 0);
    pthread_mutex_init(&usage->mutex, NULL);
    usage->lanes = lanes_new(lanes, &hash_key, &usage->wake);
    pending_init(&usage->pending, &hash_key, now);
    atomic_store(&usage->flushed_at, clock_monotonic_ms());
    flush(usage); /* notes when counting began; a disk that is full now may have room later */
    pending_note_day(&usage->pending, clock_utc_us()); /* for the next flush: a start waits for no second write */
    int problem = background_start(&usage->thread, "usage", run, usage);
    if (problem != 0) {
        release(usage);
        return background_fail(problem, "the usage thread", error);
    }
    *started = usage;
    return true;
}

bool usage_open(struct usage **opened, const char *store, size_t lanes, int64_t now, int end, struct error *error)
{
    struct usage_file file;
    if (usage_file_open(&file, store, true, end, error) == USAGE_FILE_OPEN)
        return start(opened, file, lanes, now, error);
    usage_file_close(&file);
    return false;
}

bool usage_await(struct usage **started, const char *store, size_t lanes, int64_t now, struct error *error)
{
    struct usage_file file;
    usage_file_name(&file, store);
    return start(started, file, lanes, now, error);
}

/* Collects the counts of a lane whose thread has ended. */
static void empty_lane(struct usage *usage, struct usage_lane *lane)
{
    pending_add(&usage->pending, lane->current);
    batch_clear(lane->current);
}

bool usage_finish(struct usage *usage, struct error *error)
{
    if (usage == NULL)
        return true;
    if (!usage->finished) {
        usage->finished = true;
        atomic_store(&usage->stopping, true);
        (void)eventfd_write(usage->end, 1);
        sem_post(&usage->wake);
        pthread_join(usage->thread, NULL);
        collect(usage);
        for (size_t i = 0; i < usage->lane_count; ++i)
            empty_lane(usage, &usage->lanes[i]);
        let_go_if_taken_away(usage);
        if (!pending_is_written(&usage->pending))
            flush(usage);
    }
    return pending_is_empty(&usage->pending) || !usage_failing(usage, error);
}

void usage_close(struct usage *usage)
{
    struct error error;
    if (usage == NULL)
        return;
    bool ignored = usage_finish(usage, &error);
    (void)ignored;
    release(usage);
}

struct usage_lane *usage_lane(struct usage *usage, size_t index)
{
    return &usage->lanes[index];
}

/* -- status -- */

uint64_t usage_flush_age_ms(struct usage *usage)
{
    uint64_t now = clock_monotonic_ms(), flushed_at = atomic_load(&usage->flushed_at);
    return now > flushed_at ? now - flushed_at : 0;
}

uint64_t usage_flush_failures(struct usage *usage)
{
    return atomic_load(&usage->failures);
}

bool usage_failing(struct usage *usage, struct error *error)
{
    pthread_mutex_lock(&usage->mutex);
    *error = usage->failed;
    pthread_mutex_unlock(&usage->mutex);
    return error->kind != ERROR_NONE;
}

bool usage_unwritten(struct usage *usage, struct error *error)
{
    return usage_failing(usage, error) &&
           (!usage_is_open(usage) || usage_flush_age_ms(usage) > 2 * USAGE_FLUSH_INTERVAL_MS);
}

bool usage_is_open(struct usage *usage)
{
    pthread_mutex_lock(&usage->mutex);
    bool open = usage->open;
    pthread_mutex_unlock(&usage->mutex);
    return open;
}

void usage_look_again(struct usage *usage)
{
    if (usage != NULL)
        atomic_store(&usage->look_again, true);
}

bool usage_was_taken_away(struct usage *usage)
{
    pthread_mutex_lock(&usage->mutex);
    bool taken_away = usage->taken_away;
    usage->taken_away = false;
    pthread_mutex_unlock(&usage->mutex);
    return taken_away;
}

bool usage_was_given_up(struct usage *usage, struct error *error)
{
    pthread_mutex_lock(&usage->mutex);
    *error = usage->given_up;
    usage->given_up.kind = ERROR_NONE;
    pthread_mutex_unlock(&usage->mutex);
    return error->kind != ERROR_NONE;
}

bool usage_was_refused(struct usage *usage, struct error *error)
{
    pthread_mutex_lock(&usage->mutex);
    *error = usage->refused;
    usage->refused.kind = ERROR_NONE;
    pthread_mutex_unlock(&usage->mutex);
    return error->kind != ERROR_NONE;
}

const struct usage_file *usage_share(struct usage *usage)
{
    pthread_mutex_lock(&usage->mutex);
    bool open = usage->open;
    usage->readers += open;
    pthread_mutex_unlock(&usage->mutex);
    return open ? &usage->file : NULL;
}

void usage_unshare(struct usage *usage)
{
    pthread_mutex_lock(&usage->mutex);
    --usage->readers;
    pthread_mutex_unlock(&usage->mutex);
}
