/* The usage file, byte by byte. For this folder only.
 *
 * Numbers are little-endian groups of seven bits (LEB128), times are microseconds UTC since 1970, and days are counted
 * from then.
 *     hits       key: source, 0x00, identifier
 *                value: 1; hits by outcome; first seen; last seen - first seen; the newest day with hits; then, newest
 *                first, for each day with hits: days before the next newer one, hits
 *     unknown    key: the same
 *                value: 1; hits; error; first seen; last seen - first seen
 *     meta       "schema": four bytes, big-endian
 *                "totals": 1; hits by outcome; unnamed; unknown hits; since
 * The leading 1 is the version. */
#ifndef SSOFERRY_USAGE_RECORD_H
#define SSOFERRY_USAGE_RECORD_H

#include "ssoferry/usage.h"

struct usage_record {
    uint64_t hits[USAGE_OUTCOMES];
    int64_t first, last;
    uint32_t newest;           /* day */
    uint32_t days[USAGE_DAYS]; /* hits; [USAGE_DAYS - 1] on the newest day */
};

struct unknown_record {
    uint64_t hits, error;
    int64_t first, last;
};

/* An entry of `hits` for the days on which there was counting at all, with or without hits. No row has this key,
 * because a source starts with a letter or digit; a program that does not know it takes it for a deleted row's. */
#define COUNTED_DAYS_KEY TEXT("*\0days")

enum { RECORD_SIZE_MAX = 1 + 10 * (USAGE_OUTCOMES + 2) + 5 + USAGE_DAYS * 6 };

/* Encode a record into `out`, which holds RECORD_SIZE_MAX bytes. Return the size. */
size_t usage_record_encode(const struct usage_record *record, char *out);
size_t unknown_record_encode(const struct unknown_record *record, char *out);
size_t totals_encode(const struct usage_totals *totals, char *out);

/* Decode a record. False if it is truncated, has bytes after its end, or is of another version. */
bool usage_record_decode(struct text bytes, struct usage_record *record);
bool unknown_record_decode(struct text bytes, struct unknown_record *record);
bool totals_decode(struct text bytes, struct usage_totals *totals);

/* Returns `time`, or `clock` if that is more than five minutes earlier: the machine's clock was ahead when it was
 * counted. A `clock` of 0, here and below, is unreliable and changes nothing. */
int64_t usage_time_believed(int64_t time, int64_t clock);

/* Moves what was counted while the machine's clock was ahead of `clock` back to it, and forgets its days. */
void usage_record_pull_back(struct usage_record *record, int64_t clock);

/* Adds hits of one day. Forgets days that are USAGE_DAYS or more before the newest. */
void usage_record_add(struct usage_record *record, uint32_t day, const uint32_t hits[USAGE_OUTCOMES], int64_t first,
                      int64_t last);

/* Shifts the days so that the last is `day` instead of `newest`. `moved` and `days` must not overlap. */
void days_ending_with(const uint32_t days[USAGE_DAYS], uint32_t newest, uint32_t day, uint32_t moved[USAGE_DAYS]);

#endif
