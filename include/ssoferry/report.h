/* The state of the migration: the table's rows joined with their usage, a verdict, and the unknown identifiers with
 * what they may have meant. Used by `ssoferry report` and the admin listener's /report.json. */
#ifndef SSOFERRY_REPORT_H
#define SSOFERRY_REPORT_H

#include <stdatomic.h>

#include "ssoferry/usage.h"

#define REPORT_DAY INT64_C(86400000000) /* microseconds */

enum { REPORT_IDLE_DAYS = 30, REPORT_VERDICT_SIZE = 640 };

/* Whether what comes now is counted: COUNTING_OFF by the configuration, COUNTING_FAILS if it cannot be written. */
enum report_counting { COUNTING_ON, COUNTING_OFF, COUNTING_FAILS };
const char *report_counting_name(enum report_counting counting); /* "on", "off", "failing"; static */

struct report_options {
    struct usage *usage;       /* in the process that counts, which must not open the file a second time; else NULL */
    const char *store;         /* if that is NULL: the table's path, with its usage beside it; NULL: without usage */
    struct text source;        /* report only this source; empty: all. Borrowed until report_close() */
    int64_t now;               /* microseconds UTC */
    int64_t idle;              /* microseconds without a hit until a connection counts as idle; 0: REPORT_IDLE_DAYS */
    size_t routes, rehearsing; /* number of routes to the source, and of those that rehearse; if any do, the verdict is
                                  conditional */
    enum report_counting counting;
    const atomic_bool *give_up; /* once true, reading rows fails soon; NULL: never */
    bool glance; /* only for what is known of table and usage as a whole, not of rows: nothing is walked */
};

/* False, with *error set, once a report with these options is to be given up. */
static inline bool report_goes_on(const struct report_options *options, struct error *error)
{
    return options->give_up == NULL || !atomic_load_explicit(options->give_up, memory_order_relaxed) ||
           error_set(error, ERROR_FAILED, "the report was given up");
}

struct report_row {
    struct text source, identifier; /* live until the next row */
    struct connection_buffer *connection;
    uint64_t hits;          /* with any outcome */
    struct usage_row usage; /* all zeros except the key if it was never seen */
    bool seen;              /* a hit within options.idle */
    bool idle; /* not seen, nor was any row of its connection; nor added since then while counting was on */
};

struct report_unknown {
    struct text source, identifier; /* live as long as the report */
    uint64_t hits, error;           /* as in struct usage_unknown */
    int64_t first_seen, last_seen;
    struct text meant; /* an identifier of the same source within a small edit distance; empty: none */
};

/* Sums over the rows that report_next() gave. */
struct report_totals {
    struct table_state table;
    int64_t counted_since; /* when counting began; 0: nothing was ever counted */
    unsigned idle_days;    /* days that options.idle reaches back, including today; at most USAGE_DAYS; 0 at a glance */
    unsigned uncounted_days;       /* how many of those had no counting, as far as is known; 0 at a glance */
    unsigned forgotten_days;       /* how many days options.idle is longer than USAGE_DAYS: of these it is not known */
    int64_t additions_known_since; /* rows added before it cannot be told from those that were there before options.idle
                                      or counting began; 0: all can, or at a glance */
    uint64_t rows[CONNECTION_STATES];
    uint64_t seen[CONNECTION_STATES]; /* rows with a hit within options.idle */
    uint64_t idle;                    /* idle rows in any state: the list to retire, see report_may_retire() */
    uint64_t idle_never;              /* idle rows without any hit ever */
    uint64_t never;                   /* rows without any hit ever */
    uint64_t failed;                  /* rows with a USAGE_FAILED hit, ever */
    uint64_t hits, unknown_hits;
    uint64_t counted_hits; /* of all there is usage of, walked or not, with or without a row; known at once */
};

/* Whether too many days went uncounted to call anybody silent: more than a tenth, and more than one. */
static inline bool report_misses_days(const struct report_totals *totals)
{
    return totals->uncounted_days > 1 && totals->uncounted_days * 10 > totals->idle_days;
}

struct report;

/* Opens one state of the table and of its usage. The table must outlive the report. False if either cannot be read; it
 * is no error if nothing was counted yet. */
bool report_open(struct report **report, struct table *table, const struct report_options *options, struct error *error)
    __attribute__((warn_unused_result));
void report_close(struct report *report); /* NULL is fine */

/* Told how far report_prepare() is: first about how many steps it takes, then of each step. */
struct report_watch {
    void (*on_start)(void *context, uint64_t steps);
    void (*on_step)(void *context);
    void *context;
};

/* Finds out what all rows need to be known, who was used and which rows are new; otherwise the first row takes that
 * long. */
bool report_prepare(struct report *report, const struct report_watch *watch, struct error *error)
    __attribute__((warn_unused_result));

/* Gives the next row in key order, in one pass: LOOKUP_FOUND, LOOKUP_ABSENT after the last, or LOOKUP_FAILED. */
enum lookup_result report_next(struct report *report, struct report_row *row, struct error *error)
    __attribute__((warn_unused_result));

/* Goes back to before the first row and resets the totals. The state being read stays the same. */
void report_rewind(struct report *report);

/* Finds one row by its key (source, 0x00, identifier), of any source. Does not move the walk or count in the totals,
 * but overwrites the last row that report_next() gave. */
enum lookup_result report_find(struct report *report, struct text key, struct report_row *row, struct error *error)
    __attribute__((warn_unused_result));

/* Complete after the last row; `table`, `counted_since`, `unknown_hits` and `counted_hits` are known before. Lives as
 * long as the report. */
const struct report_totals *report_totals(const struct report *report);

/* After the last row: gives the unknown identifiers that still have no row, the most frequent first and, among equals,
 * those with a `meant`. At most `suggest` of them are compared with rows, fewer if the table is so large that it would
 * take long; if very many rows resemble one, only with the first of these. The list lives until the next call. */
bool report_unknown(struct report *report, size_t suggest, const struct report_unknown **unknown, size_t *count,
                    struct error *error) __attribute__((warn_unused_result));

/* Writes the verdict, a sentence or two such as "41 of 120 connections are cut over, 38 of them seen in the last 30
 * days; 79 are still legacy. 19 have been silent for 30 days." `out` holds `size` bytes; REPORT_VERDICT_SIZE is enough.
 */
void report_verdict(const struct report *report, char *out, size_t size);

/* Why the idle rows cannot be taken as the list to retire. */
enum report_doubt {
    REPORT_CERTAIN, /* they can */
    REPORT_COUNTING_IS_OFF,
    REPORT_COUNTING_FAILS,
    REPORT_NOTHING_COUNTED,
    REPORT_IDLE_TOO_LONG,   /* see forgotten_days */
    REPORT_COUNTING_IS_NEW, /* it began less than options.idle ago */
    REPORT_DAYS_MISSED,     /* see report_misses_days() */
    REPORT_ROWS_MAY_BE_NEW, /* see additions_known_since */
    REPORT_REHEARSING,
};

/* The first of these that applies; known before the first row. */
enum report_doubt report_doubt(const struct report *report);

/* Its name in JSON, such as "days_missed"; empty for REPORT_CERTAIN. Static. */
struct text report_doubt_name(enum report_doubt doubt);

/* Whether there is no such doubt. */
bool report_may_retire(const struct report *report);

#endif
