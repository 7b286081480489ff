/* Who is at the other end of a connection: the balancer or browser that connected, or whom its PROXY header names. */
#ifndef SSOFERRY_PEER_H
#define SSOFERRY_PEER_H

#include "client.h"
#include "ssoferry/network.h"

/* "192.0.2.1:50000", "[2001:db8::1]:50000", "unix", or "unknown" where it is gone, for logs. Lives as long as the
 * connection, and until peer_set(). */
struct text peer_name(struct client *client);

/* Whether its connection was reset before anybody asked who it is: the kernel then does not tell any more. */
bool peer_is_gone(const struct client *client);

/* By the PROXY protocol. */
void peer_set(struct client *client, const struct ip *ip, uint16_t port);

/* Whether it is one of trusted_proxies. */
bool peer_is_trusted(const struct client *client);

/* The client that a trusted proxy names in X-Forwarded-For, written to `out`; empty where there is none to believe. */
struct text peer_forwarded_client(const struct client *client, const h2o_req_t *req, char out[IP_TEXT_SIZE]);

#endif
