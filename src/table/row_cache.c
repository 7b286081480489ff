#include "ssoferry/row_cache.h"

#include <stdlib.h>

#include "ssoferry/bytes.h"
#include "ssoferry/memory.h"

enum {
    WAYS = 4,
    LINE_BYTES = 56, /* beside the line's own head */
    CROWDED_SHARE = 24,
};

/* A row begins with a line and goes on over the next one, or the next three, as if their heads were bytes, too. It
 * begins at a multiple of the lines that it takes. */
struct line {
    uint32_t epoch; /* that the row is of; never the current one where there is none */
    uint16_t tag;   /* a part of the key's hash, so that most others' rows need not be compared */
    uint8_t key_size, record_size;
    char bytes[LINE_BYTES]; /* key, record */
};
_Static_assert(sizeof(struct line) == 64, "one line of the processor's cache");
_Static_assert(ROW_CACHE_ROW_MAX == WAYS * sizeof(struct line) - (sizeof(struct line) - LINE_BYTES),
               "a set is its most");

struct set {
    struct line lines[WAYS];
};

/* What is needed only where a set is full. */
struct queue {
    uint16_t candidate; /* tag of the row that was last offered in vain; it is let in when it comes again */
    uint16_t next;      /* the line that goes next */
};

struct row_cache {
    uint64_t transaction; /* that epoch `epoch` stands for */
    uint32_t epoch;       /* never 0 */
    size_t set_count, set_count_max;
    struct set *sets;
    struct queue *queues;
    /* since it last grew, or was seen to be large enough */
    size_t asked;
    size_t crowded; /* offers that met a full set */
};

static void release(struct row_cache *cache)
{
    memory_pages_free(cache->sets, cache->set_count * sizeof(*cache->sets));
    free(cache->queues);
}

/* Empties it, too. False where there is no memory: then all stays as it was. */
static bool resize(struct row_cache *cache, size_t set_count)
{
    struct set *sets = memory_pages(set_count * sizeof(*sets));
    if (sets == NULL)
        return false;
    memory_pages_widen(sets, set_count * sizeof(*sets));
    release(cache);
    cache->set_count = set_count;
    cache->sets = sets;
    cache->queues = memory_zeroed(set_count, sizeof(*cache->queues));
    return true;
}

struct row_cache *row_cache_new(size_t size_max)
{
    struct row_cache *cache = memory_zeroed(1, sizeof(*cache));
    cache->epoch = 1;
    cache->set_count_max = size_max / sizeof(struct set);
    if (!resize(cache, ROW_CACHE_SIZE_MIN / sizeof(struct set)))
        memory_exhausted();
    return cache;
}

void row_cache_free(struct row_cache *cache)
{
    if (cache == NULL)
        return;
    release(cache);
    free(cache);
}

size_t row_cache_size(const struct row_cache *cache)
{
    return cache->set_count * sizeof(struct set);
}

/* Only rows of the table get in, and a collision costs a lookup in LMDB: so the hash need not withstand an attacker. */
static uint64_t hash_of(struct text key)
{
    uint64_t hash = key.size;
    uint64_t word = 0;
    size_t at = 0;
    for (; at + sizeof(word) < key.size; at += sizeof(word))
        hash = bytes_mixed(hash, bytes_load(key.at + at));
    if (at > 0) /* the last eight, some of them once more */
        word = bytes_load(key.at + key.size - sizeof(word));
    else
        memcpy(&word, key.at, key.size);
    return bytes_mixed(hash, word);
}

/* The number of sets is a power of two. */
static size_t set_of(const struct row_cache *cache, uint64_t hash)
{
    return (size_t)hash & (cache->set_count - 1);
}

static uint16_t tag_of(uint64_t hash)
{
    return (uint16_t)(hash >> 48);
}

static void turn_to(struct row_cache *cache, uint64_t transaction)
{
    if (cache->transaction == transaction)
        return;
    cache->transaction = transaction;
    if (++cache->epoch == 0) { /* after four thousand million commits */
        memset(cache->sets, 0, cache->set_count * sizeof(*cache->sets));
        cache->epoch = 1;
    }
}

/* How many lines a row of so many bytes takes. */
static size_t lines_for(size_t size)
{
    return size <= LINE_BYTES ? 1 : size <= LINE_BYTES + sizeof(struct line) ? 2 : WAYS;
}

