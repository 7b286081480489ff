#include "histogram.h"

/* Up to 63 each value has its own bucket; above that there are 64 buckets per power of two. */
static unsigned bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_FINE)
        return (unsigned)value;
    unsigned shift = 63U - (unsigned)__builtin_clzll(value) - 6U;
    unsigned bucket = (shift + 1) * HISTOGRAM_FINE + (unsigned)(value >> shift) - HISTOGRAM_FINE;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t end_of(unsigned bucket)
{
    if (bucket < HISTOGRAM_FINE)
        return bucket;
    unsigned shift = bucket / HISTOGRAM_FINE - 1;
    return ((uint64_t)(bucket % HISTOGRAM_FINE + HISTOGRAM_FINE + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t nanoseconds)
{
    ++histogram->counts[bucket_of(nanoseconds)];
    ++histogram->total;
    if (nanoseconds > histogram->largest)
        histogram->largest = nanoseconds;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; ++i)
        histogram->counts[i] += other->counts[i];
    histogram->total += other->total;
    if (other->largest > histogram->largest)
        histogram->largest = other->largest;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->total);
    uint64_t passed = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && histogram->total > 0; ++i) {
        passed += histogram->counts[i];
        if (passed > 0 && passed >= wanted)
            return end_of(i) < histogram->largest ? end_of(i) : histogram->largest;
    }
    return histogram->largest;
}
