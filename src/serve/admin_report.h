/* The body of /report.json. */
#ifndef SSOFERRY_ADMIN_REPORT_H
#define SSOFERRY_ADMIN_REPORT_H

#include <jansson.h>

#include "ssoferry/gateway.h"
#include "ssoferry/report.h"

enum { ADMIN_REPORT_ROWS_MAX = 10000, ADMIN_REPORT_SUGGESTIONS_MAX = 100 };

/* What a report is made from. Table and usage are borrowed; nothing of the configuration is, because a reload may free
 * it before the report is made. */
struct admin_report_sources {
    struct table *table;
    struct usage *usage; /* that this process counts with; NULL: it does not count */
    enum report_counting counting;
    bool configuration_current;
    size_t routes, rehearsing;
    json_t *observed;   /* the names of the routes that rehearse, if not all do; owned */
    uint64_t rehearsal; /* a fingerprint of which routes rehearse, and of how many there are */
};

/* Fills in what is said of the routes. admin_report_sources_release() frees it. */
void admin_report_sources_route(struct admin_report_sources *sources, const struct gateway_settings *gateway);
void admin_report_sources_release(struct admin_report_sources *sources);

/* What a report was based on, including the minute (UTC). Whatever changes a row, its usage, whether it is
 * counted, or which routes rehearse also changes one of these. */
struct admin_report_basis {
    uint64_t revision, counted_hits, unknown_hits;
    int64_t changed_at, counted_since, minute;
    uint64_t rehearsal; /* as in the sources */
    enum report_counting counting;
    bool configuration_current;
};

/* Identifies a report. */
struct admin_report_stamp {
    uint64_t tag; /* fingerprint of the content without the time-dependent part; 0: no report yet */
    struct admin_report_basis basis;
};

/* Makes the report as one JSON object in *body, NUL-terminated; the caller frees it with free(). Also sets *stamp. On
 * failure both stay as they were; that includes giving up soon after *give_up has become true. */
bool admin_report(const struct admin_report_sources *sources, const atomic_bool *give_up, char **body,
                  struct admin_report_stamp *stamp, struct error *error) __attribute__((warn_unused_result));

/* Whether a report made now would have the same tag, as far as can be told without walking the rows. Changes that come
 * only with time, such as a row becoming idle, are noticed within a minute. */
bool admin_report_is_current(const struct admin_report_sources *sources, const struct admin_report_stamp *stamp);

#endif
