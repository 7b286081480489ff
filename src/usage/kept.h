/* The unknown identifiers that are worth keeping: a fixed number of them. For this folder only.
 *
 * To keep those that came most often, Space-Saving (A. Metwally, D. Agrawal, A. El Abbadi, 2005) gives each newcomer
 * the place of the one with the fewest hits. A flood of names that come once each would then push everything out. So a
 * newcomer is let in only if it came more often lately than the one with the fewest hits, as TinyLFU has it; how often,
 * a sketch knows well enough (sketch.h). A name that came once or twice in all may yet lose its place to chance; one
 * that came four times keeps it against any number of names that do not repeat.
 *
 * One that has long been silent gives way more easily: its hits count half for every ten days. After USAGE_DAYS it
 * goes.
 *
 * What is kept lies in the usage file, so that it outlives the process and several processes add to the same. In memory
 * is the file's state as of the last flush with what has come since, and the next flush brings the two together. */
#ifndef SSOFERRY_USAGE_KEPT_H
#define SSOFERRY_USAGE_KEPT_H

#include "ssoferry/sketch.h"
#include "ssoferry/usage.h"

struct kept_entry {
    uint64_t hash;
    uint64_t hits, error;
    uint64_t fresh;      /* of `hits`, those that the file does not have yet */
    uint64_t weight;     /* hits, less for silence */
    int64_t first, last; /* microseconds UTC */
    uint16_t key_size;
    uint16_t next; /* in its bucket: index + 1; 0: the last */
    bool stored;   /* the file has it */
};

enum { KEPT_BUCKETS = 4096 };

struct kept {
    size_t count;
    size_t least;                   /* index of one of the least weight; USAGE_UNKNOWN_MAX: to be found */
    bool changed;                   /* any entry has fresh hits */
    uint16_t buckets[KEPT_BUCKETS]; /* index + 1; 0: none */
    struct kept_entry entries[USAGE_UNKNOWN_MAX];
    char keys[USAGE_UNKNOWN_MAX][CONNECTION_KEY_SIZE_MAX];
};

struct kept *kept_new(void);
void kept_clear(struct kept *kept);

struct text kept_key(const struct kept *kept, const struct kept_entry *entry);

struct kept_entry *kept_find(struct kept *kept, struct text key, uint64_t hash);

/* Puts an entry in that is not there yet, as `entry` has it but for its place, if there is room or it outweighs the one
 * of the least weight, whose key then goes to `*gone` (empty: none) in the caller's `gone_bytes` of
 * CONNECTION_KEY_SIZE_MAX. Returns whether it is in. */
bool kept_offer(struct kept *kept, struct text key, const struct kept_entry *entry, struct text *gone,
                char *gone_bytes);

/* Adds `hits` hits to an entry that is there. */
void kept_add(struct kept *kept, struct kept_entry *entry, uint64_t hits, int64_t first, int64_t last);

/* Counts hits of an identifier, which may be new. */
void kept_count(struct kept *kept, struct sketch *sketch, struct text key, uint64_t hash, uint32_t hits, int64_t first,
                int64_t last);

/* What so many hits weigh after this time of silence. */
uint64_t kept_weight(uint64_t hits, int64_t silence);

#endif
