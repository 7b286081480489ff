/* Rows that stand on no retire list though they have had no hit for long. For this folder only. */
#ifndef SSOFERRY_USAGE_SPARED_H
#define SSOFERRY_USAGE_SPARED_H

#include "keyed_hash.h"
#include "ssoferry/usage.h"

struct hash_set {
    size_t count, room;
    uint64_t *hashes;
};

/* 16 to 32 bytes of memory for each connection and row of which it knows. */
struct spared {
    struct hash_key hash_key;
    struct hash_set connections; /* in use: by this row or by another one */
    struct hash_set rows;        /* that were not there for as long */
};

/* What was used, and what was added while it was counted, after `from`; as far as revisions are kept. Moves the
 * reader. */
bool spared_collect(struct spared *spared, struct snapshot *snapshot, struct usage_reader *usage, int64_t from,
                    int64_t now, struct error *error) __attribute__((warn_unused_result));
bool spared_has(const struct spared *spared, struct text key, struct text connection_id);
void spared_release(struct spared *spared); /* a zeroed one is fine */

#endif
