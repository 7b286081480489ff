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

/* Offers a name; it is copied where it is among the nearest so far. Neither ASCII case
 * counts as an edit, nor whether one of them is percent-encoded. */
void nearest_offer(struct nearest *nearest, struct text name);

#endif
