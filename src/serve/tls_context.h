/* A listener's certificates and TLS settings. Never changed once made, and shared by all threads. Each connection keeps
 * the context it began with, so a listener's context can be replaced at any time. */
#ifndef SSOFERRY_TLS_CONTEXT_H
#define SSOFERRY_TLS_CONTEXT_H

#include "ssoferry/tls_tickets.h"
#include "tls_certificate.h"

struct tls_context;

/* Reads the certificates of a listener that has some. Faults go to the report; returns NULL if there is an error among
 * them. `tickets` must outlive the context. The caller holds one reference. */
struct tls_context *tls_context_read(const struct listener *listener, struct tls_tickets *tickets,
                                     const struct tls_report *report);

/* Adds a reference and returns the context; releases one. NULL is fine. Any thread may call these. */
struct tls_context *tls_context_hold(struct tls_context *context);
void tls_context_release(struct tls_context *context);

/* The SSL_CTX of the first certificate, to start handshakes with: the server name that the client sends then chooses
 * among the certificates. Lives as long as the context. */
SSL_CTX *tls_context_first(const struct tls_context *context);

/* Whether a certificate of the listener is valid for this host name or IP address, which has no port and no brackets.
 */
bool tls_context_serves(const struct tls_context *context, const char *name);

/* Facts about the listener's certificate `i`. Live as long as the context. */
const struct tls_facts *tls_context_facts(const struct tls_context *context, size_t i);

#endif
