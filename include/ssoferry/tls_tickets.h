/* Session tickets (RFC 5077, RFC 8446 4.6.1): what a client brings back to shorten its next handshake, encrypted with
 * keys that only this process knows. All workers and listeners share them. */
#ifndef SSOFERRY_TLS_TICKETS_H
#define SSOFERRY_TLS_TICKETS_H

#include <openssl/ssl.h>

/* Tickets of the newest key and the two before it are accepted. Rotated every hour, that is two hours at least. */
enum { TLS_TICKETS_KEYS = 3, TLS_TICKETS_ROTATE_MS = 3600 * 1000, TLS_TICKETS_LIFE_S = 2 * 3600 };

struct tls_tickets;

/* With a first key; never NULL. Ends the program where the system has no random numbers. */
struct tls_tickets *tls_tickets_new(void);

/* After the last SSL_CTX that uses it. NULL is fine. */
void tls_tickets_free(struct tls_tickets *tickets);

/* Makes a new key for tickets to come, and forgets the oldest. Any thread may call it. */
void tls_tickets_rotate(struct tls_tickets *tickets);

/* Has a context's tickets made and read by `tickets`, and nothing kept of a session on this side. Takes the context's
 * app data. */
void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *context);

#endif
