/* Who is at the other end of a connection: the balancer or browser that connected, or the client that its PROXY header
 * names. */
#ifndef SSOFERRY_PEER_H
#define SSOFERRY_PEER_H

#include "client.h"
#include "ssoferry/network.h"

/* The peer's name for logs: "192.0.2.1:50000", "[2001:db8::1]:50000", "unix", or "unknown" if the connection is gone.
 * Lives as long as the connection, or until peer_set(). */
struct text peer_name(struct client *client);

/* Whether the connection was reset before its address was read; the kernel no longer knows it then. */
bool peer_is_gone(const struct client *client);

/* Replaces the address with the one from the PROXY header. */
void peer_set(struct client *client, const struct ip *ip, uint16_t port);

/* Whether the peer is one of trusted_proxies. */
bool peer_is_trusted(const struct client *client);

/* The client that a trusted proxy named in X-Forwarded-For, written to `out`; empty if there is none that can be
 * trusted. */
struct text peer_forwarded_client(const struct client *client, const h2o_req_t *req, char out[IP_TEXT_SIZE]);

#endif
