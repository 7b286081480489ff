#include "nearest.h"

#include "ssoferry/distance.h"

void nearest_start(struct nearest *nearest, struct text wanted)
{
    nearest->wanted = wanted;
    nearest->count = 0;
    nearest->limit = text_typing_mistakes(wanted.size);
}

void nearest_offer_spelled(struct nearest *nearest, struct text spelling, struct text name)
{
    unsigned edits = 0, limit = nearest->limit;
    if (nearest->count == NEAREST_KEPT) {
        if (nearest->found[NEAREST_KEPT - 1].distance == 0)
            return;
        limit = nearest->found[NEAREST_KEPT - 1].distance - 1; /* does not underflow: it was found within the limit */
    }
    if (!text_is_near(nearest->wanted, spelling, limit, &edits) || name.size > IDENTIFIER_SIZE_MAX)
        return;

    size_t at = nearest->count < NEAREST_KEPT ? nearest->count++ : NEAREST_KEPT - 1;
    for (; at > 0 && nearest->found[at - 1].distance > edits; --at)
        nearest->found[at] = nearest->found[at - 1];
    memcpy(nearest->found[at].name, name.at, name.size);
    nearest->found[at].name[name.size] = '\0';
    nearest->found[at].distance = edits;
}

void nearest_offer(struct nearest *nearest, struct text name)
{
    nearest_offer_spelled(nearest, name, name);
}
