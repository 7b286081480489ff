/* Who still uses the old addresses: hits per connection, and the identifiers that no row has. Kept in an LMDB
 * environment of its own beside the store, written by one thread on a timer and readable by anybody at any time.
 *
 * Each worker counts into its own lane without a lock: it fills a map and hands it over when the flushing thread has
 * asked for it. Memory and disk are bounded whatever arrives: a lane holds a limited number of distinct names until
 * they are taken, and of the unknown identifiers only those that keep coming are kept in the end. Whatever is not kept
 * by name is still counted in the totals.
 *
 * All times are the caller's: microseconds UTC since 1970. Times in the file that are more than five minutes ahead of
 * the machine's clock, when that has not jumped for an hour, were counted while the clock was wrong, and are moved back
 * to it. Until then readers report them as the time of reading, since the true time is unknown but not later. */
#ifndef SSOFERRY_USAGE_H
#define SSOFERRY_USAGE_H

#include "ssoferry/table.h"

enum {
    USAGE_DAYS = 90,
    USAGE_UNKNOWN_MAX = 2000,       /* most unknown identifiers kept */
    USAGE_FLUSH_INTERVAL_MS = 2000, /* most that kill -9 can lose */
    USAGE_TICK_MS = 500,            /* how often a lane without requests should call usage_tick() */
    USAGE_SCHEMA_VERSION = 1,
};

/* What happened to a request that named an identifier. The values are part of the record format: append only. */
enum usage_outcome { USAGE_STYTCH, USAGE_LEGACY, USAGE_DISABLED, USAGE_FAILED };
enum { USAGE_OUTCOMES = 4 };
const char *usage_outcome_name(enum usage_outcome outcome); /* "stytch"; static */

/* -- counting, in the daemon -- */

struct usage;
struct usage_lane;

/* Opens (or creates) STORE.usage, the usage environment of the table at `store`, with `lanes` lanes, and starts the
 * flushing thread. Fails if the file cannot be used or is damaged, so that the caller can serve without it. To find
 * damage safely, a child process first reads the whole file, within a minute; and within a second once the descriptor
 * `end` is readable (-1: there is none), since this process is then to end. A process opens it only once. */
bool usage_open(struct usage **usage, const char *store, size_t lanes, int64_t now, int end, struct error *error)
    __attribute__((warn_unused_result));

/* Use if usage_open() failed: counts all the same, in bounded memory, and tries to create the file at each flush. A
 * file that already exists is left alone until usage_look_again(). False if the thread cannot be started. */
bool usage_await(struct usage **usage, const char *store, size_t lanes, int64_t now, struct error *error)
    __attribute__((warn_unused_result));

/* Whether the file is open. */
bool usage_is_open(struct usage *usage);

/* Whether the file was deleted or replaced since it was opened; true only once. From then on the file is awaited. */
bool usage_was_taken_away(struct usage *usage);

/* Whether the file was given up because it turned out to be damaged or unreadable while it was written; true only once,
 * and *error then says why. From then on the file is awaited. */
bool usage_was_given_up(struct usage *usage, struct error *error);

/* Says that somebody may have repaired an awaited file: the next flush has a child process read it, and opens it if
 * that succeeds. NULL is fine. */
void usage_look_again(struct usage *usage);

/* Whether that failed; true only once, and *error then says why. */
bool usage_was_refused(struct usage *usage, struct error *error);

/* Collects what the lanes still hold, writes it and ends the thread. A look at the file is given a second more. No
 * thread may be counting any more. False with *error set if the last of it could not be written and is lost. NULL is
 * fine. */
bool usage_finish(struct usage *usage, struct error *error) __attribute__((warn_unused_result));

/* Calls usage_finish() if that was not done, and closes. All its readers must be closed first. NULL is fine. */
void usage_close(struct usage *usage);

/* The lane of one thread. Lives as long as the usage. */
struct usage_lane *usage_lane(struct usage *usage, size_t index);

/* Counts one request for a row of the table. Only the lane's own thread may call it. Never blocks, never fails. */
void usage_count(struct usage_lane *lane, struct text source, struct text identifier, enum usage_outcome outcome,
                 int64_t now);

