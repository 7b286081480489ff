/* Records that are looked up again and again, by key: one lookup's own. For this folder only.
 *
 * A lookup in LMDB walks the tree of named databases, the table's branches and a leaf: some ten cache lines far apart,
 * and a leaf of its own for nearly every row. Here the record lies beside its key. All entries are of one transaction:
 * the next commit, whatever it changed, empties the cache. */
#ifndef SSOFERRY_TABLE_ROW_CACHE_H
#define SSOFERRY_TABLE_ROW_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "ssoferry/text.h"

enum {
    ROW_CACHE_SETS = 4096,
    ROW_CACHE_WAYS = 2,
    ROW_CACHE_BYTES = 252, /* of key and record together; longer rows are not kept */
};

struct row_cache_entry {
    uint16_t key_size, record_size;
    char bytes[ROW_CACHE_BYTES]; /* key, record */
};

/* What a row that is not there costs to find out: a part of each key's hash, all of a set in eight bytes. */
struct row_cache_tags {
    uint16_t ways[ROW_CACHE_WAYS]; /* 0: free */
    uint16_t candidate;            /* the row that was last offered and found no room; kept when it comes again */
    uint16_t oldest;               /* the way that goes next */
};

struct row_cache {
    uint64_t transaction; /* that all is of */
    struct row_cache_tags tags[ROW_CACHE_SETS];
    struct row_cache_entry entries[ROW_CACHE_SETS][ROW_CACHE_WAYS];
};

/* 2 MB of address space; memory only as entries come. Freed with free(). */
struct row_cache *row_cache_new(void);

/* The record under `key` as of `transaction`, or nothing at all (size 0). Lives until the cache is next asked or
 * offered. */
struct text row_cache_find(struct row_cache *cache, struct text key, uint64_t transaction);

/* Offers a record that row_cache_find() did not know. Where its place is taken it is kept the second time, so that rows
 * which are asked for once do not push out the ones that come again. */
void row_cache_offer(struct row_cache *cache, struct text key, struct text record, uint64_t transaction);

#endif
