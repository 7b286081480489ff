#include "kept.h"

#include "ssoferry/memory.h"

enum { LEAST_NOT_KNOWN = USAGE_UNKNOWN_MAX };

static const int64_t half_life = INT64_C(10) * 86400 * 1000000; /* microseconds */

struct kept *kept_new(void)
{
    struct kept *kept = memory_zeroed(1, sizeof(*kept)); /* the kernel provides only pages that are touched */
    kept->least = LEAST_NOT_KNOWN;
    return kept;
}

void kept_clear(struct kept *kept)
{
    kept->count = 0;
    kept->least = LEAST_NOT_KNOWN;
    kept->changed = false;
    memset(kept->buckets, 0, sizeof(kept->buckets));
}

struct text kept_key(const struct kept *kept, const struct kept_entry *entry)
{
    return text_slice(kept->keys[entry - kept->entries], entry->key_size);
}

uint64_t kept_weight(uint64_t hits, int64_t silence)
{
    int64_t halvings = silence > 0 ? silence / half_life : 0;
    return halvings < 64 ? hits >> halvings : 0;
}

/* -- finding -- */

static uint16_t *bucket_of(struct kept *kept, uint64_t hash)
{
    return &kept->buckets[hash % KEPT_BUCKETS];
}

struct kept_entry *kept_find(struct kept *kept, struct text key, uint64_t hash)
{
    for (uint16_t at = *bucket_of(kept, hash); at != 0; at = kept->entries[at - 1].next) {
        struct kept_entry *entry = &kept->entries[at - 1];
        if (entry->hash == hash && text_equal(kept_key(kept, entry), key))
            return entry;
    }
    return NULL;
}

static void link_entry(struct kept *kept, size_t index)
{
    uint16_t *bucket = bucket_of(kept, kept->entries[index].hash);
    kept->entries[index].next = *bucket;
    *bucket = (uint16_t)(index + 1);
}

static void unlink_entry(struct kept *kept, size_t index)
{
    uint16_t *at = bucket_of(kept, kept->entries[index].hash);
    while (*at != index + 1)
        at = &kept->entries[*at - 1].next;
    *at = kept->entries[index].next;
}

/* -- admission -- */

/* The lightest entry; among equals, the one silent longest. */
static size_t find_least(struct kept *kept)
{
    if (kept->least == LEAST_NOT_KNOWN) {
        kept->least = 0;
        for (size_t i = 1; i < kept->count; ++i) {
            const struct kept_entry *a = &kept->entries[i], *b = &kept->entries[kept->least];
            if (a->weight < b->weight || (a->weight == b->weight && a->last < b->last))
                kept->least = i;
        }
    }
    return kept->least;
}

static bool has_room_for(struct kept *kept, uint64_t weight)
{
    return kept->count < USAGE_UNKNOWN_MAX || weight > kept->entries[find_least(kept)].weight;
}

bool kept_offer(struct kept *kept, struct text key, const struct kept_entry *entry, struct text *gone, char *gone_bytes)
{
    size_t index = kept->count;
    *gone = (struct text){0};
    if (key.size > CONNECTION_KEY_SIZE_MAX || !has_room_for(kept, entry->weight))
        return false;
    if (index < USAGE_UNKNOWN_MAX) {
        ++kept->count;
    } else {
        index = find_least(kept);
        unlink_entry(kept, index);
        *gone = text_slice(gone_bytes, kept->entries[index].key_size);
        memcpy(gone_bytes, kept->keys[index], gone->size);
    }
    kept->entries[index] = *entry;
    kept->entries[index].key_size = (uint16_t)key.size;
    memcpy(kept->keys[index], key.at, key.size);
    link_entry(kept, index);
    kept->least = LEAST_NOT_KNOWN;
    kept->changed = true;
    return true;
}

void kept_add(struct kept *kept, struct kept_entry *entry, uint64_t hits, int64_t first, int64_t last)
{
    entry->hits += hits;
    entry->fresh += hits;
    entry->first = first < entry->first ? first : entry->first;
    entry->last = last > entry->last ? last : entry->last;
    entry->weight = entry->hits;
    if ((size_t)(entry - kept->entries) == kept->least)
        kept->least = LEAST_NOT_KNOWN;
    kept->changed = true;
}

void kept_count(struct kept *kept, struct sketch *sketch, struct text key, uint64_t hash, uint32_t hits, int64_t first,
                int64_t last)
{
    struct kept_entry *there = kept_find(kept, key, hash);
    if (there != NULL) {
        kept_add(kept, there, hits, first, last);
        return;
    }
    char gone_bytes[CONNECTION_KEY_SIZE_MAX];
    struct text gone;
    uint32_t lately = sketch_add(sketch, hash, hits);
    /* The sketch stops at 65535; a name with more hits at once must not count for less. */
    uint64_t estimate = lately < hits ? hits : lately;
    const struct kept_entry entry = {
        .hash = hash,
        .hits = estimate,
        .error = estimate - hits,
        .fresh = estimate,
        .weight = estimate,
        .first = first,
        .last = last,
    };
    bool ignored = kept_offer(kept, key, &entry, &gone, gone_bytes);
    (void)ignored;
}
