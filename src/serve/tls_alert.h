/* What libh2o does not tell of a handshake, nor its client: that it has begun, and the alert that it fails by. */
#ifndef SSOFERRY_TLS_ALERT_H
#define SSOFERRY_TLS_ALERT_H

#include <openssl/ssl.h>

#include "client.h"

/* Notes it in the client of each SSL; see SSL_CTX_set_info_callback(3). */
void tls_alert_observe(const SSL *ssl, int where, int value);

/* Sends what was noted, if anything was. libh2o closes without the alert that OpenSSL has written for it, and the
 * client would have to guess what was wrong: its version, its protocols, no cipher in common. */
void tls_alert_send(const struct client *client);

#endif
