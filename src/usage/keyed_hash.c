/* SipHash-1-3: J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012, with one round per word and
 * three at the end, as is usual for hash tables. */
#include "keyed_hash.h"

#include "ssoferry/seed.h"

struct hash_key hash_key_new(void)
{
    struct hash_key key = {{0}};
    seed_draw(key.words);
    return key;
}

static inline uint64_t rotated(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void mix(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotated(v[1], 13) ^ v[0];
    v[0] = rotated(v[0], 32);
    v[2] += v[3];
    v[3] = rotated(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotated(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotated(v[1], 17) ^ v[2];
    v[2] = rotated(v[2], 32);
}

uint64_t keyed_hash(const struct hash_key *key, struct text t)
{
    uint64_t v[4] = {key->words[0] ^ 0x736f6d6570736575, key->words[1] ^ 0x646f72616e646f6d,
                     key->words[0] ^ 0x6c7967656e657261, key->words[1] ^ 0x7465646279746573};
    size_t whole = t.size - t.size % 8;
    uint64_t word;
    for (size_t at = 0; at < whole; at += 8) {
        memcpy(&word, t.at + at, 8);
        v[3] ^= word;
        mix(v);
        v[0] ^= word;
    }
    word = 0;
    if (t.size > whole)
        memcpy(&word, t.at + whole, t.size - whole);
    word |= (uint64_t)t.size << 56;
    v[3] ^= word;
    mix(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    mix(v);
    mix(v);
    mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
