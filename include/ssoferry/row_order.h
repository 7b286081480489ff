/* Putting rows in order by their keys. */
#ifndef SSOFERRY_ROW_ORDER_H
#define SSOFERRY_ROW_ORDER_H

#include <endian.h>
#include <stdbool.h>

#include "ssoferry/text.h"

/* A row somewhere in a buffer. */
struct row_place {
    uint64_t prefix; /* for row_order_sort() */
    uint32_t offset;
};

/* 8 bytes of the key, from byte `from` on, as a number, so that numbers compare as the bytes do; zeros stand for what
 * is behind its end. */
static inline uint64_t key_prefix(struct text key, size_t from)
{
    uint64_t prefix = 0;
    if (from + sizeof prefix <= key.size)
        memcpy(&prefix, key.at + from, sizeof prefix);
    else if (from < key.size)
        memcpy(&prefix, key.at + from, key.size - from);
    return be64toh(prefix);
}

/* Sorts places by their keys, and those of one key by their offsets, in whose order they come. `key_at` gives the key
 * at an offset, whatever that counts, though memory is fetched beforehand as if it counted bytes; `shared` is how many
 * bytes all keys are known to start with alike. Returns whether each key is there but once. */
bool row_order_sort(struct row_place *places, size_t count, size_t shared,
                    struct text (*key_at)(const void *buffer, uint32_t offset), const void *buffer);

#endif
