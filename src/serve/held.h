/* What requests under way and their answers hold in memory, all together, against limits.memory. */
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

/* What an answer takes beside the request's input while its client has not taken it, in bytes. */
struct held_answer {
    size_t page;   /* its body; over TLS libh2o makes another one of it */
    size_t head;   /* the field that may be long: Location, or a page's policy */
    size_t fields; /* the request's, decoded */
};

/* Counts an answer, and gives it back when the request's memory is freed. False, and nothing is counted, if that would
 * be more than limits.memory and others hold some of it. With the answers to requests that fit into a usual input
 * buffer it may be a quarter more, so that large requests do not keep them out. What takes up to 4 KiB is not counted.
 */
bool held_take_answer(struct worker *worker, h2o_req_t *req, const struct held_answer *answer)
    __attribute__((warn_unused_result));

#endif
