/* Estimates how often each of very many names came lately, in a fixed amount of memory. */
#ifndef SSOFERRY_SKETCH_H
#define SSOFERRY_SKETCH_H

#include <stdint.h>

enum {
    SKETCH_ROWS = 4,
    SKETCH_WIDTH = 1 << 20, /* counters per row; 8 MiB in all, of which only touched pages take memory */
    SKETCH_PERIOD = SKETCH_WIDTH / 2,
};

struct sketch {
    uint16_t *counters; /* NULL: nothing was counted yet */
    uint32_t calls;     /* since the counters were last halved */
};

/* Frees the counters. A zeroed sketch is ready for use, and this leaves one. */
void sketch_release(struct sketch *sketch);

/* Counts `count` more of the name with this hash. Returns how often it came lately, including these: never too low
 * within SKETCH_PERIOD calls, and rarely too high. */
uint32_t sketch_add(struct sketch *sketch, uint64_t hash, uint32_t count);

#endif
