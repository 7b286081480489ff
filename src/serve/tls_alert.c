#include "tls_alert.h"

#include <sys/socket.h>

#include <openssl/bio.h>

enum { KEY_UPDATES_MAX = 32 };

/* libh2o creates the SSL when the first bytes arrive, and does not expose it. The SSL's BIO points to the socket. */
static struct client *client_behind(const SSL *ssl)
{
    BIO *bio = SSL_get_wbio(ssl);
    if (bio == NULL || strcmp(BIO_method_name(bio), "h2o_socket") != 0)
        return NULL;
    h2o_socket_t *socket = BIO_get_data(bio);
    return socket->on_close.data;
}

void tls_alert_observe(const SSL *ssl, int where, int value)
{
    bool update = where == SSL_CB_ACCEPT_LOOP && SSL_get_state(ssl) == TLS_ST_SR_KEY_UPDATE;
    struct client *client =
        update || (where & (SSL_CB_HANDSHAKE_START | SSL_CB_ALERT)) != 0 ? client_behind(ssl) : NULL;
    if (client == NULL)
        return;
    /* OpenSSL takes any number, and derives keys for each. No client has reason to change its keys for the little that
     * is sent here. */
    if (update && ++client->key_updates > KEY_UPDATES_MAX) {
        SSL_set_shutdown((SSL *)ssl, SSL_RECEIVED_SHUTDOWN); /* SSL_read() then reads no more */
        shutdown(h2o_socket_get_fd(client->socket), SHUT_RD);
    }
    /* libh2o takes it for the beginning of a request, and would wait for that. */
    if (where == SSL_CB_READ_ALERT && (value & 0xff) == SSL_AD_CLOSE_NOTIFY)
        shutdown(h2o_socket_get_fd(client->socket), SHUT_RD);
    if ((where & SSL_CB_HANDSHAKE_START) != 0)
        client->greeted = true;
    /* Until the client's first message has been understood, alerts are sent unencrypted. */
    OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);
    if (where == SSL_CB_WRITE_ALERT && value >> 8 == SSL3_AL_FATAL &&
        (state == TLS_ST_BEFORE || state == TLS_ST_SR_CLNT_HELLO))
        client->alert = (unsigned char)value;
}

void tls_alert_send(const struct client *client)
{
    if (client->alert == 0)
        return;
    const unsigned char record[] = {SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_FATAL, client->alert};
    (void)!send(h2o_socket_get_fd(client->socket), record, sizeof(record), MSG_DONTWAIT | MSG_NOSIGNAL);
}
