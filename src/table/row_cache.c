#include "row_cache.h"

#include <string.h>

#include "ssoferry/memory.h"

_Static_assert(sizeof(struct row_cache_entry) == 256, "whole cache lines");

struct row_cache *row_cache_new(void)
{
    return memory_zeroed(1, sizeof(struct row_cache));
}

/* Only rows of the table get in, and a collision costs a lookup in LMDB: so the hash need not withstand an attacker. */
static uint64_t hash_of(struct text key)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15); /* 2^64 over the golden ratio: Fibonacci hashing */
    uint64_t hash = key.size;
    uint64_t word = 0;
    size_t at = 0;
    for (; at + sizeof(word) <= key.size; at += sizeof(word)) {
        memcpy(&word, key.at + at, sizeof(word));
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, key.at + at, key.size - at);
    hash = (hash ^ word) * factor;
    return hash ^ hash >> 32;
}

static size_t set_of(uint64_t hash)
{
    return (size_t)hash % ROW_CACHE_SETS;
}

/* Never 0, which is nobody's. */
static uint16_t tag_of(uint64_t hash)
{
    return (uint16_t)(hash >> 48 | 1);
}

static void turn_to(struct row_cache *cache, uint64_t transaction)
{
    if (cache->transaction == transaction)
        return;
    memset(cache->tags, 0, sizeof(cache->tags));
    cache->transaction = transaction;
}

struct text row_cache_find(struct row_cache *cache, struct text key, uint64_t transaction)
{
    const uint64_t hash = hash_of(key);
    const size_t set = set_of(hash);
    turn_to(cache, transaction);
    for (size_t way = 0; way < ROW_CACHE_WAYS; ++way) {
        const struct row_cache_entry *entry = &cache->entries[set][way];
        if (cache->tags[set].ways[way] == tag_of(hash) && text_equal(text_slice(entry->bytes, entry->key_size), key))
            return text_slice(entry->bytes + entry->key_size, entry->record_size);
    }
    return (struct text){0};
}

/* The way for a row that is not there, or ROW_CACHE_WAYS where it has to come again. */
static size_t choose_way(struct row_cache_tags *tags, uint16_t tag)
{
    for (size_t way = 0; way < ROW_CACHE_WAYS; ++way) {
        if (tags->ways[way] == 0)
            return way;
    }
    if (tags->candidate != tag) {
        tags->candidate = tag;
        return ROW_CACHE_WAYS;
    }
    tags->candidate = 0;
    tags->oldest = (uint16_t)((tags->oldest + 1) % ROW_CACHE_WAYS);
    return tags->oldest;
}

void row_cache_offer(struct row_cache *cache, struct text key, struct text record, uint64_t transaction)
{
    const uint64_t hash = hash_of(key);
    struct row_cache_tags *tags = &cache->tags[set_of(hash)];
    if (key.size + record.size > ROW_CACHE_BYTES)
        return;
    turn_to(cache, transaction);
    size_t way = choose_way(tags, tag_of(hash));
    if (way == ROW_CACHE_WAYS)
        return;
    struct row_cache_entry *entry = &cache->entries[set_of(hash)][way];
    tags->ways[way] = tag_of(hash);
    entry->key_size = (uint16_t)key.size;
    entry->record_size = (uint16_t)record.size;
    memcpy(entry->bytes, key.at, key.size);
    memcpy(entry->bytes + key.size, record.at, record.size);
}
