/* What a listener shakes hands with: its certificates, and how. Made once, never changed, shared by all threads; a
 * connection holds the one it began with, so that another can take its place meanwhile. */
#ifndef SSOFERRY_TLS_CONTEXT_H
#define SSOFERRY_TLS_CONTEXT_H

#include "ssoferry/tls_tickets.h"
#include "tls_certificate.h"

struct tls_context;

/* Reads the certificates of a listener that has some. What is wrong goes to the report; with an error in it NULL is
 * returned. `tickets` has to outlive it. The caller holds one reference. */
struct tls_context *tls_context_read(const struct listener *listener, struct tls_tickets *tickets,
                                     const struct tls_report *report);

/* Another reference to it, and giving one back; NULL is fine. Any thread may. */
struct tls_context *tls_context_hold(struct tls_context *context);
void tls_context_release(struct tls_context *context);

/* For a server's handshakes. The one with the first certificate: the host that the client names chooses among them. */
SSL_CTX *tls_context_first(const struct tls_context *context);

/* Facts of certificate `i` of as many as the listener has. */
const struct tls_facts *tls_context_facts(const struct tls_context *context, size_t i);

#endif
