#include "ssoferry/owners.h"

#include <stdlib.h>

#include "ssoferry/bytes.h"
#include "ssoferry/memory.h"

enum { SLOTS = 1 << 16, SLOTS_USED_MAX = SLOTS / 2 };

/* Hashes; 0: free. A chance collision, one in some 2^60, causes a wrong warning. */
struct slot {
    uint64_t connection, owner;
};

struct owners {
    struct slots {
        struct slot *first;
        size_t used;
    } slots[OWNER_MARKS];
};

struct owners *owners_new(void)
{
    return memory_zeroed(1, sizeof(struct owners));
}

void owners_free(struct owners *owners)
{
    for (size_t i = 0; owners != NULL && i < OWNER_MARKS; ++i)
        free(owners->slots[i].first);
    free(owners);
}

/* Most ids end in a UUID, of which the last 32 characters suffice. A longer label is told apart by its end, too. */
static uint64_t hash_of(struct text name)
{
    enum { WORD = sizeof(uint64_t), END = 4 * WORD };
    uint64_t hash = name.size;
    if (name.size >= END) {
        const char *end = name.at + name.size - END;
        for (size_t at = 0; at < END; at += WORD)
            hash = bytes_mixed(hash, bytes_load(end + at));
    } else {
        for (size_t at = 0; at < name.size; ++at)
            hash = bytes_mixed(hash, (unsigned char)name.at[at]);
    }
    return hash | 1;
}

bool owners_contradict(struct owners *owners, enum owner_mark mark, struct text connection, struct text owner)
{
    struct slots *slots = &owners->slots[mark];
    if (slots->first == NULL)
        slots->first = memory_zeroed(SLOTS, sizeof(struct slot));
    const uint64_t hash = hash_of(connection);
    struct slot *slot = &slots->first[hash >> 48];
    while (slot->connection != 0 && slot->connection != hash)
        slot = slot + 1 < slots->first + SLOTS ? slot + 1 : slots->first;
    if (slot->connection == hash)
        return slot->owner != hash_of(owner);
    if (slots->used < SLOTS_USED_MAX) {
        slots->used++;
        *slot = (struct slot){hash, hash_of(owner)};
    }
    return false;
}
