/* Counts times, in nanoseconds, in buckets about 1.6 % wide. */
#ifndef SSOFERRY_BENCH_HISTOGRAM_H
#define SSOFERRY_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_FINE = 64, HISTOGRAM_BUCKETS = 40 * HISTOGRAM_FINE };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t largest;
};

void histogram_add(struct histogram *histogram, uint64_t nanoseconds);

/* Adds the counts of `other`. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

/* The time that a `share` (0 to 1) of all times do not exceed, as the upper end of its bucket; 0 if there are none. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
