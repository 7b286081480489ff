/* A progress bar for work that takes longer than half a second. Prints nothing if standard error is not a terminal. */
#ifndef SSOFERRY_CLI_PROGRESS_H
#define SSOFERRY_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool wanted;
    bool drawn;
    uint64_t started_ms, drawn_ms;
    const char *phase; /* borrowed */
    uint64_t done, total;
};

/* Begins to measure the time. All zeros, before that: shows nothing. */
void progress_start(struct progress *progress);

/* Sets what is being done from now on, such as "reading customers.yaml". `phase` is borrowed until the next call. */
void progress_phase(struct progress *progress, const char *phase);

/* Sets what is being done to `phase`, which has about `total` steps, such as rows. */
void progress_count(struct progress *progress, const char *phase, uint64_t total);

/* The same where rows are printed on standard output. A bar would stand between them, or in the window of the pager
 * that reads them: from now on, there is none unless they go to a file. */
void progress_count_printed(struct progress *progress, uint64_t total);

/* Reports `done` of `total`, where that is not counted in steps. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total);

/* Reports one of the steps of progress_count(). Costs next to nothing: it asks for the time only now and then. */
static inline void progress_step(struct progress *progress)
{
    enum { STEPS_BETWEEN = 256 };
    if (++progress->done % STEPS_BETWEEN == 0)
        progress_update(progress, progress->done, progress->total);
}

/* Like progress_update(), but draws at once instead of every tenth of a second. Call it before a step that reports no
 * progress. */
void progress_update_now(struct progress *progress, uint64_t done, uint64_t total);

/* Erases the bar so that text can be printed. May be called at any time. */
void progress_erase(struct progress *progress);

#endif
