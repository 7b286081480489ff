/* How many clients there may be at one time, all workers together. A connection that lingers has a place, too. */
#ifndef SSOFERRY_PLACES_H
#define SSOFERRY_PLACES_H

#include "worker_state.h"

/* Whether one more would find room. */
bool places_are_free(const struct worker *worker);

/* Counts one more, where there is room. */
bool places_take(struct worker *worker);

/* Counts one out. */
void places_leave(struct worker *worker);

#endif
