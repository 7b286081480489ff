#include "ssoferry/row_cache.h"

#include <stdlib.h>

#include "ssoferry/bytes.h"
#include "ssoferry/memory.h"

enum {
    WAYS = 12,
    TAGS_A_WORD = 4,
    LINE_BYTES = 62, /* besides the line's own head */
    ROW_LINES_MAX = 4,
    CROWDED_SHARE = 24,
};

/* Tags of lines in which no row begins. */
enum { TAG_FREE, TAG_CONTINUED, TAG_ROW };

/* A row begins in one line and may continue over the next one or the next three, using their heads as plain bytes. It
 * starts at a multiple of the lines it takes. */
struct line {
    uint8_t key_size, record_size;
    char bytes[LINE_BYTES]; /* key, record */
};
_Static_assert(sizeof(struct line) == 64, "one line of the processor's cache");
_Static_assert(ROW_CACHE_ROW_MAX == ROW_LINES_MAX * sizeof(struct line) - (sizeof(struct line) - LINE_BYTES),
               "four lines without the first one's head");

/* Tells in which line a row begins, so that only that one is fetched: there are far more lines than fit in the
 * processor's cache. */
struct set {
    char tags[WAYS][sizeof(uint16_t)]; /* part of the key's hash, or one of the above */
    uint32_t epoch;                    /* of the rows; if it is not the current one, there are none */
    uint16_t candidate;                /* tag of the row last offered in vain; it is let in if offered again */
    uint16_t next;                     /* the line to reuse next if all are taken */
};
_Static_assert(sizeof(struct set) == 32, "two in one line of the processor's cache");

enum { SET_SIZE = sizeof(struct set) + WAYS * sizeof(struct line) };

struct row_cache {
    uint64_t transaction; /* the one that `epoch` stands for */
    uint32_t epoch;       /* never 0 */
    size_t set_count, set_count_max;
    struct line *lines; /* WAYS per set, followed by the sets */
    struct set *sets;
    /* since it last grew or was found large enough */
    size_t asked;
    size_t crowded; /* offers for which both sets were full */
};

static void release(struct row_cache *cache)
{
    memory_pages_free(cache->lines, cache->set_count * SET_SIZE);
}

/* Also empties the cache. False if memory is out; nothing has changed then. */
static bool resize(struct row_cache *cache, size_t set_count)
{
    struct line *lines = memory_pages(set_count * SET_SIZE);
    if (lines == NULL)
        return false;
    memory_pages_widen(lines, set_count * SET_SIZE);
    release(cache);
    cache->set_count = set_count;
    cache->lines = lines;
    cache->sets = (struct set *)(void *)(lines + set_count * WAYS);
    return true;
}

struct row_cache *row_cache_new(size_t size_max)
{
    struct row_cache *cache = memory_zeroed(1, sizeof(*cache));
    cache->epoch = 1;
    cache->set_count_max = (size_max > ROW_CACHE_SIZE_MIN ? size_max : ROW_CACHE_SIZE_MIN) / SET_SIZE;
    size_t set_count = cache->set_count_max;
    while (set_count / 2 >= ROW_CACHE_SIZE_MIN / SET_SIZE) /* so that doubling leads to the most */
        set_count /= 2;
    if (!resize(cache, set_count))
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
    return cache->set_count * SET_SIZE;
}

/* Need not withstand an attacker: only the table's rows get in, and a collision merely costs a lookup in LMDB. */
static uint64_t hash_of(struct text key)
{
    uint64_t hash = key.size;
    uint64_t word = 0;
    size_t at = 0;
    for (; at + sizeof(word) < key.size; at += sizeof(word))
        hash = bytes_mixed(hash, bytes_load(key.at + at));
    if (at > 0) /* the last eight, some of them again */
        word = bytes_load(key.at + key.size - sizeof(word));
    else
        memcpy(&word, key.at, key.size);
    return bytes_mixed(hash, word);
}

/* Uses the hash's upper half, which depends on every byte of the key, as a fraction of all sets: the integer part is
 * the first set, the rest the tag, which leads on to the second. */
