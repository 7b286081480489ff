/* X-Forwarded-For: each proxy appends the address that it received the request from. Whatever is to the left of an
 * address that is not a trusted proxy's may have been made up by the client. */
#ifndef SSOFERRY_FORWARDED_H
#define SSOFERRY_FORWARDED_H

#include "ssoferry/network.h"

struct forwarded {
    const struct network *trusted;
    size_t trusted_count;
    bool found; /* whether any entry was believed */
    struct ip client;
};

/* Reads one field's value from right to left, for a request whose peer is trusted. Skips trusted addresses; the first
 * other one is the client. An entry that is not an address, with or without a port, ends the search. True if the field
 * before this one must be read too. */
bool forwarded_read(struct forwarded *forwarded, struct text value);

#endif
