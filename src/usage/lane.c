#include "lane.h"

#include <stdlib.h>

#include "ssoferry/memory.h"

const char *usage_outcome_name(enum usage_outcome outcome)
{
    static const char *const names[USAGE_OUTCOMES] = {"stytch", "legacy", "disabled", "failed"};
    return (unsigned)outcome < USAGE_OUTCOMES ? names[outcome] : "";
}

/* -- batches -- */

static struct batch *batch_new(void)
{
    struct batch *batch = memory_zeroed(1, sizeof(*batch));
    tally_init(&batch->known, BATCH_KNOWN_MAX, BATCH_KNOWN_BYTES_MAX);
    tally_init(&batch->unknown, BATCH_UNKNOWN_MAX, BATCH_UNKNOWN_BYTES_MAX);
    batch->latest = INT64_MIN;
    return batch;
}

static void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    tally_release(&batch->known);
    tally_release(&batch->unknown);
    free(batch);
}

void batch_clear(struct batch *batch)
{
    tally_clear(&batch->known);
    tally_clear(&batch->unknown);
    batch->totals = (struct usage_totals){0};
    batch->latest = INT64_MIN;
}

static bool is_filling_up(const struct batch *batch)
{
    return batch->known.count >= BATCH_KNOWN_EARLY || batch->unknown.count >= BATCH_UNKNOWN_EARLY ||
           batch->unknown.bytes >= BATCH_UNKNOWN_BYTES_EARLY;
}

/* -- the lane's thread -- */

static void hand_over(struct usage_lane *lane)
{
    /* Checked first, because an exchange would take the cache line from the other thread each time. */
    if (atomic_load_explicit(&lane->empty, memory_order_relaxed) == NULL)
        return;
    struct batch *next = atomic_exchange_explicit(&lane->empty, NULL, memory_order_acquire);
    atomic_store_explicit(&lane->full, lane->current, memory_order_release);
    lane->current = next;
    atomic_store_explicit(&lane->dirty, false, memory_order_relaxed);
    atomic_store_explicit(&lane->asked, false, memory_order_release);
    sem_post(lane->wake);
}

static bool make_key(struct text source, struct text identifier, char *bytes, struct text *key)
{
    if (source.size > SOURCE_SIZE_MAX || identifier.size > IDENTIFIER_SIZE_MAX)
        return false;
    *key = text_slice(bytes, connection_key(source, identifier, bytes));
    return true;
}

static struct tally_entry *find(struct usage_lane *lane, struct tally *tally, struct text source,
                                struct text identifier, uint32_t day)
{
    char bytes[CONNECTION_KEY_SIZE_MAX];
    struct text key;
    return make_key(source, identifier, bytes, &key) ? tally_find(tally, key, keyed_hash(&lane->hash_key, key), day)
                                                     : NULL;
}

static void add_one(struct tally_entry *entry, enum usage_outcome outcome, int64_t now)
{
    ++entry->hits[outcome];
    entry->first = now < entry->first ? now : entry->first;
    entry->last = now > entry->last ? now : entry->last;
}

static void counted(struct usage_lane *lane, int64_t now)
{
    struct batch *batch = lane->current;
    batch->latest = now > batch->latest ? now : batch->latest;
    if (!atomic_load_explicit(&lane->dirty, memory_order_relaxed))
        atomic_store_explicit(&lane->dirty, true, memory_order_relaxed);
    if (atomic_load_explicit(&lane->asked, memory_order_relaxed) || is_filling_up(batch))
        hand_over(lane);
}

void usage_count(struct usage_lane *lane, struct text source, struct text identifier, enum usage_outcome outcome,
                 int64_t now)
{
    struct batch *batch = lane->current;
    struct tally_entry *entry = find(lane, &batch->known, source, identifier, day_of(now));
    if (entry != NULL)
        add_one(entry, outcome, now);
    else
        ++batch->totals.unnamed;
    ++batch->totals.hits[outcome];
    counted(lane, now);
}

void usage_count_unknown(struct usage_lane *lane, struct text source, struct text identifier, int64_t now)
{
    struct batch *batch = lane->current;
    struct tally_entry *entry = find(lane, &batch->unknown, source, identifier, 0);
    if (entry != NULL)
        add_one(entry, (enum usage_outcome)0, now);
    ++batch->totals.unknown_hits;
    counted(lane, now);
}

void usage_tick(struct usage_lane *lane)
{
    if (atomic_load_explicit(&lane->asked, memory_order_relaxed))
        hand_over(lane);
}

/* -- the flushing thread -- */

struct batch *lane_take(struct usage_lane *lane)
{
    return atomic_exchange_explicit(&lane->full, NULL, memory_order_acquire);
}

void lane_give_back(struct usage_lane *lane, struct batch *batch)
{
    batch_clear(batch);
    atomic_store_explicit(&lane->empty, batch, memory_order_release);
}

bool lane_ask(struct usage_lane *lane)
{
    if (!atomic_load_explicit(&lane->dirty, memory_order_relaxed))
        return false;
    atomic_store_explicit(&lane->asked, true, memory_order_relaxed);
    return true;
}

bool lane_has_answered(const struct usage_lane *lane)
{
    return !atomic_load_explicit(&lane->asked, memory_order_acquire);
}

struct usage_lane *lanes_new(size_t count, const struct hash_key *hash_key, sem_t *wake)
{
    struct usage_lane *lanes = memory_lines(count, sizeof(*lanes));
    for (size_t i = 0; i < count; ++i) {
        struct usage_lane *lane = &lanes[i];
        atomic_init(&lane->empty, batch_new());
        lane->current = batch_new();
        lane->hash_key = *hash_key;
        lane->wake = wake;
    }
    return lanes;
}

void lanes_free(struct usage_lane *lanes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        batch_free(atomic_load(&lanes[i].full));
        batch_free(atomic_load(&lanes[i].empty));
        batch_free(lanes[i].current);
    }
    free(lanes);
}
