/* The PROXY protocol, versions 1 and 2 (haproxy.org, doc/proxy-protocol.txt): what a load balancer sends before a
 * connection's own first byte to say who is at the other end. */
#ifndef SSOFERRY_PROXY_HEADER_H
#define SSOFERRY_PROXY_HEADER_H

#include "ssoferry/network.h"

/* A version 1 line has at most 107 bytes. For version 2 the bound is ours: addresses and TLVs, certificate names too.
 */
enum { PROXY_LINE_SIZE_MAX = 107, PROXY_HEADER_SIZE_MAX = 4096 };

enum proxy_header {
    PROXY_HEADER_MORE,    /* more bytes are needed */
    PROXY_HEADER_BAD,     /* this is not a PROXY header */
    PROXY_HEADER_LOCAL,   /* no usable address: the balancer's own check, or an unknown protocol */
    PROXY_HEADER_ADDRESS, /* the client's address is known */
};

struct proxied {
    size_t size; /* of the header, in bytes; the connection's own data follows */
    struct ip ip;
    uint16_t port;
};

/* Parses the start of a connection's input. *proxied is set for the last two results: `size` for both, the address only
 * for PROXY_HEADER_ADDRESS. Never asks for more than PROXY_HEADER_SIZE_MAX bytes. */
enum proxy_header proxy_header_read(struct text input, struct proxied *proxied);

#endif
