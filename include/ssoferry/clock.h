/* The two clocks. */
#ifndef SSOFERRY_CLOCK_H
#define SSOFERRY_CLOCK_H

#include <stdint.h>

/* Microseconds UTC since 1970. */
int64_t clock_utc_us(void);

/* Milliseconds that never go back; their start means nothing. */
uint64_t clock_monotonic_ms(void);

#endif
