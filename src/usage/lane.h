/* Where a worker counts, and how its counts reach the flushing thread. For this folder only.
 *
 * A lane has two batches. One is filled by the lane's thread and touched by nobody else. The other is in `full`, for
 * the flushing thread to take; or empty in `empty`, for the lane to take; or being emptied by the flushing thread. Both
 * places change hands by atomic exchanges; nobody ever waits. */
#ifndef SSOFERRY_USAGE_LANE_H
#define SSOFERRY_USAGE_LANE_H

#include <semaphore.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "keyed_hash.h"
#include "ssoferry/memory.h"
#include "tally.h"

enum {
    /* Most that a batch holds. It is handed over much earlier, at the limits called EARLY, if the flushing thread is
     * done with the last one; so these limits matter only while a slow disk delays a flush. */
    BATCH_KNOWN_MAX = 64 * 1024,
    BATCH_KNOWN_BYTES_MAX = 8 * 1024 * 1024,
    BATCH_KNOWN_EARLY = 4 * 1024, /* small enough to stay in the processor's cache */
    BATCH_UNKNOWN_MAX = 16 * 1024,
    BATCH_UNKNOWN_BYTES_MAX = 1024 * 1024,
    BATCH_UNKNOWN_EARLY = 2 * 1024,
    BATCH_UNKNOWN_BYTES_EARLY = 128 * 1024,
};

struct batch {
    struct tally known, unknown; /* all hits of an unknown one are under outcome 0 and day 0 */
    struct usage_totals totals;  /* `since` is not used */
    int64_t latest;              /* the newest `now`; INT64_MIN: nothing was counted */
};

struct usage_lane {
    alignas(MEMORY_LINE) _Atomic(struct batch *) full;
    _Atomic(struct batch *) empty;
    atomic_bool asked; /* the flushing thread asks for the batch */
    atomic_bool dirty; /* something was counted since the last hand-over */

    alignas(MEMORY_LINE) struct batch *current; /* from here on: only for the lane's thread */
    struct hash_key hash_key;
    sem_t *wake; /* the flushing thread's */
};

/* Makes the lanes; no two share a cache line. Never NULL. `wake` must outlive them. */
struct usage_lane *lanes_new(size_t count, const struct hash_key *hash_key, sem_t *wake);
void lanes_free(struct usage_lane *lanes, size_t count);

void batch_clear(struct batch *batch);

/* For the flushing thread: take the full batch, or NULL if there is none; empty a batch and give it back. */
struct batch *lane_take(struct usage_lane *lane);
void lane_give_back(struct usage_lane *lane, struct batch *batch);

/* Asks the lane for its batch; false if it has nothing. lane_has_answered() says whether it has handed it over. */
bool lane_ask(struct usage_lane *lane);
bool lane_has_answered(const struct usage_lane *lane);

/* The UTC day of a time, counted from 1970. */
static inline uint32_t day_of(int64_t time)
{
    return time > 0 ? (uint32_t)(time / INT64_C(86400000000)) : 0;
}

#endif
