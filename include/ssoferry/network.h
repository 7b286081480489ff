/* IP addresses and networks (CIDR). */
#ifndef SSOFERRY_NETWORK_H
#define SSOFERRY_NETWORK_H

#include "ssoferry/text.h"

/* An IPv6 address in network byte order; an IPv4 one is ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that it is the same
 * address whichever way a client came. */
struct ip {
    unsigned char bytes[16];
};

struct network {
    struct ip ip;
    unsigned bits; /* of the prefix, 0 to 128 */
};

enum { IP_TEXT_SIZE = 46 }; /* NUL included */

/* Of an address in network byte order, as sockets have it. */
struct ip ip_from_v4(const void *four_bytes);
struct ip ip_from_v6(const void *sixteen_bytes);

/* Whether it is ::ffff:a.b.c.d. */
bool ip_is_v4(const struct ip *ip);

/* Reads "192.0.2.1" or "2001:db8::1", without brackets, port or zone. False on anything else. */
bool ip_parse(struct text text, struct ip *ip);

/* The shortest usual form, an IPv4 address in its own; a slice of `out`. */
struct text ip_format(const struct ip *ip, char out[IP_TEXT_SIZE]);

/* "10.0.0.0/8", "2001:db8::/32", or one address. NULL where it is good, else a phrase that says what is wrong; static.
 */
const char *network_parse(struct text text, struct network *network);

/* Whether one of them holds the address. */
bool network_any_holds(const struct network *networks, size_t count, const struct ip *ip);

#endif
