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
};

void progress_start(struct progress *progress);

/* Sets what is being done from now on, such as "reading customers.yaml". `phase` is borrowed until the next call. */
void progress_phase(struct progress *progress, const char *phase);

/* Reports `done` of `total`. Cheap enough to call for each row. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total);

/* Like progress_update(), but draws at once instead of every tenth of a second. Call it before a step that reports no
 * progress. */
void progress_update_now(struct progress *progress, uint64_t done, uint64_t total);

/* Erases the bar so that text can be printed. May be called at any time. */
void progress_erase(struct progress *progress);

#endif
