/* What the load generators share. */
#ifndef SSOFERRY_BENCH_GENERATOR_H
#define SSOFERRY_BENCH_GENERATOR_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Ends the program with a message: `what` failed, and errno's text. */
static inline _Noreturn void generator_fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/* Monotonic nanoseconds. */
static inline uint64_t generator_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

#endif
