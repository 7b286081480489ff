/* Works on eight or more bytes at a time, for a few instructions in total instead of per byte. With SSE2, which every
 * x86-64 processor has, the longer ones use it. */
#ifndef SSOFERRY_BYTES_H
#define SSOFERRY_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BYTES_ONES UINT64_C(0x0101010101010101)
#define BYTES_TOPS UINT64_C(0x8080808080808080)

/* The eight bytes at `at` in the processor's byte order. `at` need not be aligned. */
static inline uint64_t bytes_load(const char *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof(eight));
    return eight;
}

/* Loads four bytes from `first` and four from `second` as if they were adjacent. */
static inline uint64_t bytes_load_halves(const char *first, const char *second)
{
    uint32_t a, b;
    memcpy(&a, first, sizeof(a));
    memcpy(&b, second, sizeof(b));
    return htole64((uint64_t)le32toh(b) << 32 | le32toh(a));
}

/* Loads four to eight bytes as eight; some are used twice. */
static inline uint64_t bytes_load_some(const char *at, size_t size)
{
    return bytes_load_halves(at, at + size - sizeof(uint32_t));
}

/* Whether any byte is over 0x7f. */
static inline bool bytes_any_high(uint64_t eight)
{
    return (eight & BYTES_TOPS) != 0;
}

/* Whether any byte is below `limit`, which is at most 0x80. */
static inline bool bytes_any_below(uint64_t eight, unsigned char limit)
{
    return ((eight - BYTES_ONES * limit) & ~eight & BYTES_TOPS) != 0;
}

/* Whether any byte equals `byte`. */
static inline bool bytes_any_is(uint64_t eight, unsigned char byte)
{
    return bytes_any_below(eight ^ BYTES_ONES * byte, 1);
}

/* Whether all bytes are ASCII from `first`, which is at most 0x7f, to '~'. */
static inline bool bytes_all_from(uint64_t eight, unsigned char first)
{
    return ((eight | (eight - BYTES_ONES * first) | (eight + BYTES_ONES)) & BYTES_TOPS) == 0;
}

/* Length of the common prefix of `a` and `b`, which both have `size` bytes. */
static inline size_t bytes_shared(const char *a, const char *b, size_t size)
{
    size_t at = 0;
    for (; size - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t others = bytes_load(a + at) ^ bytes_load(b + at);
        if (others != 0)
            return at + (unsigned)__builtin_ctzll(le64toh(others)) / 8;
    }
    while (at < size && a[at] == b[at])
        ++at;
    return at;
}

/* Whether the eight bytes at `at` equal those of `name`, ignoring the case of ASCII letters. `name` is in lower case
 * and holds only letters, digits and characters that come before the digits in ASCII. */
static inline bool bytes_same_fold(const char *at, const char *name)
{
    uint64_t wanted = bytes_load(name);
    uint64_t letters = (wanted & BYTES_ONES * 0x40) >> 1; /* the case bit of each byte of `name` that is a letter */
    return ((bytes_load(at) ^ wanted) & ~letters) == 0;
}

enum { BYTES_BLOCK = 64 };

/* Which of the BYTES_BLOCK bytes at `at` equal `byte`, as a bit mask: the first byte is the lowest bit. */
static inline uint64_t bytes_where_portable(const char *at, char byte)
{
    uint64_t where = 0;
    for (unsigned i = 0; i < BYTES_BLOCK; i += sizeof(uint64_t)) {
        uint64_t eight = le64toh(bytes_load(at + i)) ^ BYTES_ONES * (unsigned char)byte;
        uint64_t others = ((eight & ~BYTES_TOPS) + ~BYTES_TOPS) | eight; /* the top bit of each byte that is not 0 */
        where |= (~others & BYTES_TOPS) / 0x80 * UINT64_C(0x0102040810204080) >> 56 << i;
    }
    return where;
}

