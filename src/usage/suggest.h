/* What unknown identifiers may have meant: the nearest of the table's, by edit distance, all of them in one pass over
 * the table. For this folder only. */
#ifndef SSOFERRY_USAGE_SUGGEST_H
#define SSOFERRY_USAGE_SUGGEST_H

#include "ssoferry/memory.h"

struct wanted {
    struct text source, identifier; /* borrowed */
    struct text meant;              /* the nearest so far; empty: none */
    unsigned limit;                 /* edits that are still of interest: fewer than those of `meant` */
    bool open;                      /* anything nearer than `meant` is possible */
    uint64_t pairs[2];              /* which pairs of neighbouring letters it has: see suggest.c */
    uint64_t steps_left; /* of work on distances; where they are used up, `meant` is all that will be found */
};

struct suggest {
    struct wanted *wanted; /* the caller's */
    size_t count;
    struct memory memory;   /* of what is found */
    struct text source;     /* of the last row offered */
    struct wanted **active; /* those of that source that are open */
    size_t active_count;
};

/* Prepares a search for those of `wanted`, whose source and identifier are set. What is found is copied into `memory`.
 */
void suggest_start(struct suggest *suggest, struct wanted *wanted, size_t count, struct memory memory);

/* Offers a row's name. Rows come ordered by source. */
void suggest_offer(struct suggest *suggest, struct text source, struct text identifier);

void suggest_end(struct suggest *suggest);

#endif
