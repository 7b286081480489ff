/* Rows that are not for retiring even though they have long had no hits. For this folder only. */
#ifndef SSOFERRY_USAGE_SPARED_H
#define SSOFERRY_USAGE_SPARED_H

#include "keyed_hash.h"
#include "ssoferry/report.h"

struct hash_set {
    size_t count, room;
    uint64_t *hashes;
};

/* Takes 16 to 32 bytes for each connection and row in it. */
struct spared {
    uint64_t newest_before; /* rows that were not there after this revision are new; */
    uint64_t added_since;   /* so many were added in later ones, counting again what was removed meanwhile, */
    uint64_t touched_since; /* and so many added, changed or removed */
    struct hash_key hash_key;
    struct hash_set connections; /* used through this row or another */
    struct hash_set rows;        /* that have not existed for as long */
};

/* Finds since which revision rows are new, that is, added after `from`. Sets *known_since to 0 if that revision is
 * kept, and else to when the first kept one was made: what was added before cannot be told from old rows. */
bool spared_look_back(struct spared *spared, const struct snapshot *snapshot, int64_t from, int64_t now,
                      int64_t *known_since, struct error *error) __attribute__((warn_unused_result));

/* Then collects what is not idle by these options, and what is new. Moves the reader. `watch` may be NULL. */
bool spared_collect(struct spared *spared, struct snapshot *snapshot, struct usage_reader *usage,
                    const struct report_options *options, const struct report_watch *watch, struct error *error)
    __attribute__((warn_unused_result));
bool spared_has(const struct spared *spared, struct text key, struct text connection_id);
void spared_release(struct spared *spared); /* all zeros is fine */

#endif
