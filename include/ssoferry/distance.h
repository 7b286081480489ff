/* Edit distance between names, for "did you mean". */
#ifndef SSOFERRY_DISTANCE_H
#define SSOFERRY_DISTANCE_H

#include "ssoferry/text.h"

enum { DISTANCE_SIZE_MAX = 512 }; /* bytes; a longer name is far from everything */

/* The fewest edits that turn `b` into `a`, or limit + 1 if there are more than `limit`. An edit inserts, deletes or
 * replaces a byte, or swaps two neighbours; no place is edited twice. ASCII case is ignored. Takes time in proportion
 * to limit * size. */
unsigned text_distance(struct text a, struct text b, unsigned limit);

/* The most edits that count as a typing mistake in a word of `size` bytes: one per three letters. */
unsigned text_typing_mistakes(size_t size);

/* Whether `edits` is within `limit` and leaves something of a name of `size` bytes unchanged. */
static inline bool text_edits_are_few(unsigned edits, unsigned limit, size_t size)
{
    return edits <= limit && edits < size;
}

/* Whether `name`, a few edits away, may be what was meant by `wanted`. *edits gets the number of edits. */
bool text_is_near(struct text wanted, struct text name, unsigned limit, unsigned *edits);

#endif
