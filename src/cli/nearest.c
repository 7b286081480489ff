#include "nearest.h"

enum { LIMIT_MAX = 3 };

void nearest_start(struct nearest *nearest, struct text wanted)
{
    nearest->wanted = wanted;
    nearest->count = 0;
    /* One edit in three letters is a typing mistake; more is another word. */
    size_t limit = wanted.size / 3;
    nearest->limit = limit < 1 ? 1 : limit > LIMIT_MAX ? LIMIT_MAX : (unsigned)limit;
}

static unsigned char folded(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap two neighbours) that make `a` of `b`; limit + 1 where there are more than
 * `limit`. Only a band of the usual matrix around its diagonal can stay within the limit, so the work is limit *
 * size. */
static unsigned distance(struct text a, struct text b, unsigned limit)
{
    size_t gap = a.size > b.size ? a.size - b.size : b.size - a.size;
    if (gap > limit || b.size > IDENTIFIER_SIZE_MAX)
        return limit + 1;

    unsigned rows[3][IDENTIFIER_SIZE_MAX + 2];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.size; ++j)
        last[j] = before[j] = (unsigned)j;

    for (size_t i = 1; i <= a.size; ++i) {
        size_t from = i > limit ? i - limit : 1;
        size_t to = i + limit < b.size ? i + limit : b.size;
        unsigned best = limit + 1;
        row[from - 1] = from == 1 ? (unsigned)i : limit + 1;
        if (i + limit <= b.size)
            last[to] = limit + 1; /* the row above ended one short of here */
        for (size_t j = from; j <= to; ++j) {
            bool same = folded(a.at[i - 1]) == folded(b.at[j - 1]);
            unsigned edits = least(last[j - 1] + (same ? 0 : 1), least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && folded(a.at[i - 1]) == folded(b.at[j - 2]) &&
                folded(a.at[i - 2]) == folded(b.at[j - 1]))
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

void nearest_offer(struct nearest *nearest, struct text name)
{
    unsigned limit = nearest->limit;
    if (nearest->count == NEAREST_KEPT) {
        if (nearest->found[NEAREST_KEPT - 1].distance == 0)
            return;
        limit = least(limit, nearest->found[NEAREST_KEPT - 1].distance - 1);
    }
    unsigned edits = distance(nearest->wanted, name, limit);
    if (edits > limit || edits >= name.size)
        return;

    size_t at = nearest->count < NEAREST_KEPT ? nearest->count++ : NEAREST_KEPT - 1;
    for (; at > 0 && nearest->found[at - 1].distance > edits; --at)
        nearest->found[at] = nearest->found[at - 1];
    memcpy(nearest->found[at].name, name.at, name.size);
    nearest->found[at].name[name.size] = '\0';
    nearest->found[at].distance = edits;
}
