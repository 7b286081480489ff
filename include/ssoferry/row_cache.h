/* Records that are looked up again and again, by key: one lookup's own.
 *
 * A lookup in LMDB walks the tree of named databases, the table's branches and a leaf: some ten cache lines far apart,
 * and a leaf of its own for nearly every row. Here a row's key and record lie together in one line of the processor's
 * cache, or in two or four that are neighbours; which one that is says half a line more, and of those there are few.
 * All rows are of one transaction: the next commit, whatever it changed, empties the cache. It grows with what is asked
 * for, by doubling, and begins anew each time. */
#ifndef SSOFERRY_ROW_CACHE_H
#define SSOFERRY_ROW_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "ssoferry/text.h"

enum {
    ROW_CACHE_SIZE_MIN = 64000, /* bytes that it begins with */
    ROW_CACHE_ROW_MAX = 254,    /* bytes of key and record together; longer rows are not kept */
};

struct row_cache;

/* Takes `size_max` bytes at most, but at least ROW_CACHE_SIZE_MIN; never NULL. */
struct row_cache *row_cache_new(size_t size_max);
void row_cache_free(struct row_cache *cache); /* NULL is fine */

/* Where a key's row may lie; until something is offered to the cache that has told it. */
struct row_cache_place {
    size_t set;
    size_t way; /* the first line of the set to look at, if there is one */
    uint16_t tag;
};

/* Begins to fetch the line where `key`'s row may lie, so that row_cache_find() need not wait for memory if there is
 * something else to do first. */
struct row_cache_place row_cache_expect(const struct row_cache *cache, struct text key);

/* The record under `key`, for which the cache has told `place`, as of `transaction`; or nothing at all (size 0). Lives
 * until the cache is next asked or offered. */
struct text row_cache_find(struct row_cache *cache, struct row_cache_place place, struct text key,
                           uint64_t transaction);

/* Offers a record that row_cache_find() did not know. Where its place is taken it is kept the second time, so that rows
 * which are asked for once do not push out the ones that come again. */
void row_cache_offer(struct row_cache *cache, struct text key, struct text record, uint64_t transaction);

/* Bytes that it takes now. */
size_t row_cache_size(const struct row_cache *cache);

#endif
