/* Who still uses the old addresses: hits by connection, and the identifiers that no row knows. Kept in an LMDB
 * environment of its own beside the store, written by one thread on a timer and read by anybody at any time.
 *
 * A worker counts into a lane of its own without a lock: it fills a map, and hands the full map over when the flushing
 * thread has asked for it. Memory and disk are bounded whatever arrives: a lane keeps so many distinct names until they
 * are taken, and of unknown identifiers only those that keep coming are kept in the end. What is not kept by name is
 * still counted in the totals.
 *
 * Time is the caller's everywhere: microseconds UTC since 1970. Times in the file that are more than five minutes ahead
 * of the machine's clock, though that has not jumped for an hour, were counted when it was wrong, and are moved back to
 * it. Until then readers show the time at which they read: when it was is not known, but not later. */
#ifndef SSOFERRY_USAGE_H
#define SSOFERRY_USAGE_H

#include "ssoferry/table.h"

enum {
    USAGE_DAYS = 90,
    USAGE_UNKNOWN_MAX = 2000,       /* unknown identifiers kept */
    USAGE_FLUSH_INTERVAL_MS = 2000, /* what kill -9 can lose */
    USAGE_TICK_MS = 500,            /* how often a lane without requests should call usage_tick() */
    USAGE_SCHEMA_VERSION = 1,
};

/* What happened to a request that named an identifier. The values are those of the record format: append only. */
enum usage_outcome { USAGE_STYTCH, USAGE_LEGACY, USAGE_DISABLED, USAGE_FAILED };
enum { USAGE_OUTCOMES = 4 };
const char *usage_outcome_name(enum usage_outcome outcome); /* "stytch"; static */

/* -- counting, in the daemon -- */

struct usage;
struct usage_lane;

/* Opens (and makes) the usage environment of the table at `store`, with `lanes` lanes, and starts the flushing thread.
 * Its file is STORE.usage. Fails, so that the caller can serve without it, where the file cannot be used or is damaged;
 * to find that out without risk, the file is first read from end to end in a child process. One process opens it once.
 */
bool usage_open(struct usage **usage, const char *store, size_t lanes, int64_t now, struct error *error)
    __attribute__((warn_unused_result));

/* For where that has failed: counts all the same, in bounded memory, and tries with each flush to make the file. One
 * that is there already is left alone until usage_look_again(). False where its thread cannot be started. */
bool usage_await(struct usage **usage, const char *store, size_t lanes, int64_t now, struct error *error)
    __attribute__((warn_unused_result));

/* Whether the file is open. */
bool usage_is_open(struct usage *usage);

/* True once where the file was deleted, or another put in its place, since it was opened. It is awaited from then on.
 */
bool usage_was_taken_away(struct usage *usage);

/* Somebody may have put an awaited file right: the next flush has it read in a child process, and opens it where that
 * comes through. NULL is fine. */
void usage_look_again(struct usage *usage);

/* True once where that was in vain; *error then says why. */
bool usage_was_refused(struct usage *usage, struct error *error);

/* Takes what the lanes still hold, which nobody may be filling any more, writes it, and ends the thread. False, with
 * *error set, where the last of it could not be written and is lost. NULL is fine. */
bool usage_finish(struct usage *usage, struct error *error) __attribute__((warn_unused_result));

/* Finishes, where that is not done yet, and closes. All readers of it must be closed before. NULL is fine. */
void usage_close(struct usage *usage);

/* The lane of one thread. Lives as long as the usage. */
struct usage_lane *usage_lane(struct usage *usage, size_t index);

/* Counts one request for a row of the table. Only the lane's own thread may call it. Never blocks, never fails. */
void usage_count(struct usage_lane *lane, struct text source, struct text identifier, enum usage_outcome outcome,
                 int64_t now);

/* Counts one request for an identifier that has no row. */
void usage_count_unknown(struct usage_lane *lane, struct text source, struct text identifier, int64_t now);

/* Lets the flushing thread have what a lane without requests holds; call it every USAGE_TICK_MS or so from the lane's
 * own thread. */
void usage_tick(struct usage_lane *lane);

/* Milliseconds since the last flush that went well, or had nothing to write, else since the start; and how many flushes
 * failed. */
uint64_t usage_flush_age_ms(struct usage *usage);
uint64_t usage_flush_failures(struct usage *usage);

/* Whether the last flush failed; *error then says why. */
bool usage_failing(struct usage *usage, struct error *error);

/* -- reading, in the CLI and the admin listener -- */

struct usage_reader;

struct usage_row {
    struct text key; /* source, 0x00, identifier; lives until the next call */
    uint64_t hits[USAGE_OUTCOMES];
    int64_t first_seen, last_seen;
    uint32_t days[USAGE_DAYS]; /* hits a UTC day; [USAGE_DAYS - 1] is the day of `now` given to usage_reader_open() */
};

struct usage_unknown {
    struct text key;
    uint64_t hits;  /* at most so many since it was noticed */
    uint64_t error; /* of them, so many are an estimate; the others were seen for certain */
    int64_t first_seen, last_seen;
};

struct usage_totals {
    uint64_t hits[USAGE_OUTCOMES]; /* of rows, kept by name or not */
    uint64_t unnamed;              /* of them not kept by name: there were too many names at once */
    uint64_t unknown_hits;         /* of unknown identifiers, kept by name or not */
    int64_t since;                 /* when counting began; 0: never yet */
};

/* Opens one state of the usage environment of the table at `store`. *reader is NULL, and the call succeeds, where there
 * is none yet. Not for the process that counts into it: LMDB must not open a file twice in one process. */
bool usage_reader_open(struct usage_reader **reader, const char *store, int64_t now, struct error *error)
    __attribute__((warn_unused_result));

/* The same in the process that counts: NULL as long as the file is awaited. */
bool usage_reader_open_live(struct usage_reader **reader, struct usage *usage, int64_t now, struct error *error)
    __attribute__((warn_unused_result));

/* NULL is fine. */
void usage_reader_close(struct usage_reader *reader);

/* Live as long as the reader. */
const struct usage_totals *usage_reader_totals(const struct usage_reader *reader);

/* Rows in key order: LOOKUP_FOUND, LOOKUP_ABSENT after the last, LOOKUP_FAILED. usage_reader_seek() goes before the
 * first key >= `key` (empty: the first of all), as a new reader is. */
void usage_reader_seek(struct usage_reader *reader, struct text key);
enum lookup_result usage_reader_next(struct usage_reader *reader, struct usage_row *row, struct error *error)
    __attribute__((warn_unused_result));

/* One row by its key, wherever usage_reader_next() is: LOOKUP_FOUND, LOOKUP_ABSENT, LOOKUP_FAILED. row->key is `key`.
 */
enum lookup_result usage_reader_find(struct usage_reader *reader, struct text key, struct usage_row *row,
                                     struct error *error) __attribute__((warn_unused_result));

/* On how many of the last `days` (UTC, today being one of them; at most USAGE_DAYS) there was no counting, as when the
 * daemon did not run or was told not to: neither a note of it, nor a hit of a row. Of days before one that it was first
 * noted on, that is not known, and they are none of those. */
bool usage_reader_uncounted(struct usage_reader *reader, unsigned days, unsigned *uncounted, struct error *error)
    __attribute__((warn_unused_result));

/* Unknown identifiers, the most frequent first; at most USAGE_UNKNOWN_MAX. Live as long as the reader. */
bool usage_reader_unknown(struct usage_reader *reader, const struct usage_unknown **unknown, size_t *count,
                          struct error *error) __attribute__((warn_unused_result));

#endif