/* The same, with SSE2 where there is any. */
static inline uint64_t bytes_where(const char *at, char byte)
{
#ifdef __SSE2__
    const __m128i wanted = _mm_set1_epi8(byte);
    uint64_t where = 0;
#pragma GCC unroll 4
    for (unsigned i = 0; i < BYTES_BLOCK; i += sizeof(wanted)) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + i));
        where |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)) << i;
    }
    return where;
#else
    return bytes_where_portable(at, byte);
#endif
}

enum { BYTES_SPAN = 16 };

/* How many of the BYTES_SPAN bytes at `at` are visible ASCII ('!' to '~') before the first that is not. */
static inline unsigned bytes_span_visible_portable(const char *at)
{
    for (unsigned i = 0; i < BYTES_SPAN; i += sizeof(uint64_t)) {
        uint64_t eight = le64toh(bytes_load(at + i));
        uint64_t others = (eight | (eight - BYTES_ONES * '!') | (eight + BYTES_ONES)) & BYTES_TOPS;
        if (others != 0) /* only the lowest is reliable: borrows and carries went upwards */
            return i + (unsigned)__builtin_ctzll(others) / 8;
    }
    return BYTES_SPAN;
}

/* The same, with SSE2 where there is any. */
static inline unsigned bytes_span_visible(const char *at)
{
#ifdef __SSE2__
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    const __m128i deleted = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    const __m128i visible = _mm_andnot_si128(deleted, _mm_cmpgt_epi8(bytes, _mm_set1_epi8(' ')));
    return (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(visible));
#else
    return bytes_span_visible_portable(at);
#endif
}

/* Whether `c` is an ASCII letter, a digit or '-'. */
static inline bool bytes_is_word(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* How many of the BYTES_SPAN bytes at `at` pass bytes_is_word() before the first that does not. */
static inline unsigned bytes_span_word_portable(const char *at)
{
    unsigned size = 0;
    while (size < BYTES_SPAN && bytes_is_word(at[size]))
        ++size;
    return size;
}

/* The same, with SSE2 where there is any. */
static inline unsigned bytes_span_word(const char *at)
{
#ifdef __SSE2__
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    const __m128i letters = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    /* move 'a' and '0' to the smallest signed value, so that one comparison also excludes what is past 'z' and '9' */
    const __m128i from_a = _mm_add_epi8(letters, _mm_set1_epi8((char)(0x80 - 'a')));
    const __m128i from_0 = _mm_add_epi8(bytes, _mm_set1_epi8((char)(0x80 - '0')));
    const __m128i alphanumeric = _mm_or_si128(_mm_cmplt_epi8(from_a, _mm_set1_epi8((char)(0x80 + 26))),
                                              _mm_cmplt_epi8(from_0, _mm_set1_epi8((char)(0x80 + 10))));
    const __m128i word = _mm_or_si128(alphanumeric, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
    return (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(word));
#else
    return bytes_span_word_portable(at);
#endif
}

/* Which of the BYTES_BLOCK bytes at `at` are not printable ASCII (' ' to '~'), as a bit mask like bytes_where()'s. */
static inline uint64_t bytes_where_odd_portable(const char *at)
{
    uint64_t where = 0;
    for (unsigned i = 0; i < BYTES_BLOCK; ++i)
        where |= (uint64_t)(at[i] < ' ' || at[i] > '~') << i;
    return where;
}

/* The same, with SSE2 where there is any. */
static inline uint64_t bytes_where_odd(const char *at)
{
#ifdef __SSE2__
    const __m128i last_control = _mm_set1_epi8(' ' - 1), delete = _mm_set1_epi8(0x7f);
    uint64_t plain = 0;
#pragma GCC unroll 4
    for (unsigned i = 0; i < BYTES_BLOCK; i += sizeof(last_control)) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + i));
        __m128i all = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, delete), _mm_cmpgt_epi8(bytes, last_control));
        plain |= (uint64_t)(unsigned)_mm_movemask_epi8(all) << i;
    }
    return ~plain;
#else
    return bytes_where_odd_portable(at);
#endif
}

