/* Session tickets (RFC 5077, RFC 8446 4.6.1): what a client presents to shorten its next handshake, encrypted with keys
 * known only to this process. All workers and listeners share them. */
#ifndef SSOFERRY_TLS_TICKETS_H
#define SSOFERRY_TLS_TICKETS_H

#include <openssl/ssl.h>

/* Tickets under the newest key and the two before it are accepted. With hourly rotation that is at least two hours. */
enum { TLS_TICKETS_KEYS = 3, TLS_TICKETS_ROTATE_MS = 3600 * 1000, TLS_TICKETS_LIFE_S = 2 * 3600 };

struct tls_tickets;

/* Creates tickets with a first key; never NULL. Ends the program if the system has no random numbers. */
struct tls_tickets *tls_tickets_new(void);

/* Call after freeing the last SSL_CTX that uses it. NULL is fine. */
void tls_tickets_free(struct tls_tickets *tickets);

/* Makes a new key for future tickets and forgets the oldest. Any thread may call it. */
void tls_tickets_rotate(struct tls_tickets *tickets);

/* Makes a context use these tickets, and keep no session on this side. Takes the context's app data. */
void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *context);

#endif
