/* The TLS handshake of a newly arrived client. */
#ifndef SSOFERRY_HANDSHAKE_H
#define SSOFERRY_HANDSHAKE_H

#include "client.h"
#include "tls_context.h"

/* Does the handshake on the client's socket, from which only the start of the handshake may have been read so far.
 * Takes over the reference to `context`; the client releases it. Calls `on_done` once the connection is secure; if the
 * handshake fails, the client is closed. */
void handshake_begin(struct client *client, struct tls_context *context, void (*on_done)(struct client *client));

#endif
