/* What stands in the usage file, byte by byte. For this folder only.
 *
 * Numbers are little-endian groups of seven bits (LEB128), times microseconds UTC since 1970, days days since then.
 *     hits       key: source, 0x00, identifier
 *                value: 1; hits by outcome; first seen; last seen - first seen; the newest day with hits; then, the
 *                newest first, for each day with hits: days since the next newer one, hits
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

/* Stands among the hits and tells on which days there was counting at all, with hits or without. No row has it for a
 * key, since a source starts with a letter or a digit; who does not know it takes it for that of a row that is gone. */
#define COUNTED_DAYS_KEY TEXT("*\0days")

enum { RECORD_SIZE_MAX = 1 + 10 * (USAGE_OUTCOMES + 2) + 5 + USAGE_DAYS * 6 };

/* `out` holds RECORD_SIZE_MAX bytes. Each returns the size. */
size_t usage_record_encode(const struct usage_record *record, char *out);
size_t unknown_record_encode(const struct unknown_record *record, char *out);
size_t totals_encode(const struct usage_totals *totals, char *out);

/* False on a record that is cut short, has bytes behind its end, or is of another version. */
bool usage_record_decode(struct text bytes, struct usage_record *record);
bool unknown_record_decode(struct text bytes, struct unknown_record *record);
bool totals_decode(struct text bytes, struct usage_totals *totals);

/* `time`, or `clock` where that is more than five minutes earlier: it was counted when the machine's clock was ahead.
 * `clock` 0, here and below, is one that is not to be relied on itself, and changes nothing. */
int64_t usage_time_believed(int64_t time, int64_t clock);

/* Moves what was counted when the machine's clock was ahead of `clock` back to it. Its days are forgotten. */
void usage_record_pull_back(struct usage_record *record, int64_t clock);

/* Adds hits of one day. Days that are USAGE_DAYS or more before the newest are forgotten. */
void usage_record_add(struct usage_record *record, uint32_t day, const uint32_t hits[USAGE_OUTCOMES], int64_t first,
                      int64_t last);

/* The days moved so that they end with `day` and not with the newest. `moved` and `days` must not overlap. */
void days_ending_with(const uint32_t days[USAGE_DAYS], uint32_t newest, uint32_t day, uint32_t moved[USAGE_DAYS]);

#endif
