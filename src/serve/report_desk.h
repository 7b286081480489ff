/* Answers the requests for /report.json: with a new report, which takes as long as the table is large, or with the last
 * one. Only the admin listener's thread uses it, and does not wait for a report. */
#ifndef SSOFERRY_REPORT_DESK_H
#define SSOFERRY_REPORT_DESK_H

#include "h2o_system.h"
#include "reporter.h"

struct report_desk {
    struct reporter *reporter;
    h2o_linklist_t waiting; /* requests, for the report under way */
    bool asked;             /* whether there is one */
    bool closed;
    struct kept *kept;   /* the last one; NULL: none yet */
    uint64_t not_before; /* when the next may be begun, in nanoseconds of the monotonic clock */
};

/* `reporter` is borrowed until report_desk_release(). */
void report_desk_init(struct report_desk *desk, struct reporter *reporter);

/* Answers at once, or when the report is done. Takes what `sources` owns. */
void report_desk_answer(struct report_desk *desk, h2o_req_t *req, struct admin_report_sources *sources);

/* Answers those who wait if the report is done, and those who have gone in any case. Call it when the reporter wakes
 * the thread, and now and then. */
void report_desk_look(struct report_desk *desk);

/* Refuses those who wait, and everybody from now on. */
void report_desk_close(struct report_desk *desk);

/* Frees the last report. Nobody may be waiting any more. */
void report_desk_release(struct report_desk *desk);

#endif
