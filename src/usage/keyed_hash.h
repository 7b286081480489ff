/* A hash with a secret key, so that whoever chooses the identifiers cannot make them collide. For this folder only. */
#ifndef SSOFERRY_USAGE_KEYED_HASH_H
#define SSOFERRY_USAGE_KEYED_HASH_H

#include "ssoferry/text.h"

struct hash_key {
    uint64_t words[2];
};

/* Makes a key from the kernel's random numbers. */
struct hash_key hash_key_new(void);

uint64_t keyed_hash(const struct hash_key *key, struct text t);

#endif
