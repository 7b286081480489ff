/* The PROXY protocol, versions 1 and 2 (haproxy.org, doc/proxy-protocol.txt): what a load balancer sends before a
 * connection's own first byte, to say who is at the other end. */
#ifndef SSOFERRY_PROXY_HEADER_H
#define SSOFERRY_PROXY_HEADER_H

#include "ssoferry/network.h"

/* A version 1 line may have 107 bytes; of version 2, this is our bound: addresses and TLVs, certificates' names too. */
enum { PROXY_LINE_SIZE_MAX = 107, PROXY_HEADER_SIZE_MAX = 4096 };

enum proxy_header {
    PROXY_HEADER_MORE,    /* more bytes are needed */
    PROXY_HEADER_BAD,     /* this is none */
    PROXY_HEADER_LOCAL,   /* no address that counts: the balancer's own check, or an unknown protocol */
    PROXY_HEADER_ADDRESS, /* of the client */
};

struct proxied {
    size_t size; /* bytes of the header; what follows is the connection's own */
    struct ip ip;
    uint16_t port;
};

/* Reads the start of a connection's input. *proxied is set for the last two answers: `size` for both, the address for
 * the last one. Never asks for more than PROXY_HEADER_SIZE_MAX bytes. */
enum proxy_header proxy_header_read(struct text input, struct proxied *proxied);

#endif
