/* How far apart two names are, for "did you mean". */
#ifndef SSOFERRY_DISTANCE_H
#define SSOFERRY_DISTANCE_H

#include "ssoferry/text.h"

enum { DISTANCE_SIZE_MAX = 512 }; /* bytes; a longer name is far from everything */

/* The fewest edits (insert, delete or replace a byte, swap two neighbours; none twice at the same place) that make `a`
 * of `b`; limit + 1 where it takes more than `limit`. ASCII case does not count. The work is limit * size. */
unsigned text_distance(struct text a, struct text b, unsigned limit);

/* As many edits of a word of `size` bytes as are a typing mistake: one in three letters. More make another word. */
unsigned text_typing_mistakes(size_t size);

/* Whether so many edits are within `limit` and do not write all of a name of `size` bytes anew. */
static inline bool text_edits_are_few(unsigned edits, unsigned limit, size_t size)
{
    return edits <= limit && edits < size;
}

/* Whether `name` may be what `wanted` was meant to be: by few edits. *edits says how many that takes. */
bool text_is_near(struct text wanted, struct text name, unsigned limit, unsigned *edits);

#endif
