/* How often each of very many names came lately, roughly, in memory that does not grow. */
#ifndef SSOFERRY_SKETCH_H
#define SSOFERRY_SKETCH_H

#include <stdint.h>

enum {
    SKETCH_ROWS = 4,
    SKETCH_WIDTH = 1 << 20, /* counters a row; 8 MiB in all, of which the kernel gives only what is touched */
    SKETCH_PERIOD = SKETCH_WIDTH / 2,
};

struct sketch {
    uint16_t *counters; /* NULL: nothing was counted yet */
    uint32_t calls;     /* since the counters were last halved */
};

/* Frees what it holds, and leaves it as a zeroed one, which is ready. */
void sketch_release(struct sketch *sketch);

/* Counts `count` more of the name with this hash; returns how often it came lately, itself included. That is never too
 * little within SKETCH_PERIOD calls, and seldom too much. */
uint32_t sketch_add(struct sketch *sketch, uint64_t hash, uint32_t count);

#endif
