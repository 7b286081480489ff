/* Counts that are not in the usage file yet: everything that the lanes handed over, added up, and how to write it. Not
 * thread-safe. For this folder only. */
#ifndef SSOFERRY_USAGE_PENDING_H
#define SSOFERRY_USAGE_PENDING_H

#include "keyed_hash.h"
#include "kept.h"
#include "lane.h"
#include "ssoferry/row_order.h"
#include "usage_file.h"

enum {
    PENDING_MAX = 256 * 1024, /* names; reached only if flushes fail */
    PENDING_BYTES_MAX = 32 * 1024 * 1024,
};

struct pending {
    struct hash_key hash_key;
    struct tally known;
    struct usage_totals totals; /* to be added to the file's */
    struct row_place *places;   /* while `known` is written; here, so that it is not lost if that is left */
    struct kept *kept, *spare;  /* unknown identifiers; a flush prepares the other one */
    struct sketch sketch;
    int64_t latest;      /* the newest time counted, which serves as the clock */
    int64_t clock;       /* the machine's time at the flush; 0: unreliable */
    uint32_t noted_day;  /* UINT32_MAX: none yet */
    bool corrected;      /* all rows of the file were corrected by a clock that has been steady since */
    uint32_t weeded_day; /* of such a clock, when the file's unknown identifiers were last looked through */
};

void pending_init(struct pending *pending, const struct hash_key *hash_key, int64_t now);
void pending_release(struct pending *pending);

/* Adds a batch, without changing it. */
void pending_add(struct pending *pending, const struct batch *batch);

/* Notes that there was counting on the day of `now`, the machine's time; once a day. */
void pending_note_day(struct pending *pending, int64_t now);

/* Whether no counts are waiting, so that none can be lost; for the second, not the day's note either. */
bool pending_is_empty(const struct pending *pending);
bool pending_is_written(const struct pending *pending);

/* Whether so much is waiting that it should be written now. */
bool pending_is_large(const struct pending *pending);

/* Writes everything in one transaction. On failure nothing is written, and everything keeps waiting; also if the call
 * is left in the middle (errand_run()), where pending_begin_anew() must follow before the next. The first call reads
 * the file's unknown identifiers and, in a new file, notes when counting began. `now` is the machine's time. If that
 * has been `steady`, times in the file more than five minutes later come from a clock that was ahead, and are moved
 * back: in all rows and unknown identifiers when it has just become steady, then in those that are counted. Once a day
 * of a steady clock, unknown identifiers that have been silent for USAGE_DAYS are dropped. Returns an LMDB code. */
int pending_write(struct pending *pending, struct usage_file *file, int64_t now, bool steady);

/* Forgets what was read from and written to the file, since the next file is another one. What waits keeps waiting. */
void pending_begin_anew(struct pending *pending);

/* -- the part of unknown identifiers, in pending_unknown.c -- */

/* Merges the file's unknown identifiers and `kept` into `spare`, and writes the changes. Returns an LMDB code. */
int pending_write_unknown(struct pending *pending, struct usage_file *file, MDB_txn *txn);

/* Call after the commit: makes `spare` the current one. */
void pending_settle_unknown(struct pending *pending);

void pending_forget_unknown(struct pending *pending);

#endif
