/* The process's limit on open files, shared out: clients must not take the descriptors that the daemon itself needs, or
 * nobody could look at it when there are too many of them. */
#ifndef SSOFERRY_DESCRIPTORS_H
#define SSOFERRY_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raises the soft limit to the hard one. */
void descriptors_raise(void);

/* How many clients of the public listeners may have a descriptor at one time, at least 1: what the limit leaves beside
 * those that are open now, those that `loops` event loops are going to open, `admin` for clients of the admin listener,
 * and some to spare. */
size_t descriptors_for_clients(size_t loops, size_t admin);

/* Warns where `wanted` clients are more than there is room for. */
void descriptors_warn_of(uint64_t wanted, size_t possible);

#endif
