/* "Did you mean": the names nearest to one that was not found. */
#ifndef SSOFERRY_CLI_NEAREST_H
#define SSOFERRY_CLI_NEAREST_H

#include "ssoferry/connection.h"
#include "ssoferry/text.h"

enum { NEAREST_KEPT = 3 };

struct nearest {
    struct text wanted; /* borrowed */
    unsigned limit;     /* edits that still count as near */
    size_t count;
    struct {
        char name[IDENTIFIER_SIZE_MAX + 1];
        unsigned distance;
    } found[NEAREST_KEPT]; /* the nearest first */
};

/* Starts a search. `wanted` must outlive it. */
void nearest_start(struct nearest *nearest, struct text wanted);

/* Offers a name; it is copied where it is among the nearest so far. ASCII case does not count as an edit. */
void nearest_offer(struct nearest *nearest, struct text name);

/* The same of a name that is compared as `spelling`. */
void nearest_offer_spelled(struct nearest *nearest, struct text spelling, struct text name);

#endif
