#include "tally.h"

#include <stdlib.h>

#include "ssoferry/memory.h"

enum { ROOM_AT_FIRST = 128, BYTES_AT_FIRST = 4096, ROOM_KEPT = 4096, BYTES_KEPT = 256 * 1024, SPARSE = 16 };

static void allocate(struct tally *tally)
{
    tally->count = 0;
    tally->bytes = 0;
    tally->room = ROOM_AT_FIRST;
    tally->bytes_room = BYTES_AT_FIRST;
    tally->slot_mask = 2 * ROOM_AT_FIRST - 1;
    tally->slots = memory_zeroed(tally->slot_mask + 1, sizeof(tally->slots[0]));
    tally->entries = memory_allocate(tally->room * sizeof(tally->entries[0]));
    tally->keys = memory_allocate(tally->bytes_room);
}

void tally_init(struct tally *tally, uint32_t count_max, uint32_t bytes_max)
{
    tally->count_max = count_max;
    tally->bytes_max = bytes_max;
    allocate(tally);
}

void tally_release(struct tally *tally)
{
    free(tally->slots);
    free(tally->entries);
    free(tally->keys);
}

void tally_clear(struct tally *tally)
{
    bool roomy = tally->room > ROOM_KEPT && tally->count < tally->room / SPARSE;
    bool wide = tally->bytes_room > BYTES_KEPT && tally->bytes < tally->bytes_room / SPARSE;
    if (roomy || wide) {
        tally_release(tally);
        allocate(tally);
        return;
    }
    /* Use no more slots than this many entries needed, because they are accessed at random. */
    while (tally->slot_mask + 1 > 2 * ROOM_AT_FIRST && tally->count <= (tally->slot_mask + 1) / 4)
        tally->slot_mask /= 2;
    memset(tally->slots, 0, (tally->slot_mask + 1) * sizeof(tally->slots[0]));
    tally->count = 0;
    tally->bytes = 0;
}

/* The slot of an entry, or the empty one where it would go. Keys are not compared: two with the same 64-bit hash cannot
 * be found without the hash's key, and will not occur by chance. */
static struct tally_slot *slot_of(const struct tally *tally, uint64_t hash, uint32_t day)
{
    uint32_t high = (uint32_t)(hash >> 32);
    for (uint32_t at = (uint32_t)hash & tally->slot_mask;; at = (at + 1) & tally->slot_mask) {
        struct tally_slot *slot = &tally->slots[at];
        if (slot->entry == 0)
            return slot;
        if (slot->hash != high)
            continue;
        const struct tally_entry *entry = &tally->entries[slot->entry - 1];
        if (entry->day == day && entry->hash == hash)
            return slot;
    }
}

static void spread(struct tally *tally)
{
    tally->slot_mask = 2 * tally->slot_mask + 1;
    memset(tally->slots, 0, (tally->slot_mask + 1) * sizeof(tally->slots[0]));
    for (uint32_t i = 0; i < tally->count; ++i) {
        uint64_t hash = tally->entries[i].hash;
        uint32_t at = (uint32_t)hash & tally->slot_mask;
        while (tally->slots[at].entry != 0)
            at = (at + 1) & tally->slot_mask;
        tally->slots[at] = (struct tally_slot){(uint32_t)(hash >> 32), i + 1};
    }
}

static void grow(struct tally *tally)
{
    if (tally->count == tally->room) {
        tally->room *= 2;
        tally->entries = memory_resize(tally->entries, tally->room * sizeof(tally->entries[0]));
        free(tally->slots);
        tally->slots = memory_allocate(2 * tally->room * sizeof(tally->slots[0]));
    }
    spread(tally);
}

static struct tally_entry *add(struct tally *tally, struct text key, uint64_t hash, uint32_t day,
                               struct tally_slot *slot)
{
    if (tally->count >= tally->count_max || key.size > UINT16_MAX || key.size > tally->bytes_max - tally->bytes)
        return NULL;
    if (tally->count == (tally->slot_mask + 1) / 2) {
        grow(tally);
        slot = slot_of(tally, hash, day);
    }
    while (key.size > tally->bytes_room - tally->bytes) {
        tally->bytes_room *= 2;
        tally->keys = memory_resize(tally->keys, tally->bytes_room);
    }
    struct tally_entry *entry = &tally->entries[tally->count++];
    *entry = (struct tally_entry){
        .hash = hash,
        .key_at = tally->bytes,
        .key_size = (uint16_t)key.size,
        .day = day,
        .first = INT64_MAX,
        .last = INT64_MIN,
    };
    if (key.size > 0)
        memcpy(tally->keys + tally->bytes, key.at, key.size);
    tally->bytes += (uint32_t)key.size;
    *slot = (struct tally_slot){(uint32_t)(hash >> 32), tally->count};
    return entry;
}

void tally_expect(const struct tally *tally, uint64_t hash)
{
    __builtin_prefetch(&tally->slots[(uint32_t)hash & tally->slot_mask]);
}

struct tally_entry *tally_find(struct tally *tally, struct text key, uint64_t hash, uint32_t day)
{
    struct tally_slot *slot = slot_of(tally, hash, day);
    return slot->entry != 0 ? &tally->entries[slot->entry - 1] : add(tally, key, hash, day, slot);
}

void tally_entry_add(struct tally_entry *entry, const uint32_t hits[USAGE_OUTCOMES], int64_t first, int64_t last)
{
    for (int i = 0; i < USAGE_OUTCOMES; ++i)
        entry->hits[i] += hits[i];
    entry->first = first < entry->first ? first : entry->first;
    entry->last = last > entry->last ? last : entry->last;
}
