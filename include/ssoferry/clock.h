/* Wall-clock and monotonic time. */
#ifndef SSOFERRY_CLOCK_H
#define SSOFERRY_CLOCK_H

#include <stdint.h>

/* Microseconds UTC since 1970. */
int64_t clock_utc_us(void);

/* By how many microseconds a time that was noted may be ahead of the clock and still be believed: two machines' clocks
 * differ, and one may be slewed. */
#define CLOCK_AHEAD_MAX INT64_C(300000000)

/* CLOCK_MONOTONIC in nanoseconds and in milliseconds. It never goes back; its zero has no meaning of its own, but
 * systemd, which is told such times, uses the same clock. Safe in a signal handler. */
uint64_t clock_monotonic_ns(void);
uint64_t clock_monotonic_ms(void);

/* The same clock in milliseconds as it was at the kernel's last tick, up to 10 ms ago; for a fraction of the cost. */
uint64_t clock_tick_ms(void);

#endif
