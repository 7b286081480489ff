/* Places: how many clients there may be at once, over all workers. A lingering connection takes a place too. */
#ifndef SSOFERRY_PLACES_H
#define SSOFERRY_PLACES_H

#include "worker_state.h"

/* Whether there is room for one more. */
bool places_are_free(const struct worker *worker);

/* Takes a place, if one is free. */
bool places_take(struct worker *worker);

/* Gives a place back. */
void places_leave(struct worker *worker);

#endif
