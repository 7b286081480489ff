/* The TLS handshake of a client that has just arrived. */
#ifndef SSOFERRY_HANDSHAKE_H
#define SSOFERRY_HANDSHAKE_H

#include "client.h"
#include "tls_context.h"

/* Shakes hands over the client's socket, of which nothing may have been read but what the handshake begins with. Takes
 * over the reference to `context`, which the client then holds. Calls `on_done` when the connection is secure; where it
 * fails the client is closed. */
void handshake_begin(struct client *client, struct tls_context *context, void (*on_done)(struct client *client));

#endif
