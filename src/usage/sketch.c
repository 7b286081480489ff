/* A count-min sketch (G. Cormode, S. Muthukrishnan, "An improved data stream summary", 2005) with conservative update
 * (C. Estan, G. Varghese, "New directions in traffic measurement and accounting", 2002), halved from time to time so
 * that it covers only the recent past (G. Einziger, R. Friedman, B. Manes, "TinyLFU: a highly efficient cache admission
 * policy", 2017).
 *
 * The figures: between two halvings a row takes in at most half as many names as it has counters, and halving forgets
 * names that came once. So in a flood of names that come once each, a name finds all of its four counters at 1 or more
 * by chance once in (1 - e^-0.5)^-4 = 42 times, at 2 or more once in 15,000 times, and at 3 or more once in 20 million.
 */
#include "ssoferry/sketch.h"

#include <stddef.h>
#include <stdlib.h>

#include "ssoferry/memory.h"

void sketch_release(struct sketch *sketch)
{
    free(sketch->counters);
    *sketch = (struct sketch){0};
}

static void halve(struct sketch *sketch)
{
    for (size_t i = 0; i < (size_t)SKETCH_ROWS * SKETCH_WIDTH; ++i) {
        if (sketch->counters[i] != 0) /* otherwise its page may never have been touched */
            sketch->counters[i] = (uint16_t)(sketch->counters[i] >> 1);
    }
    sketch->calls = 0;
}

uint32_t sketch_add(struct sketch *sketch, uint64_t hash, uint32_t count)
{
    if (sketch->counters == NULL)
        sketch->counters = memory_zeroed((size_t)SKETCH_ROWS * SKETCH_WIDTH, sizeof(sketch->counters[0]));
    else if (sketch->calls >= SKETCH_PERIOD)
        halve(sketch);
    ++sketch->calls;

    /* Derives four hashes from two: A. Kirsch, M. Mitzenmacher, "Less hashing, same performance", 2006. */
    uint16_t *at[SKETCH_ROWS];
    uint32_t place = (uint32_t)hash, step = (uint32_t)(hash >> 32) | 1;
    uint32_t least = UINT16_MAX;
    for (size_t row = 0; row < SKETCH_ROWS; ++row, place += step) {
        at[row] = &sketch->counters[row * SKETCH_WIDTH + place % SKETCH_WIDTH];
        least = *at[row] < least ? *at[row] : least;
    }
    uint32_t sum = count > UINT16_MAX - least ? UINT16_MAX : least + count;
    for (size_t row = 0; row < SKETCH_ROWS; ++row) {
        if (*at[row] < sum)
            *at[row] = (uint16_t)sum;
    }
    return sum;
}
