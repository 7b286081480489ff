/* Finds what unknown identifiers may have meant: the nearest in the table by edit distance, for all of them in one
 * pass. For this folder only. */
#ifndef SSOFERRY_USAGE_SUGGEST_H
#define SSOFERRY_USAGE_SUGGEST_H

#include "ssoferry/memory.h"

struct wanted {
    struct text source, identifier; /* borrowed */
    struct text meant;              /* the nearest so far; empty: none */
    unsigned limit;                 /* most edits still of interest: fewer than to `meant` */
    bool open;                      /* something nearer than `meant` is possible */
    uint64_t pairs[2];              /* its pairs of neighbouring letters: see suggest.c */
    uint64_t steps_left;            /* of work on distances; once used up, `meant` is final */
};

struct suggest {
    struct wanted *wanted; /* the caller's */
    size_t count;
    struct memory memory;   /* for what is found */
    struct text source;     /* of the last row offered */
    struct wanted **active; /* those of that source that are open */
    size_t active_count;
};

/* Prepares a search for the items of `wanted`, whose source and identifier are set. Results are copied into `memory`.
 * Call suggest_end() afterwards. */
void suggest_start(struct suggest *suggest, struct wanted *wanted, size_t count, struct memory memory);

/* Offers a row's name. Rows must come ordered by source. */
void suggest_offer(struct suggest *suggest, struct text source, struct text identifier);

void suggest_end(struct suggest *suggest);

#endif
