/* Divides up the process's limit on open files. Clients must not use up the descriptors that the daemon itself needs,
 * or it could not be inspected when there are too many clients. */
#ifndef SSOFERRY_DESCRIPTORS_H
#define SSOFERRY_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

#include "ssoferry/error.h"

/* Raises the soft limit to the hard one. */
void descriptors_raise(void);

/* How many clients of the public listeners may have a descriptor at once; at least 1. It is what the limit leaves after
 * those open now, those that `loops` event loops will open, `admin` for clients of the admin listener, and a few to
 * spare. Fails if the loops alone would not get theirs. */
bool descriptors_for_clients(size_t loops, size_t admin, size_t *clients, struct error *error)
    __attribute__((warn_unused_result));

/* Warns if `wanted` clients are more than `possible`. */
void descriptors_warn_of(uint64_t wanted, size_t possible);

#endif
