/* Unsigned numbers of variable length in our own records (LEB128, DWARF 5, 7.6): 7 bits a byte, lowest first, with the
 * high bit set on all but the last byte. */
#ifndef SSOFERRY_LEB128_H
#define SSOFERRY_LEB128_H

#include "ssoferry/text.h"

/* Writes a number, which takes 10 bytes at the most, and returns where it ends. */
static inline void *leb128_put(void *at, uint64_t number)
{
    unsigned char *byte = at;
    for (; number >= 0x80; number >>= 7)
        *byte++ = (unsigned char)(number | 0x80);
    *byte++ = (unsigned char)number;
    return byte;
}

/* Reads a number from the beginning of *rest, and moves that on. False if it is cut off or has over 64 bits. */
static inline bool leb128_take(struct text *rest, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; shift < 64 && rest->size > 0; shift += 7) {
        unsigned char byte = (unsigned char)*rest->at;
        *rest = text_from(*rest, 1);
        if (shift == 63 && byte > 1)
            return false;
        *number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

#endif
