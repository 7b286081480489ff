/* The body of /report.json. */
#ifndef SSOFERRY_ADMIN_REPORT_H
#define SSOFERRY_ADMIN_REPORT_H

#include "ssoferry/gateway.h"
#include "ssoferry/report.h"

enum { ADMIN_REPORT_ROWS_MAX = 10000, ADMIN_REPORT_SUGGESTIONS_MAX = 100 };

/* What the report is made of. `usage` is what this process counts with, or NULL. */
struct admin_report_sources {
    struct table *table;
    struct usage *usage;
    const struct gateway_settings *gateway;
    bool configuration_current;
};

/* What a report was made of, and in which minute (UTC): whatever changes a row or its usage also changes one of these.
 */
struct admin_report_basis {
    uint64_t revision, counted_hits, unknown_hits;
    int64_t changed_at, counted_since, minute;
    uint64_t rehearsal; /* a number made of what is rehearsed */
    bool configuration_current;
};

/* Which report that was. */
struct admin_report_stamp {
    uint64_t tag; /* of what it says: the same as long as nothing but the time has changed; 0: there was none */
    struct admin_report_basis basis;
};

/* Writes the report as one JSON object. *body is NUL-terminated and to be freed with free(). */
bool admin_report(const struct admin_report_sources *sources, char **body, struct admin_report_stamp *stamp,
                  struct error *error) __attribute__((warn_unused_result));

/* Whether a report made now would have that tag, as far as this can be told without walking the rows. What changes by
 * the time alone, as who is idle, is seen within a minute. */
bool admin_report_is_current(const struct admin_report_sources *sources, const struct admin_report_stamp *stamp);

#endif
