/* A bar on the terminal for what takes longer than half a second; nothing at all where standard error is no
 * terminal. */
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

/* Names what is being done from now on: "reading customers.yaml". Borrowed until the next phase. */
void progress_phase(struct progress *progress, const char *phase);

/* `done` of `total`; cheap enough to be called for each row. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total);

/* Draws what progress_update() would, without waiting for the next tenth of a second: before a step that reports
 * nothing itself. */
void progress_update_now(struct progress *progress, uint64_t done, uint64_t total);

/* Takes the bar off the screen, so that words can follow; may be called at any time. */
void progress_erase(struct progress *progress);

#endif
