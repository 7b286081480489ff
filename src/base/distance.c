#include "ssoferry/distance.h"

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool is_swap(struct text a, size_t i, struct text b, size_t j)
{
    return i > 1 && j > 1 && text_lower(a.at[i - 1]) == text_lower(b.at[j - 2]) &&
           text_lower(a.at[i - 2]) == text_lower(b.at[j - 1]);
}

/* Only a band around the diagonal of the usual matrix can stay within the limit. */
unsigned text_distance(struct text a, struct text b, unsigned limit)
{
    size_t gap = a.size > b.size ? a.size - b.size : b.size - a.size;
    if (gap > limit || a.size > DISTANCE_SIZE_MAX || b.size > DISTANCE_SIZE_MAX)
        return limit + 1;

    unsigned rows[3][DISTANCE_SIZE_MAX + 2] = {{0}};
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.size; ++j)
        last[j] = before[j] = (unsigned)j;

    for (size_t i = 1; i <= a.size; ++i) {
        size_t from = i > limit ? i - limit : 1;
        size_t to = i + limit < b.size ? i + limit : b.size;
        unsigned best = from == 1 ? (unsigned)i : limit + 1;
        row[from - 1] = best;
        if (i + limit <= b.size)
            last[to] = limit + 1; /* the row above ended one cell earlier */
        for (size_t j = from; j <= to; ++j) {
            bool same = text_lower(a.at[i - 1]) == text_lower(b.at[j - 1]);
            unsigned edits = least(last[j - 1] + (same ? 0 : 1), least(last[j], row[j - 1]) + 1);
            if (is_swap(a, i, b, j))
                edits = least(edits, before[j - 2] + 1);
            row[j] = edits;
            best = least(best, edits);
        }
        if (best > limit)
            return limit + 1;
        unsigned *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return least(last[b.size], limit + 1);
}

unsigned text_typing_mistakes(size_t size)
{
    enum { LIMIT_MAX = 3 };
    const size_t limit = size / 3;
    return limit < 1 ? 1 : limit > LIMIT_MAX ? LIMIT_MAX : (unsigned)limit;
}

bool text_is_near(struct text wanted, struct text name, unsigned limit, unsigned *edits)
{
    *edits = text_distance(wanted, name, limit);
    return text_edits_are_few(*edits, limit, name.size);
}
