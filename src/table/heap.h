/* Many sequences that each come in order, merged: a binary heap of those that have not ended, the one whose turn it is
 * first. Inline, for its comparison is most of the work. */
#ifndef SSOFERRY_TABLE_HEAP_H
#define SSOFERRY_TABLE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

struct heap {
    void **at; /* the owner's; room for as many as it puts in */
    size_t count;
};

/* Puts the one at `place` where it belongs, after its turn has become a later one. */
static inline void heap_sink(struct heap *heap, size_t place, bool (*comes_first)(const void *a, const void *b))
{
    for (;;) {
        size_t first = place;
        for (size_t child = 2 * place + 1; child <= 2 * place + 2 && child < heap->count; child++) {
            if (comes_first(heap->at[child], heap->at[first]))
                first = child;
        }
        if (first == place)
            return;
        void *later = heap->at[place];
        heap->at[place] = heap->at[first];
        heap->at[first] = later;
        place = first;
    }
}

/* Brings what was put in anyhow into order. */
static inline void heap_order(struct heap *heap, bool (*comes_first)(const void *a, const void *b))
{
    for (size_t place = heap->count; place-- > 0;)
        heap_sink(heap, place, comes_first);
}

/* After the first has ended: takes it out. */
static inline void heap_drop(struct heap *heap, bool (*comes_first)(const void *a, const void *b))
{
    heap->at[0] = heap->at[--heap->count];
    heap_sink(heap, 0, comes_first);
}

#endif
