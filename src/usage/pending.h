/* What has been counted and is not in the usage file yet: everything the lanes handed over, put together, and how it is
 * written. Knows no threads. For this folder only. */
#ifndef SSOFERRY_USAGE_PENDING_H
#define SSOFERRY_USAGE_PENDING_H

#include "keyed_hash.h"
#include "kept.h"
#include "lane.h"
#include "usage_file.h"

enum {
    PENDING_MAX = 256 * 1024, /* names; reached only where flushes fail */
    PENDING_BYTES_MAX = 32 * 1024 * 1024,
};

struct pending {
    struct hash_key hash_key;
    struct tally known;
    struct usage_totals totals; /* what is to be added to the file's */
    struct kept *kept, *spare;  /* unknown identifiers; the other is made ready by a flush */
    struct sketch sketch;
    int64_t latest; /* the newest time that was counted, which serves as the clock */
    int64_t clock;  /* the machine's, at the flush; 0: it may be wrong */
    uint32_t noted_day;
    bool corrected; /* all rows of the file have been, by a clock that has been steady since */
};

void pending_init(struct pending *pending, const struct hash_key *hash_key, int64_t now);
void pending_release(struct pending *pending);

/* Adds a batch, which stays as it is. */
void pending_add(struct pending *pending, const struct batch *batch);

/* Notes the day of `now`, the machine's time, as one on which there is counting; once a day. */
void pending_note_day(struct pending *pending, int64_t now);

/* Nothing that was counted is waiting, so nothing can be lost; nor, of the second, the day. */
bool pending_is_empty(const struct pending *pending);
bool pending_is_written(const struct pending *pending);

/* So much is waiting that it had better be written. */
bool pending_is_large(const struct pending *pending);

/* Writes all of it in one transaction. Where that fails nothing is written, and all of it waits on. The first time it
 * reads what the file has of unknown identifiers, and notes in a new file since when it counts. `now` is the machine's
 * time. Where it has been `steady`, times in the file that are more than five minutes later are taken for those of a
 * clock that was ahead, and moved back: of all rows when it has just become so, then of those that are counted. Returns
 * an LMDB code. */
int pending_write(struct pending *pending, struct usage_file *file, int64_t now, bool steady);

/* Forgets what was read from the file and written into it, for the next one is another. What waits, waits on. */
void pending_begin_anew(struct pending *pending);

/* -- the part of unknown identifiers, in pending_unknown.c -- */

/* Brings the file's unknown identifiers and `kept` together into `spare`, and writes what that changes. Returns an LMDB
 * code. */
int pending_write_unknown(struct pending *pending, struct usage_file *file, MDB_txn *txn);

/* After the commit: `spare` is what counts from now on. */
void pending_settle_unknown(struct pending *pending);

void pending_forget_unknown(struct pending *pending);

#endif
