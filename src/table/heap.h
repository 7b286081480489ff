/* Merges many sorted sequences: a binary heap of those that have not ended, with the one whose turn it is first.
 * Inline, because comparing is most of the work. */
#ifndef SSOFERRY_TABLE_HEAP_H
#define SSOFERRY_TABLE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

struct heap {
    void **at; /* the owner's; with room for all that it puts in */
    size_t count;
};

/* Moves the item at `place` to where it belongs after its turn has become later. */
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

/* Orders a heap that was filled in any order. */
static inline void heap_order(struct heap *heap, bool (*comes_first)(const void *a, const void *b))
{
    for (size_t place = heap->count; place-- > 0;)
        heap_sink(heap, place, comes_first);
}

/* Removes the first item, after its sequence has ended. */
static inline void heap_drop(struct heap *heap, bool (*comes_first)(const void *a, const void *b))
{
    heap->at[0] = heap->at[--heap->count];
    heap_sink(heap, 0, comes_first);
}

#endif
