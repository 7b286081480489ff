#include "ssoferry/organizations.h"

#include <stdlib.h>

#include "ssoferry/bytes.h"
#include "ssoferry/memory.h"

enum { SLOTS = 1 << 16, SLOTS_USED_MAX = SLOTS / 2 };

/* Hashes of both ids; 0: free. The ids are Stytch's. A chance collision, one in some 2^60, causes a wrong warning. */
struct slot {
    uint64_t connection, organization;
};

struct organizations {
    struct slot *slots;
    size_t used;
};

struct organizations *organizations_new(void)
{
    return memory_zeroed(1, sizeof(struct organizations));
}

void organizations_free(struct organizations *organizations)
{
    if (organizations != NULL)
        free(organizations->slots);
    free(organizations);
}

/* Most ids end in a UUID, of which the last 32 characters suffice. */
static uint64_t hash_of(struct text id)
{
    enum { WORD = sizeof(uint64_t), END = 4 * WORD };
    uint64_t hash = id.size;
    if (id.size >= END) {
        const char *end = id.at + id.size - END;
        for (size_t at = 0; at < END; at += WORD)
            hash = bytes_mixed(hash, bytes_load(end + at));
    } else {
        for (size_t at = 0; at < id.size; ++at)
            hash = bytes_mixed(hash, (unsigned char)id.at[at]);
    }
    return hash | 1;
}

bool organizations_contradict(struct organizations *organizations, struct text connection, struct text organization)
{
    if (organizations->slots == NULL)
        organizations->slots = memory_zeroed(SLOTS, sizeof(struct slot));
    const uint64_t first = hash_of(connection);
    struct slot *slot = &organizations->slots[first >> 48];
    while (slot->connection != 0 && slot->connection != first)
        slot = slot + 1 < organizations->slots + SLOTS ? slot + 1 : organizations->slots;
    if (slot->connection == first)
        return slot->organization != hash_of(organization);
    if (organizations->used < SLOTS_USED_MAX) {
        organizations->used++;
        *slot = (struct slot){first, hash_of(organization)};
    }
    return false;
}
