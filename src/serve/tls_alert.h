/* What libh2o does not reveal about TLS: to us, that a handshake has begun, and that the client will send no more; and
 * to the client, the alert that its handshake failed with. */
#ifndef SSOFERRY_TLS_ALERT_H
#define SSOFERRY_TLS_ALERT_H

#include <openssl/ssl.h>

#include "client.h"

/* Callback that records this in the client of each SSL; see SSL_CTX_set_info_callback(3). After a close_notify nothing
 * more is read, as after a FIN (RFC 8446, 6.1): what has come is answered, and the connection ends. */
void tls_alert_observe(const SSL *ssl, int where, int value);

/* Sends the recorded alert, if there is one. libh2o closes without sending the alert that OpenSSL wrote, and the client
 * would have to guess what went wrong: the version, the protocol, or no common cipher. */
void tls_alert_send(const struct client *client);

#endif
