/* A cache of records that are looked up again and again, by key. Each lookup has its own.
 *
 * A lookup in LMDB walks the tree of named databases, the table's branches and a leaf: some ten cache lines far apart,
 * and a different leaf for nearly every row. Here a row's key and record lie together in one cache line, or in two or
 * four adjacent ones; half a line more says which, and there are few of those. All rows are of one transaction: the
 * next commit empties the cache, whatever it changed. The cache doubles with demand, and starts empty each time. */
#ifndef SSOFERRY_ROW_CACHE_H
#define SSOFERRY_ROW_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "ssoferry/text.h"

enum {
    ROW_CACHE_SIZE_MIN = 64000, /* bytes; the initial size is this to twice this */
    ROW_CACHE_ROW_MAX = 254,    /* bytes of key and record together; longer rows are not cached */
};

struct row_cache;

/* Takes at most `size_max` bytes, but at least ROW_CACHE_SIZE_MIN. Never NULL. */
struct row_cache *row_cache_new(size_t size_max);
void row_cache_free(struct row_cache *cache); /* NULL is fine */

/* Where a key's row may lie: it has two sets of lines. Valid until the next offer to the same cache. */
struct row_cache_place {
    size_t set, second;
    size_t way; /* the first line of `set` to look at, if any */
    uint16_t tag;
};

/* Starts fetching the line where `key`'s row may lie, so that row_cache_find() need not wait for memory if the caller
 * has something else to do in between. */
struct row_cache_place row_cache_expect(const struct row_cache *cache, struct text key);

/* The record under `key` as of `transaction`, or an empty text if it is not cached. `place` is from row_cache_expect()
 * for this key. Lives until the next call. */
struct text row_cache_find(struct row_cache *cache, struct row_cache_place place, struct text key,
                           uint64_t transaction);

/* Offers a record that row_cache_find() did not have. If its place is taken, it is kept only at the second offer, so
 * that rows needed once do not displace those that come again. */
void row_cache_offer(struct row_cache *cache, struct text key, struct text record, uint64_t transaction);

/* Forgets all rows. NULL is fine. */
void row_cache_forget(struct row_cache *cache);

/* Size in bytes now. */
size_t row_cache_size(const struct row_cache *cache);

#endif
