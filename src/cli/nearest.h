/* "Did you mean": finds the names nearest to one that was not found. */
#ifndef SSOFERRY_CLI_NEAREST_H
#define SSOFERRY_CLI_NEAREST_H

#include "ssoferry/connection.h"
#include "ssoferry/text.h"

enum { NEAREST_KEPT = 3 };

struct nearest {
    struct text wanted; /* borrowed until the search ends */
    unsigned limit;     /* the most edits that count as near */
    size_t count;
    struct {
        char name[IDENTIFIER_SIZE_MAX + 1];
        unsigned distance;
    } found[NEAREST_KEPT]; /* nearest first */
};

/* Starts a search. `wanted` must outlive it. */
void nearest_start(struct nearest *nearest, struct text wanted);

/* Offers a name, which is copied if it is among the nearest so far. Differences in ASCII case do not count as edits. */
void nearest_offer(struct nearest *nearest, struct text name);

/* The same, for a name that is compared by `spelling`. */
void nearest_offer_spelled(struct nearest *nearest, struct text spelling, struct text name);

#endif
