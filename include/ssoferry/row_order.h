/* Sorts rows by their keys. */
#ifndef SSOFERRY_ROW_ORDER_H
#define SSOFERRY_ROW_ORDER_H

#include <endian.h>
#include <stdbool.h>

#include "ssoferry/text.h"

/* A row somewhere in a buffer. */
struct row_place {
    uint64_t prefix; /* scratch space of row_order_sort() */
    uint32_t offset;
};

/* Eight bytes of the key from byte `from` on, as a number that compares as the bytes do. Past its end come zeros. */
static inline uint64_t key_prefix(struct text key, size_t from)
{
    uint64_t prefix = 0;
    if (from + sizeof prefix <= key.size)
        memcpy(&prefix, key.at + from, sizeof prefix);
    else if (from < key.size)
        memcpy(&prefix, key.at + from, key.size - from);
    return be64toh(prefix);
}

/* Sorts places by their keys, and equal keys by their offsets, which must be ascending. `key_at` returns the key at an
 * offset, whatever unit that is in; prefetching treats it as bytes. `shared` is the number of leading bytes that all
 * keys are known to share. Returns whether all keys differ. */
bool row_order_sort(struct row_place *places, size_t count, size_t shared,
                    struct text (*key_at)(const void *buffer, uint32_t offset), const void *buffer);

#endif