/* The lower-case hexadecimal digits of eight numbers below 16, one number per byte. */
static inline uint64_t bytes_hex_digits(uint64_t numbers)
{
    const uint64_t letters = (numbers + BYTES_ONES * 6) >> 4 & BYTES_ONES; /* 1 for each number of 10 or more */
    return numbers + BYTES_ONES * '0' + letters * ('a' - '0' - 10);
}

/* Copies `size` bytes, inline since they are few; returns the end of the copy in `out`. */
static inline char *bytes_put(char *out, const char *at, size_t size)
{
    size_t i = 0;
    for (; size > i + 16; i += 16)
        memcpy(out + i, at + i, 16);
    if (size >= 16) {
        memcpy(out + size - 16, at + size - 16, 16);
    } else if (size >= 8) {
        memcpy(out, at, 8);
        memcpy(out + size - 8, at + size - 8, 8);
    } else if (size >= 4) {
        memcpy(out, at, 4);
        memcpy(out + size - 4, at + size - 4, 4);
    } else {
        for (; i < size; ++i)
            out[i] = at[i];
    }
    return out + size;
}

/* Writes a number below 100 as two decimal digits. */
static inline void bytes_write_two_digits(char *out, uint64_t number)
{
    static const char digits[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                 "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                 "8081828384858687888990919293949596979899";
    memcpy(out, digits + 2 * number, 2);
}

/* Writes `number` in decimal so that it ends before `end`, and returns its first digit. Writes to no more than the last
 * BYTES_DECIMAL_MAX bytes before `end`. */
enum { BYTES_DECIMAL_MAX = 20 };
static inline char *bytes_write_decimal(char *end, uint64_t number)
{
    for (; number >= 100; number /= 100)
        bytes_write_two_digits(end -= 2, number % 100);
    bytes_write_two_digits(end -= 2, number);
    return end + (number < 10 ? 1 : 0);
}

/* Writes `number` as eight lower-case hexadecimal digits, most significant first. */
static inline void bytes_put_hex(uint32_t number, char *at)
{
    uint64_t x = number; /* spread so that each half byte gets a byte of its own */
    x = (x << 16 | x) & UINT64_C(0x0000ffff0000ffff);
    x = (x << 8 | x) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x << 4 | x) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = htobe64(bytes_hex_digits(x));
    memcpy(at, &x, sizeof(x));
}

/* Reads a number that bytes_put_hex() wrote. False if `digits` are not of that form; *number is then arbitrary. */
static inline bool bytes_get_hex(uint64_t digits, uint32_t *number)
{
    const uint64_t letters = digits >> 6 & BYTES_ONES; /* 1 for each digit that may be a to f */
    const uint64_t numbers = ((digits & BYTES_ONES * 15) + letters * 9) & BYTES_ONES * 15;
    uint64_t x = be64toh(numbers);
    x = (x >> 4 | x) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x >> 8 | x) & UINT64_C(0x0000ffff0000ffff);
    *number = (uint32_t)(x >> 16 | x);
    return bytes_hex_digits(numbers) == digits;
}

/* Writes eight bytes as sixteen lower-case hexadecimal digits, in order. */
static inline void bytes_put_hex_of(const void *eight, char *at)
{
#ifdef __SSE2__
    const __m128i low = _mm_set1_epi8(15);
    const __m128i bytes = _mm_loadl_epi64((const __m128i *)eight);
    const __m128i digits = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), low), _mm_and_si128(bytes, low));
    const __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
    _mm_storeu_si128((__m128i *)(void *)at, _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('0')), letters));
#else
    uint64_t number;
    memcpy(&number, eight, sizeof(number));
    number = be64toh(number);
    bytes_put_hex((uint32_t)(number >> 32), at);
    bytes_put_hex((uint32_t)number, at + 8);
#endif
}

/* Mixes a word into a hash by Fibonacci hashing. Does not withstand an attacker. */
static inline uint64_t bytes_mixed(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15); /* 2^64 divided by the golden ratio */
    return hash ^ hash >> 32;
}

#endif
