/* What requests under way hold in memory, all together, against limits.memory. */
#ifndef SSOFERRY_HELD_H
#define SSOFERRY_HELD_H

#include "worker_state.h"

/* Counts `size` bytes more. False, and nothing is counted, if that would be more than limits.memory. */
bool held_take(struct worker *worker, size_t size) __attribute__((warn_unused_result));

/* Counts them whatever the limit is. */
void held_take_anyway(struct worker *worker, size_t size);

void held_give_back(struct worker *worker, size_t size); /* bytes that were counted */

/* The bytes that are counted now. */
size_t held_now(const struct worker *worker);

/* Counts what a form page of `size` bytes takes beside the request's input: itself, over TLS once more, and the
 * request's fields. Gives it back when the request's memory is freed. False, and nothing is counted, if that would be
 * more than limits.memory and others hold some of it. Small pages are not counted, as small requests are not. */
bool held_take_page(struct worker *worker, h2o_req_t *req, size_t size) __attribute__((warn_unused_result));

#endif
