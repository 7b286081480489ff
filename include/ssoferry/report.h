/* The migration at a glance: the table's rows joined with their usage, a verdict, and the unknown identifiers with what
 * they may have meant. `ssoferry report` and the admin listener's /report.json both say this. */
#ifndef SSOFERRY_REPORT_H
#define SSOFERRY_REPORT_H

#include "ssoferry/usage.h"

#define REPORT_DAY INT64_C(86400000000) /* microseconds */

enum { REPORT_IDLE_DAYS = 30, REPORT_VERDICT_SIZE = 640 };

struct report_options {
    struct usage *usage; /* where this process counts, which must not open the file a second time; else NULL */
    const char *store;   /* else the path of the table, whose usage is beside it; NULL: a report without usage */
    struct text source;  /* only this source; empty: all. Borrowed until report_close() */
    int64_t now;         /* microseconds UTC */
    int64_t idle;        /* microseconds without a hit after which a connection counts as idle; 0: REPORT_IDLE_DAYS */
    size_t routes, rehearsing; /* so many of the routes: whom the verdict calls cut over would be then */
    bool glance; /* it is opened for what is known of table and usage as a whole, and none of its rows: no walk then */
};

struct report_row {
    struct text source, identifier; /* live until the next row */
    struct connection_buffer *connection;
    uint64_t hits;          /* all outcomes */
    struct usage_row usage; /* but for the key zeroes where it was never seen */
    bool seen;              /* a hit within options.idle */
    bool idle; /* not seen, nor another row of its connection; and not added since then, while it was counted */
};

struct report_unknown {
    struct text source, identifier; /* live as long as the report */
    uint64_t hits, error;           /* as in struct usage_unknown */
    int64_t first_seen, last_seen;
    struct text meant; /* an identifier of the same source within a small edit distance; empty: none */
};

/* Sums over the rows that were walked. */
struct report_totals {
    struct table_state table;
    int64_t counted_since;   /* when counting began; 0: nothing was ever counted */
    unsigned idle_days;      /* that options.idle reaches back over, today being one of them; at most USAGE_DAYS */
    unsigned uncounted_days; /* of them there was no counting on, as far as is known; 0 at a glance, as is the other */
    uint64_t rows[CONNECTION_STATES];
    uint64_t seen[CONNECTION_STATES]; /* of them with a hit within options.idle */
    uint64_t idle;                    /* idle rows of any state: the retire list, see report_may_retire() */
    uint64_t idle_never;              /* of them without any hit ever */
    uint64_t never;                   /* rows without any hit ever */
    uint64_t failed;                  /* rows with a USAGE_FAILED hit, ever */
    uint64_t hits, unknown_hits;
    uint64_t counted_hits; /* of all there is usage of, walked or not, with a row or without; known from the start */
};

/* Whether too many of the days went uncounted for anybody to be called silent: more than a tenth, and more than one. */
static inline bool report_misses_days(const struct report_totals *totals)
{
    return totals->uncounted_days > 1 && totals->uncounted_days * 10 > totals->idle_days;
}

struct report;

/* Opens one state of the table, which must outlive the report, and of its usage. False where one of them cannot be
 * read; that nothing was counted yet is no error. */
bool report_open(struct report **report, struct table *table, const struct report_options *options, struct error *error)
    __attribute__((warn_unused_result));
void report_close(struct report *report); /* NULL is fine */

/* Rows in key order, in one pass: LOOKUP_FOUND, LOOKUP_ABSENT after the last, LOOKUP_FAILED. */
enum lookup_result report_next(struct report *report, struct report_row *row, struct error *error)
    __attribute__((warn_unused_result));

/* Goes back to before the first row; the totals start anew. The state that is read stays the same. */
void report_rewind(struct report *report);

/* One row by its key (source, 0x00, identifier), which may be of any source. Neither moves on nor counts in the totals,
 * but takes the place of the last row that report_next() gave. */
enum lookup_result report_find(struct report *report, struct text key, struct report_row *row, struct error *error)
    __attribute__((warn_unused_result));

/* After the last row; `table`, `counted_since`, `unknown_hits` and `counted_hits` before, too. */
const struct report_totals *report_totals(const struct report *report);

/* After the last row: unknown identifiers, the most frequent first, without those that have a row by now. At most
 * `suggest` of them are compared with the rows, and fewer where the table is so large that it would take long; where
 * very many rows are like one, with the first of these. */
bool report_unknown(struct report *report, size_t suggest, const struct report_unknown **unknown, size_t *count,
                    struct error *error) __attribute__((warn_unused_result));

/* The verdict in a sentence or two, such as "41 of 120 connections are cut over, 38 of them seen in the last 30 days;
 * 79 are still legacy. 19 have been silent for 30 days." `out` holds `size` bytes; REPORT_VERDICT_SIZE are enough. */
void report_verdict(const struct report *report, char *out, size_t size);

/* Whether idle rows are the list to retire: counting has gone on for long enough, and this is no rehearsal. */
bool report_may_retire(const struct report *report);

#endif
