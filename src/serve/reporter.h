/* The thread that makes the admin listener's report: one at a time, because each walks the whole table. */
#ifndef SSOFERRY_REPORTER_H
#define SSOFERRY_REPORTER_H

#include "admin_report.h"
#include "worker.h"

struct reporter;

/* A report that was made, or could not be. */
struct reported {
    char *body; /* NUL-terminated, to be freed with free(); NULL: it could not be made */
    struct admin_report_stamp stamp;
    uint64_t began_ns, ended_ns; /* of the monotonic clock */
};

/* Starts the thread; system calls may be restricted afterwards. It wakes `asker` whenever a report is done, until
 * reporter_give_up(). */
bool reporter_start(struct reporter **reporter, struct worker *asker, struct error *error)
    __attribute__((warn_unused_result));

/* Asks for a report. Takes what `sources` owns. The last one asked for must have been taken. */
void reporter_ask(struct reporter *reporter, const struct admin_report_sources *sources);

/* Takes the report asked for. False while it is not done. */
bool reporter_take(struct reporter *reporter, struct reported *reported) __attribute__((warn_unused_result));

/* Gives up the report under way, and lets the thread end. */
void reporter_give_up(struct reporter *reporter);

/* After that: waits for the thread's end, and frees the reporter. */
void reporter_free(struct reporter *reporter);

#endif
