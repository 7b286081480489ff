/* A fixed number of unknown identifiers that are worth keeping. For this folder only.
 *
 * To keep the most frequent ones, Space-Saving (A. Metwally, D. Agrawal, A. El Abbadi, 2005) gives each newcomer the
 * place of the one with the fewest hits. A flood of names that come once each would then push everything out. So, as in
 * TinyLFU, a newcomer gets in only if it came more often lately than that one; a sketch (sketch.h) knows well enough
 * how often. A name that came only once or twice may still lose its place by chance; one that came four times keeps it
 * against any number of names that do not repeat.
 *
 * A name that has long been silent gives way more easily: its hits count half for every ten days. After USAGE_DAYS it
 * is dropped, when the file is next looked through: as hits of any unknown name are written, and once a day.
 *
 * The kept names are in the usage file, so they outlive the process, and several processes add to the same ones. Memory
 * has the file's state as of the last flush plus what came since; the next flush merges the two. */
#ifndef SSOFERRY_USAGE_KEPT_H
#define SSOFERRY_USAGE_KEPT_H

#include "ssoferry/sketch.h"
#include "ssoferry/usage.h"

struct kept_entry {
    uint64_t hash;
    uint64_t hits, error;
    uint64_t fresh;      /* those of `hits` that the file does not have yet */
    uint64_t weight;     /* hits, reduced for silence */
    int64_t first, last; /* microseconds UTC */
    uint16_t key_size;
    uint16_t next;  /* in its bucket: index + 1; 0: none */
    bool stored;    /* it is in the file, */
    bool corrected; /* but with a time of a clock that was ahead */
};

enum { KEPT_BUCKETS = 4096 };

struct kept {
    size_t count;
    size_t least;                   /* index of one of the least weight; USAGE_UNKNOWN_MAX: unknown */
    bool changed;                   /* some entry has fresh hits */
    uint16_t buckets[KEPT_BUCKETS]; /* index + 1; 0: none */
    struct kept_entry entries[USAGE_UNKNOWN_MAX];
    char keys[USAGE_UNKNOWN_MAX][CONNECTION_KEY_SIZE_MAX];
};

struct kept *kept_new(void);
void kept_clear(struct kept *kept);

struct text kept_key(const struct kept *kept, const struct kept_entry *entry);

struct kept_entry *kept_find(struct kept *kept, struct text key, uint64_t hash);

/* Offers a copy of `entry` under a key that is not there yet. It gets in if there is room, or if it outweighs the entry
 * of least weight; *gone then is that one's key (empty: none), in `gone_bytes`, the caller's buffer of
 * CONNECTION_KEY_SIZE_MAX bytes. Returns whether it got in. */
bool kept_offer(struct kept *kept, struct text key, const struct kept_entry *entry, struct text *gone,
                char *gone_bytes);

/* Adds `hits` hits to an existing entry. */
void kept_add(struct kept *kept, struct kept_entry *entry, uint64_t hits, int64_t first, int64_t last);

/* Counts hits of an identifier, which may be new. */
void kept_count(struct kept *kept, struct sketch *sketch, struct text key, uint64_t hash, uint32_t hits, int64_t first,
                int64_t last);

/* The weight of hits after `silence` microseconds without any. */
uint64_t kept_weight(uint64_t hits, int64_t silence);

#endif
