/* A worker's own place to count in, and how what it counted comes to the flushing thread. For this folder only.
 *
 * A lane has two batches. One is filled by the lane's thread and touched by nobody else; the other lies in `full`,
 * where the flushing thread finds it, or empty in `empty`, where the lane finds it, or is being emptied by the flushing
 * thread. Both places change hands by an atomic exchange; nobody ever waits. */
#ifndef SSOFERRY_USAGE_LANE_H
#define SSOFERRY_USAGE_LANE_H

#include <semaphore.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "keyed_hash.h"
#include "tally.h"

enum {
    CACHE_LINE = 64,

    /* What a batch holds at most. It is handed over early at a small part of that, if the flushing thread has come back
     * from its last; so the bounds matter only while a flush is held up by a slow disk. */
    BATCH_KNOWN_MAX = 64 * 1024,
    BATCH_KNOWN_BYTES_MAX = 8 * 1024 * 1024,
    BATCH_KNOWN_EARLY = 4 * 1024, /* so that it stays in the processor's cache */
    BATCH_UNKNOWN_MAX = 16 * 1024,
    BATCH_UNKNOWN_BYTES_MAX = 1024 * 1024,
    BATCH_UNKNOWN_EARLY = 2 * 1024,
    BATCH_UNKNOWN_BYTES_EARLY = 128 * 1024,
};

struct batch {
    struct tally known, unknown; /* of an unknown one, all hits stand under outcome 0 and day 0 */
    struct usage_totals totals;  /* `since` is not used */
    int64_t latest;              /* the newest `now` of all; INT64_MIN: nothing was counted */
};

struct usage_lane {
    alignas(CACHE_LINE) _Atomic(struct batch *) full;
    _Atomic(struct batch *) empty;
    atomic_bool asked; /* the flushing thread would like to have the batch */
    atomic_bool dirty; /* something was counted since the last hand-over */

    alignas(CACHE_LINE) struct batch *current; /* from here on: the lane's thread alone */
    struct hash_key hash_key;
    sem_t *wake; /* of the flushing thread */
};

/* Two lanes never share a cache line. */
struct usage_lane *lanes_new(size_t count, const struct hash_key *hash_key, sem_t *wake);
void lanes_free(struct usage_lane *lanes, size_t count);

void batch_clear(struct batch *batch);

/* For the flushing thread: the full batch, or NULL; and how it goes back, emptied. */
struct batch *lane_take(struct usage_lane *lane);
void lane_give_back(struct usage_lane *lane, struct batch *batch);

/* Asks the lane for its batch; false where it has nothing. lane_has_answered() says whether it has followed. */
bool lane_ask(struct usage_lane *lane);
bool lane_has_answered(const struct usage_lane *lane);

/* The day of a time, since 1970. */
static inline uint32_t day_of(int64_t time)
{
    return time > 0 ? (uint32_t)(time / INT64_C(86400000000)) : 0;
}

#endif