static struct row_cache_place place_of(const struct row_cache *cache, struct text key)
{
    const uint64_t place = (hash_of(key) >> 32) * cache->set_count;
    const uint16_t tag = (uint16_t)(place >> 16);
    const size_t set = (size_t)(place >> 32);
    const size_t second = set + 1 + (tag * (cache->set_count - 1) >> 16);
    return (struct row_cache_place){
        .set = set,
        .second = second < cache->set_count ? second : second - cache->set_count,
        .tag = tag >= TAG_ROW ? tag : (uint16_t)(tag + TAG_ROW),
    };
}

static uint16_t tag_at(const struct set *set, size_t way)
{
    uint16_t tag;
    memcpy(&tag, set->tags[way], sizeof(tag));
    return le16toh(tag);
}

/* Writes `tag` for the first line and marks the others. Little-endian, since where_tag() counts from the low end. */
static void put_tags(struct set *set, size_t way, size_t count, uint16_t tag)
{
    const uint16_t first = htole16(tag), continued = htole16(tag == TAG_FREE ? TAG_FREE : TAG_CONTINUED);
    memcpy(set->tags[way], &first, sizeof(first));
    for (size_t i = 1; i < count; ++i)
        memcpy(set->tags[way + i], &continued, sizeof(continued));
}

static void turn_to(struct row_cache *cache, uint64_t transaction)
{
    if (cache->transaction == transaction)
        return;
    cache->transaction = transaction;
    if (++cache->epoch == 0) { /* after four billion commits */
        memset(cache->sets, 0, cache->set_count * sizeof(*cache->sets));
        cache->epoch = 1;
    }
}

void row_cache_forget(struct row_cache *cache)
{
    if (cache != NULL)
        turn_to(cache, 0); /* LMDB's number of what was never written */
}

static size_t lines_for(size_t size)
{
    return size <= LINE_BYTES ? 1 : size <= LINE_BYTES + sizeof(struct line) ? 2 : ROW_LINES_MAX;
}

/* The bytes of a row that begins in this line, and may continue over the next. */
static const char *bytes_of(const struct line *line)
{
    return (const char *)line + offsetof(struct line, bytes);
}

/* Sets the top bit of each of four tags that equals `tag`. It may also be set for another row's tag, but never for a
 * line in which no row begins. */
static uint64_t where_tag(const struct set *set, size_t first, uint16_t tag)
{
    const uint64_t ones = UINT64_C(0x0001000100010001);
    uint64_t others = le64toh(bytes_load(set->tags[first])) ^ ones * tag;
    return (others - ones) & ~others & ones << 15;
}

/* The next line, from `way` on, that may have the row being looked for, or WAYS. */
static size_t next_way(const struct set *set, size_t way, uint16_t tag)
{
    for (; way < WAYS; way = (way / TAGS_A_WORD + 1) * TAGS_A_WORD) {
        uint64_t where = where_tag(set, way / TAGS_A_WORD * TAGS_A_WORD, tag) >> way % TAGS_A_WORD * 16;
        if (where != 0)
            return way + (unsigned)__builtin_ctzll(where) / 16;
    }
    return WAYS;
}

/* Moves `place` to the next line, from where it is on, that may have the row being looked for. False if there is none.
 */
static bool seek(const struct row_cache *cache, struct row_cache_place *place)
{
    place->way = next_way(&cache->sets[place->set], place->way, place->tag);
    if (place->way == WAYS && place->set != place->second) {
        place->set = place->second;
        place->way = next_way(&cache->sets[place->set], 0, place->tag);
    }
    return place->way < WAYS;
}

static struct line *line_at(const struct row_cache *cache, const struct row_cache_place *place)
{
    return &cache->lines[place->set * WAYS + place->way];
}

struct row_cache_place row_cache_expect(const struct row_cache *cache, struct text key)
{
    struct row_cache_place place = place_of(cache, key);
    if (seek(cache, &place))
        __builtin_prefetch(line_at(cache, &place));
    return place;
}

