/* Rows that are not for retiring even though they have long had no hits. For this folder only. */
#ifndef SSOFERRY_USAGE_SPARED_H
#define SSOFERRY_USAGE_SPARED_H

#include "keyed_hash.h"
#include "ssoferry/usage.h"

struct hash_set {
    size_t count, room;
    uint64_t *hashes;
};

/* Takes 16 to 32 bytes for each connection and row in it. */
struct spared {
    struct hash_key hash_key;
    struct hash_set connections; /* used through this row or another */
    struct hash_set rows;        /* that have not existed for as long */
};

/* Collects what was used, and what was added while counting was on, after `from`, as far back as revisions are kept.
 * Moves the reader. */
bool spared_collect(struct spared *spared, struct snapshot *snapshot, struct usage_reader *usage, int64_t from,
                    int64_t now, struct error *error) __attribute__((warn_unused_result));
bool spared_has(const struct spared *spared, struct text key, struct text connection_id);
void spared_release(struct spared *spared); /* all zeros is fine */

#endif
