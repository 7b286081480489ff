/* IP addresses and networks (CIDR). */
#ifndef SSOFERRY_NETWORK_H
#define SSOFERRY_NETWORK_H

#include "ssoferry/text.h"

/* An address of 16 bytes in network byte order. An IPv4 address is ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that a client
 * has the same address whichever way it connects. */
struct ip {
    unsigned char bytes[16];
};

struct network {
    struct ip ip;
    unsigned bits; /* prefix length, 0 to 128 */
};

enum { IP_TEXT_SIZE = 46 }; /* including the NUL */

/* Makes an address from one in network byte order, as sockets have it. */
struct ip ip_from_v4(const void *four_bytes);
struct ip ip_from_v6(const void *sixteen_bytes);

/* Whether it is an IPv4 address: ::ffff:a.b.c.d. */
bool ip_is_v4(const struct ip *ip);

/* Parses "192.0.2.1" or "2001:db8::1", without brackets, port or zone. False for anything else. */
bool ip_parse(struct text text, struct ip *ip);

/* Formats an address in its usual shortest form, IPv4 addresses as IPv4. Returns a slice of `out`. */
struct text ip_format(const struct ip *ip, char out[IP_TEXT_SIZE]);

/* Parses "10.0.0.0/8", "2001:db8::/32" or a single address. Returns NULL if it is valid, otherwise a static phrase that
 * says what is wrong. */
const char *network_parse(struct text text, struct network *network);

/* Whether any of the networks contains the address. */
bool network_any_holds(const struct network *networks, size_t count, const struct ip *ip);

#endif
