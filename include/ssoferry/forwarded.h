/* X-Forwarded-For: each proxy adds, on the right, the address that a request came to it from. What stands left of an
 * address that is no trusted proxy's may have been made up by the client. */
#ifndef SSOFERRY_FORWARDED_H
#define SSOFERRY_FORWARDED_H

#include "ssoferry/network.h"

struct forwarded {
    const struct network *trusted;
    size_t trusted_count;
    bool found; /* whether any entry was believed */
    struct ip client;
};

/* Goes through one field's value from the right, for a request whose peer is trusted: past trusted addresses up to the
 * first other one, which is the client. An entry that is no address, with or without a port, ends the walk. True where
 * the field before it is to be read too. */
bool forwarded_read(struct forwarded *forwarded, struct text value);

#endif