struct text row_cache_find(struct row_cache *cache, struct row_cache_place place, struct text key, uint64_t transaction)
{
    turn_to(cache, transaction);
    ++cache->asked;
    for (bool more = place.way < WAYS; more; ++place.way, more = seek(cache, &place)) {
        const struct line *line = line_at(cache, &place);
        if (cache->sets[place.set].epoch == cache->epoch && text_equal(text_slice(bytes_of(line), line->key_size), key))
            return text_slice(bytes_of(line) + line->key_size, line->record_size);
    }
    return (struct text){0};
}

/* -- admission -- */

static bool is_free(const struct set *set, size_t first, size_t count)
{
    for (size_t way = first; way < first + count; ++way) {
        if (tag_at(set, way) != TAG_FREE)
            return false;
    }
    return true;
}

/* Removes every row that is in these lines, even partly. */
static void clear(struct set *set, size_t first, size_t count)
{
    size_t begin = first, end = first + count;
    while (tag_at(set, begin) == TAG_CONTINUED)
        --begin;
    while (end < WAYS && tag_at(set, end) == TAG_CONTINUED)
        ++end;
    put_tags(set, begin, end - begin, TAG_FREE);
}

/* The set, emptied if it is from an earlier epoch. */
static struct set *set_now(struct row_cache *cache, size_t index)
{
    struct set *set = &cache->sets[index];
    if (set->epoch != cache->epoch)
        *set = (struct set){.epoch = cache->epoch};
    return set;
}

/* The first of `count` free lines, or WAYS. */
static size_t free_way(const struct set *set, size_t count)
{
    size_t way = 0;
    while (way < WAYS && !is_free(set, way, count))
        way += count;
    return way;
}

/* The first of `count` lines that are taken from other rows, or WAYS if the new one must be offered again. */
static size_t taken_way(struct set *set, size_t count, uint16_t tag)
{
    if (set->candidate != tag) {
        set->candidate = tag;
        return WAYS;
    }
    set->candidate = TAG_FREE;
    size_t way = set->next / count * count;
    set->next = (uint16_t)((way + count) % WAYS);
    return way;
}

/* Moves `place` to where a new row of `count` lines goes. False if it must be offered again. */
static bool find_room(struct row_cache *cache, struct row_cache_place *place, size_t count)
{
    struct set *set = set_now(cache, place->set);
    place->way = free_way(set, count);
    if (place->way < WAYS)
        return true;
    const size_t way = free_way(set_now(cache, place->second), count);
    if (way < WAYS) {
        place->set = place->second;
        place->way = way;
        return true;
    }
    ++cache->crowded;
    place->way = taken_way(set, count, place->tag);
    return place->way < WAYS;
}

/* Doubles the cache if more rows found no room than could be a few sets' bad luck. That empties it, so a smaller step
 * would not be worth it. */
static void grow_if_crowded(struct row_cache *cache)
{
    if (cache->crowded < cache->set_count)
        return;
    const size_t more = 2 * cache->set_count;
    if (more <= cache->set_count_max && cache->crowded > cache->asked / CROWDED_SHARE && !resize(cache, more))
        cache->set_count_max = cache->set_count; /* do not try again */
    cache->asked = cache->crowded = 0;
}

void row_cache_offer(struct row_cache *cache, struct text key, struct text record, uint64_t transaction)
{
    if (key.size + record.size > ROW_CACHE_ROW_MAX)
        return;
    turn_to(cache, transaction);
    grow_if_crowded(cache);
    struct row_cache_place place = place_of(cache, key);
    const size_t count = lines_for(key.size + record.size);
    if (!find_room(cache, &place, count))
        return;
    clear(&cache->sets[place.set], place.way, count);
    put_tags(&cache->sets[place.set], place.way, count, place.tag);
    struct line *line = line_at(cache, &place);
    line->key_size = (uint8_t)key.size;
    line->record_size = (uint8_t)record.size;
    char *bytes = (char *)bytes_of(line);
    memcpy(bytes, key.at, key.size);
    memcpy(bytes + key.size, record.at, record.size);
}
