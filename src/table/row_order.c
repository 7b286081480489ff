#include "ssoferry/row_order.h"

#include <stdlib.h>

#include "ssoferry/connection.h"
#include "ssoferry/memory.h"

enum {
    DIGITS = 8,
    DIGIT_VALUES = 256,
    FEW = 64, /* sort so many places or fewer by comparing them */
    PLACES_AHEAD = 16,
};

struct sorting {
    struct text (*key_at)(const void *buffer, uint32_t offset);
    const void *buffer;
    bool repeats; /* some key occurs twice; all equal keys do get compared */
    size_t counts[DIGITS][DIGIT_VALUES];
    struct row_place other[]; /* as many places as are being sorted */
};

/* -- by prefix -- */

static unsigned digit_of(const struct row_place *place, unsigned digit)
{
    return (unsigned)(place->prefix >> (8 * digit)) & 0xff;
}

static void count_digits(const struct row_place *places, size_t count, size_t counts[DIGITS][DIGIT_VALUES])
{
    memset(counts, 0, DIGITS * sizeof counts[0]);
    for (size_t i = 0; i < count; i++) {
        for (unsigned digit = 0; digit < DIGITS; digit++)
            counts[digit][digit_of(&places[i], digit)]++;
    }
}

static void sort_by_digit(const struct row_place *from, struct row_place *to, size_t count, unsigned digit,
                          const size_t counts[DIGIT_VALUES])
{
    size_t next[DIGIT_VALUES], start = 0;
    for (unsigned value = 0; value < DIGIT_VALUES; value++) {
        next[value] = start;
        start += counts[value];
    }
    for (size_t i = 0; i < count; i++)
        to[next[digit_of(&from[i], digit)]++] = from[i];
}

/* A radix sort, without comparisons: from the last digit to the first, each pass keeping the order of the one before.
 */
static void sort_by_prefix(struct sorting *sorting, struct row_place *places, size_t count)
{
    struct row_place *from = places, *to = sorting->other;
    size_t(*counts)[DIGIT_VALUES] = sorting->counts;
    count_digits(places, count, counts);
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        if (counts[digit][digit_of(&places[0], digit)] == count)
            continue; /* it is the same in all places */
        sort_by_digit(from, to, count, digit, counts[digit]);
        struct row_place *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != places)
        memcpy(places, from, count * sizeof *places);
}

/* -- by key -- */

static int compare_places(const void *a, const void *b, void *context)
{
    const struct row_place *first = a, *second = b;
    struct sorting *sorting = context;
    if (first->prefix != second->prefix)
        return first->prefix < second->prefix ? -1 : 1;
    int order =
        text_compare(sorting->key_at(sorting->buffer, first->offset), sorting->key_at(sorting->buffer, second->offset));
    if (order != 0)
        return order;
    sorting->repeats = true;
    return (first->offset > second->offset) - (first->offset < second->offset);
}

/* Sorts a few places by comparing them; mostly the prefixes are enough. */
static void sort_few(struct sorting *sorting, struct row_place *places, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct row_place place = places[i];
        size_t at = i;
        for (; at > 0 && compare_places(&places[at - 1], &place, sorting) > 0; at--)
            places[at] = places[at - 1];
        places[at] = place;
    }
}

/* The keys are all over the buffer. Inline, because otherwise gcc thinks that the function has no effect and drops it.
 */
static inline __attribute__((always_inline)) void fetch_ahead(const struct sorting *sorting,
                                                              const struct row_place *places, size_t i, size_t count)
{
    if (i + PLACES_AHEAD < count)
        __builtin_prefetch((const char *)sorting->buffer + places[i + PLACES_AHEAD].offset);
}

static void sort_from(struct sorting *sorting, struct row_place *places, size_t count, size_t from);

/* Sorts those with equal prefixes by what follows. */
static void sort_alike(struct sorting *sorting, struct row_place *places, size_t count, size_t from)
{
    for (size_t start = 0, end; start < count; start = end) {
        for (end = start + 1; end < count && places[end].prefix == places[start].prefix; end++)
            fetch_ahead(sorting, places, end, count);
        if (end - start > 1)
            sort_from(sorting, places + start, end - start, from);
    }
}

/* Sorts places whose keys are equal up to `from`: by the next 8 bytes, and those that have these in common by the 8
 * after. A few places are sorted by comparing, which also ends the recursion for equal keys. */
static void sort_from(struct sorting *sorting, struct row_place *places, size_t count, size_t from)
{
    for (size_t i = 0; i < count; i++) {
        fetch_ahead(sorting, places, i, count);
        places[i].prefix = key_prefix(sorting->key_at(sorting->buffer, places[i].offset), from);
    }
    if (count <= FEW) {
        sort_few(sorting, places, count);
    } else if (from >= CONNECTION_KEY_SIZE_MAX) {
        qsort_r(places, count, sizeof *places, compare_places, sorting);
    } else {
        sort_by_prefix(sorting, places, count);
        sort_alike(sorting, places, count, from + sizeof places->prefix);
    }
}

bool row_order_sort(struct row_place *places, size_t count, size_t shared,
                    struct text (*key_at)(const void *buffer, uint32_t offset), const void *buffer)
{
    const size_t size = sizeof(struct sorting) + count * sizeof *places;
    struct sorting *sorting = memory_large(size);
    memory_pages_widen(sorting, size);
    sorting->key_at = key_at;
    sorting->buffer = buffer;
    sorting->repeats = false;
    sort_from(sorting, places, count, shared);
    bool once = !sorting->repeats;
    memory_pages_free(sorting, size);
    return once;
}
