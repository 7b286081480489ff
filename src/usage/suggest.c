#include "suggest.h"

#include <stdlib.h>

#include "ssoferry/connection.h"
#include "ssoferry/distance.h"

/* More edits make it another name: two, or a fifth of a long name, and none if it is so short that all are near. */
static unsigned limit_of(size_t size)
{
    enum { FIFTH = 5, LIMIT_MAX = 4 };
    size_t fifth = size / FIFTH;
    if (size < 6)
        return size < 3 ? 0 : 1;
    return fifth < 2 ? 2 : fifth > LIMIT_MAX ? LIMIT_MAX : (unsigned)fifth;
}

/* Steps of work on distances for all names together, about half a second. Each name has its own share, so that names
 * made to be slow take nothing from the others. */
static const uint64_t steps_max = 128 * 1000 * 1000;

/* -- pairs of letters --
 *
 * Most names are ruled out without computing a distance. Each pair of neighbouring letters stands for one of 128 bits,
 * and one edit destroys at most three pairs (swapping the inner letters of "acme" destroys "ac", "cm" and "me"). So if
 * two names are within n edits, neither has more than 3n bits that the other lacks. */

enum { PAIRS_PER_EDIT = 3 };

static unsigned folded(char c)
{
    return (unsigned char)text_lower(c);
}

static void find_pairs(struct text name, uint64_t pairs[2])
{
    pairs[0] = pairs[1] = 0;
    for (size_t i = 1; i < name.size; ++i) {
        unsigned bit = (folded(name.at[i - 1]) * 31 + folded(name.at[i]) * 17) % 127;
        pairs[bit / 64] |= UINT64_C(1) << bit % 64;
    }
}

static unsigned count_bits(uint64_t bits)
{
    bits -= bits >> 1 & 0x5555555555555555;
    bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)(bits * 0x0101010101010101 >> 56);
}

static bool may_be_near(const struct wanted *wanted, size_t size, const uint64_t pairs[2])
{
    size_t gap = size > wanted->identifier.size ? size - wanted->identifier.size : wanted->identifier.size - size;
    unsigned most = PAIRS_PER_EDIT * wanted->limit;
    return gap <= wanted->limit &&
           count_bits(wanted->pairs[0] & ~pairs[0]) + count_bits(wanted->pairs[1] & ~pairs[1]) <= most &&
           count_bits(pairs[0] & ~wanted->pairs[0]) + count_bits(pairs[1] & ~wanted->pairs[1]) <= most;
}

/* -- searching -- */

void suggest_start(struct suggest *suggest, struct wanted *wanted, size_t count, struct memory memory)
{
    *suggest = (struct suggest){.wanted = wanted, .count = count, .memory = memory};
    suggest->active = memory_allocate(count * sizeof(struct wanted *));
    for (size_t i = 0; i < count; ++i) {
        wanted[i].meant = (struct text){0};
        wanted[i].limit = limit_of(wanted[i].identifier.size);
        wanted[i].open = true;
        wanted[i].steps_left = steps_max / count;
        find_pairs(wanted[i].identifier, wanted[i].pairs);
    }
}

static void enter_source(struct suggest *suggest, struct text source)
{
    suggest->source = text_copy(source, suggest->memory);
    suggest->active_count = 0;
    for (size_t i = 0; i < suggest->count; ++i) {
        if (text_equal(suggest->wanted[i].source, source))
            suggest->active[suggest->active_count++] = &suggest->wanted[i];
    }
}

/* Strips the common start and end, which do not affect the distance. */
static void leave_out_alike(struct text *a, struct text *b)
{
    for (; a->size > 0 && b->size > 0 && folded(*a->at) == folded(*b->at); --a->size, --b->size)
        ++a->at, ++b->at;
    while (a->size > 0 && b->size > 0 && folded(a->at[a->size - 1]) == folded(b->at[b->size - 1]))
        --a->size, --b->size;
}

/* The number of cells that text_distance() computes, plus the cost of getting there. */
static uint64_t steps_of(size_t size, size_t differing, unsigned limit)
{
    return (uint64_t)differing * (2 * limit + 1) + size / 4 + 16;
}

/* `spelling` is the identifier, decoded. */
static void compare(struct suggest *suggest, struct wanted *wanted, struct text identifier, struct text spelling)
{
    struct text asked = wanted->identifier, name = spelling;
    leave_out_alike(&asked, &name);
    uint64_t steps = steps_of(spelling.size, asked.size, wanted->limit);
    if (steps > wanted->steps_left) {
        wanted->open = false;
        return;
    }
    wanted->steps_left -= steps;
    unsigned edits = text_distance(asked, name, wanted->limit);
    if (!text_edits_are_few(edits, wanted->limit, spelling.size))
        return;
    wanted->meant = text_copy(identifier, suggest->memory);
    wanted->open = edits > 0;
    wanted->limit = edits > 0 ? edits - 1 : 0;
}

void suggest_offer(struct suggest *suggest, struct text source, struct text identifier)
{
    uint64_t pairs[2];
    char bytes[IDENTIFIER_SIZE_MAX];
    if (!text_equal(suggest->source, source))
        enter_source(suggest, source);
    if (suggest->active_count == 0)
        return;
    struct text spelling = identifier_decoded(identifier, bytes);
    find_pairs(spelling, pairs);
    for (size_t i = 0; i < suggest->active_count; ++i) {
        struct wanted *wanted = suggest->active[i];
        if (may_be_near(wanted, spelling.size, pairs))
            compare(suggest, wanted, identifier, spelling);
        if (!wanted->open)
            suggest->active[i--] = suggest->active[--suggest->active_count];
    }
}

void suggest_end(struct suggest *suggest)
{
    free(suggest->active);
}