/* The same for an identifier that has no row. */
void usage_count_unknown(struct usage_lane *lane, struct text source, struct text identifier, int64_t now);

/* Hands the flushing thread what an idle lane holds. Call it about every USAGE_TICK_MS from the lane's own thread. */
void usage_tick(struct usage_lane *lane);

/* Milliseconds since the last flush that succeeded or had nothing to write, or else since the start; and the number of
 * failed flushes. */
uint64_t usage_flush_age_ms(struct usage *usage);
uint64_t usage_flush_failures(struct usage *usage);

/* Whether the last flush failed; *error then says why. */
bool usage_failing(struct usage *usage, struct error *error);

/* Whether so much of it failed that this is to be told: one failed flush may be over with the next, as after another
 * process has enlarged the file. *error then says why. */
bool usage_unwritten(struct usage *usage, struct error *error);

/* -- reading, in the CLI and the admin listener -- */

struct usage_reader;

struct usage_row {
    struct text key; /* source, 0x00, identifier; lives until the next call */
    uint64_t hits[USAGE_OUTCOMES];
    int64_t first_seen, last_seen;
    uint32_t days[USAGE_DAYS]; /* hits per UTC day; [USAGE_DAYS - 1] is the day of `now` given to usage_reader_open() */
};

struct usage_unknown {
    struct text key;
    uint64_t hits;  /* at most this many since it was first noticed */
    uint64_t error; /* this many of them are an estimate; the rest were certainly seen */
    int64_t first_seen, last_seen;
};

struct usage_totals {
    uint64_t hits[USAGE_OUTCOMES]; /* for rows, whether kept by name or not */
    uint64_t unnamed;              /* of those, not kept by name: there were too many names at once */
    uint64_t unknown_hits;         /* for unknown identifiers, whether kept by name or not */
    int64_t since;                 /* when counting began; 0: not yet */
};

/* Opens one state of the usage environment of the table at `store`. If there is none yet, the call succeeds with
 * *reader NULL. Not for the process that counts into it: LMDB must not open a file twice in one process. */
bool usage_reader_open(struct usage_reader **reader, const char *store, int64_t now, struct error *error)
    __attribute__((warn_unused_result));

/* The same in the process that counts; *reader is NULL while the file is awaited. */
bool usage_reader_open_live(struct usage_reader **reader, struct usage *usage, int64_t now, struct error *error)
    __attribute__((warn_unused_result));

/* NULL is fine. */
void usage_reader_close(struct usage_reader *reader);

/* The totals. Live as long as the reader. */
const struct usage_totals *usage_reader_totals(const struct usage_reader *reader);

/* How many rows there are, or 0 if that cannot be read. */
uint64_t usage_reader_count(const struct usage_reader *reader);

/* Read rows in key order. usage_reader_seek() goes to before the first key >= `key` (empty: before the first row, where
 * a new reader starts). usage_reader_next() returns LOOKUP_FOUND, LOOKUP_ABSENT after the last row, or LOOKUP_FAILED.
 */
void usage_reader_seek(struct usage_reader *reader, struct text key);
enum lookup_result usage_reader_next(struct usage_reader *reader, struct usage_row *row, struct error *error)
    __attribute__((warn_unused_result));

/* Finds one row by its key without moving usage_reader_next(): LOOKUP_FOUND, _ABSENT or _FAILED. row->key is `key`. */
enum lookup_result usage_reader_find(struct usage_reader *reader, struct text key, struct usage_row *row,
                                     struct error *error) __attribute__((warn_unused_result));

/* Sets *uncounted to how many of the last `days` (UTC, including today; at most USAGE_DAYS) had no counting, because
 * the daemon did not run or was told not to count: there is neither a note of counting nor a hit of a row. Days before
 * the first such note are unknown and not included. */
bool usage_reader_uncounted(struct usage_reader *reader, unsigned days, unsigned *uncounted, struct error *error)
    __attribute__((warn_unused_result));

/* The unknown identifiers, most frequent first; at most USAGE_UNKNOWN_MAX. They live as long as the reader. */
bool usage_reader_unknown(struct usage_reader *reader, const struct usage_unknown **unknown, size_t *count,
                          struct error *error) __attribute__((warn_unused_result));

#endif
