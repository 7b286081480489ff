#include "nearest.h"

#include "ssoferry/distance.h"

void nearest_start(struct nearest *nearest, struct text wanted)
{
    nearest->wanted = wanted;
    nearest->count = 0;
    nearest->limit = text_typing_mistakes(wanted.size);
}

static bool same_decoded(struct text a, struct text b)
{
    char a_bytes[IDENTIFIER_SIZE_MAX], b_bytes[IDENTIFIER_SIZE_MAX];
    return text_equal(identifier_decoded(a, a_bytes), identifier_decoded(b, b_bytes));
}

void nearest_offer(struct nearest *nearest, struct text name)
{
    unsigned limit = nearest->limit;
    if (nearest->count == NEAREST_KEPT) {
        if (nearest->found[NEAREST_KEPT - 1].distance == 0)
            return;
        limit = nearest->found[NEAREST_KEPT - 1].distance - 1; /* never over the limit, for it was found within it */
    }
    unsigned edits = text_distance(nearest->wanted, name, limit);
    if (edits > 0 && same_decoded(nearest->wanted, name))
        edits = 0;
    if (edits > limit || edits >= name.size || name.size > IDENTIFIER_SIZE_MAX)
        return;

    size_t at = nearest->count < NEAREST_KEPT ? nearest->count++ : NEAREST_KEPT - 1;
    for (; at > 0 && nearest->found[at - 1].distance > edits; --at)
        nearest->found[at] = nearest->found[at - 1];
    memcpy(nearest->found[at].name, name.at, name.size);
    nearest->found[at].name[name.size] = '\0';
    nearest->found[at].distance = edits;
}
