/* The body of /report.json. */
#ifndef SSOFERRY_ADMIN_REPORT_H
#define SSOFERRY_ADMIN_REPORT_H

#include "ssoferry/gateway.h"
#include "ssoferry/report.h"

enum { ADMIN_REPORT_ROWS_MAX = 10000, ADMIN_REPORT_SUGGESTIONS_MAX = 100 };

/* What a report is made from; all borrowed. `usage` is the usage that this process counts with; NULL if it does not
 * count. */
struct admin_report_sources {
    struct table *table;
    struct usage *usage;
    const struct gateway_settings *gateway;
    bool configuration_current;
};

/* What a report was based on, including the minute (UTC). Whatever changes a row, its usage, or which routes rehearse
 * also changes one of these. */
struct admin_report_basis {
    uint64_t revision, counted_hits, unknown_hits;
    int64_t changed_at, counted_since, minute;
    uint64_t rehearsal; /* a fingerprint of which routes rehearse, and of how many there are */
    bool configuration_current;
};

/* Identifies a report. */
struct admin_report_stamp {
    uint64_t tag; /* fingerprint of the content without the time-dependent part; 0: no report yet */
    struct admin_report_basis basis;
};

/* Makes the report as one JSON object in *body, NUL-terminated; the caller frees it with free(). Also sets *stamp. On
 * failure both stay as they were. */
bool admin_report(const struct admin_report_sources *sources, char **body, struct admin_report_stamp *stamp,
                  struct error *error) __attribute__((warn_unused_result));

/* Whether a report made now would have the same tag, as far as can be told without walking the rows. Changes that come
 * only with time, such as a row becoming idle, are noticed within a minute. */
bool admin_report_is_current(const struct admin_report_sources *sources, const struct admin_report_stamp *stamp);

#endif