/* The line behind the row that begins with this one, be it of this epoch or an earlier one. */
static size_t behind(const struct set *set, size_t way)
{
    return way + lines_for((size_t)set->lines[way].key_size + set->lines[way].record_size);
}

/* Of a row that begins with this line, and may go on over the next ones. */
static const char *bytes_of(const struct line *line)
{
    return (const char *)line + offsetof(struct line, bytes);
}

void row_cache_expect(const struct row_cache *cache, struct text key)
{
    const struct set *set = &cache->sets[set_of(cache, hash_of(key))];
    for (size_t way = 0; way < WAYS; ++way) /* all at once: looked through, each is found behind the one before */
        __builtin_prefetch(&set->lines[way]);
}

struct text row_cache_find(struct row_cache *cache, struct text key, uint64_t transaction)
{
    const uint64_t hash = hash_of(key);
    const struct set *set = &cache->sets[set_of(cache, hash)];
    turn_to(cache, transaction);
    ++cache->asked;
    for (size_t way = 0; way < WAYS; way = behind(set, way)) {
        const struct line *line = &set->lines[way];
        if (line->tag == tag_of(hash) && line->epoch == cache->epoch &&
            text_equal(text_slice(bytes_of(line), line->key_size), key))
            return text_slice(bytes_of(line) + line->key_size, line->record_size);
    }
    return (struct text){0};
}

/* -- letting in -- */

/* Whether no row of this epoch lies in lines first..first+count-1. */
static bool is_free(const struct row_cache *cache, const struct set *set, size_t first, size_t count)
{
    for (size_t way = 0; way < first + count; way = behind(set, way)) {
        if (behind(set, way) > first && set->lines[way].epoch == cache->epoch)
            return false;
    }
    return true;
}

/* Takes out every row that lies in these lines, though it be in part. */
static void clear(struct set *set, size_t first, size_t count)
{
    for (size_t way = 0, next = 0; way < first + count; way = next) {
        next = behind(set, way);
        if (next > first)
            memset(&set->lines[way], 0, (next - way) * sizeof(set->lines[way]));
    }
}

/* The first of `count` lines for a row that is not there, or WAYS where it has to come again. */
static size_t choose_way(struct row_cache *cache, size_t index, size_t count, uint16_t tag)
{
    struct queue *queue = &cache->queues[index];
    for (size_t way = 0; way < WAYS; way += count) {
        if (is_free(cache, &cache->sets[index], way, count))
            return way;
    }
    ++cache->crowded;
    if (queue->candidate != tag) {
        queue->candidate = tag;
        return WAYS;
    }
    queue->candidate = 0;
    size_t way = queue->next / count * count;
    queue->next = (uint16_t)((way + count) % WAYS);
    return way;
}

/* Doubles where so many rows have found no room that it is not a few sets' bad luck. */
static void grow_if_crowded(struct row_cache *cache)
{
    if (cache->crowded < cache->set_count)
        return;
    if (cache->set_count <= cache->set_count_max / 2 && cache->crowded > cache->asked / CROWDED_SHARE &&
        !resize(cache, 2 * cache->set_count))
        cache->set_count_max = cache->set_count; /* nor is it asked for again */
    cache->asked = cache->crowded = 0;
}

void row_cache_offer(struct row_cache *cache, struct text key, struct text record, uint64_t transaction)
{
    const uint64_t hash = hash_of(key);
    if (key.size + record.size > ROW_CACHE_ROW_MAX)
        return;
    turn_to(cache, transaction);
    grow_if_crowded(cache);
    const size_t index = set_of(cache, hash), count = lines_for(key.size + record.size);
    const size_t way = choose_way(cache, index, count, tag_of(hash));
    if (way == WAYS)
        return;
    clear(&cache->sets[index], way, count);
    struct line *line = &cache->sets[index].lines[way];
    line->epoch = cache->epoch;
    line->tag = tag_of(hash);
    line->key_size = (uint8_t)key.size;
    line->record_size = (uint8_t)record.size;
    char *bytes = (char *)bytes_of(line);
    memcpy(bytes, key.at, key.size);
    memcpy(bytes + key.size, record.at, record.size);
}
