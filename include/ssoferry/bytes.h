/* Eight bytes looked at, or made, at once. What is asked of each byte costs a few instructions for all of them; nothing
 * here depends on the processor. */
#ifndef SSOFERRY_BYTES_H
#define SSOFERRY_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BYTES_ONES UINT64_C(0x0101010101010101)
#define BYTES_TOPS UINT64_C(0x8080808080808080)

static inline uint64_t bytes_load(const char *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof(eight));
    return eight;
}

/* Whether one of them is over 0x7f. */
static inline bool bytes_any_high(uint64_t eight)
{
    return (eight & BYTES_TOPS) != 0;
}

/* Whether one of them is under `limit`, which is at most 0x80. */
static inline bool bytes_any_below(uint64_t eight, unsigned char limit)
{
    return ((eight - BYTES_ONES * limit) & ~eight & BYTES_TOPS) != 0;
}

/* Whether one of them is `byte`. */
static inline bool bytes_any_is(uint64_t eight, unsigned char byte)
{
    return bytes_any_below(eight ^ BYTES_ONES * byte, 1);
}

/* Writes a number as eight hexadecimal digits, lower-case, its highest first. */
static inline void bytes_put_hex(uint32_t number, char *at)
{
    uint64_t x = number; /* spread, so that each half byte has a byte to itself */
    x = (x << 16 | x) & UINT64_C(0x0000ffff0000ffff);
    x = (x << 8 | x) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x << 4 | x) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    const uint64_t letters = (x + BYTES_ONES * 6) >> 4 & BYTES_ONES; /* 1 where it is 10 or more */
    x = htobe64(x + BYTES_ONES * '0' + letters * ('a' - '0' - 10));
    memcpy(at, &x, sizeof(x));
}

#endif
