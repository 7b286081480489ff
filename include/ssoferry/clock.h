/* The two clocks. */
#ifndef SSOFERRY_CLOCK_H
#define SSOFERRY_CLOCK_H

#include <stdint.h>

/* Microseconds UTC since 1970. */
int64_t clock_utc_us(void);

/* Nanoseconds that never go back, and milliseconds; their start means nothing, but is CLOCK_MONOTONIC's, of which
 * systemd is told. A signal handler may ask. */
uint64_t clock_monotonic_ns(void);
uint64_t clock_monotonic_ms(void);

#endif
