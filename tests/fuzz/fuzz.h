/* What the fuzz targets share. */
#ifndef SSOFERRY_TESTS_FUZZ_H
#define SSOFERRY_TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "ssoferry/memory.h"
#include "ssoferry/text.h"

/* libFuzzer's entry; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Something that always holds, so it must hold for this input. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Cuts off and returns everything before the next line feed, or all of it if there is none. */
static inline struct text take_line(struct text *rest)
{
    size_t end = text_find(*rest, '\n', 0);
    struct text line = text_slice(rest->at, end);
    size_t next = end < rest->size ? end + 1 : end;
    *rest = text_slice(rest->at + next, rest->size - next);
    return line;
}

/* Whether a slice lies within `whole`. */
static inline bool lies_in(struct text slice, struct text whole)
{
    return slice.at >= whole.at && slice.at + slice.size <= whole.at + whole.size;
}

#endif
