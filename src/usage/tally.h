/* Hits by name and day over a short time: a bounded hash table, filled by one thread. For this folder only. */
#ifndef SSOFERRY_USAGE_TALLY_H
#define SSOFERRY_USAGE_TALLY_H

#include "ssoferry/usage.h"

struct tally_entry {
    uint64_t hash;
    uint32_t key_at;
    uint16_t key_size;
    uint32_t day; /* since 1970; always 0 where days do not matter */
    uint32_t hits[USAGE_OUTCOMES];
    int64_t first, last;
};

struct tally_slot {
    uint32_t hash;  /* its high half, so that most misses need not look at the entry */
    uint32_t entry; /* index + 1; 0: empty */
};

struct tally {
    uint32_t count_max, bytes_max; /* of entries, and of bytes of their keys */
    uint32_t count, room;
    uint32_t bytes, bytes_room;
    uint32_t slot_mask; /* slots in use - 1; there are twice as many slots as room for entries */
    struct tally_slot *slots;
    struct tally_entry *entries;
    char *keys;
};

void tally_init(struct tally *tally, uint32_t count_max, uint32_t bytes_max);
void tally_release(struct tally *tally);

/* Empties it. Keeps memory that was needed lately, and frees what is much more than that. */
void tally_clear(struct tally *tally);

/* Prefetches what tally_find() will look at first. */
void tally_expect(const struct tally *tally, uint64_t hash);

/* The entry of `key` on that day, with no hits if it is new. `hash` must be a keyed one: keys with the same hash count
 * as one. NULL if there is no room for a new entry. Lives until the next call. */
struct tally_entry *tally_find(struct tally *tally, struct text key, uint64_t hash, uint32_t day);

/* Adds hits that happened between `first` and `last`. */
void tally_entry_add(struct tally_entry *entry, const uint32_t hits[USAGE_OUTCOMES], int64_t first, int64_t last);

static inline struct text tally_key(const struct tally *tally, const struct tally_entry *entry)
{
    return text_slice(tally->keys + entry->key_at, entry->key_size);
}

#endif
