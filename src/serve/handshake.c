#include "handshake.h"

#include <sys/socket.h>

#include <openssl/bio.h>

/* libh2o makes the SSL itself when the first bytes are there, and keeps it to itself. Its BIO knows the socket. */
static struct client *client_of_ssl(const SSL *ssl)
{
    BIO *bio = SSL_get_wbio(ssl);
    if (bio == NULL || strcmp(BIO_method_name(bio), "h2o_socket") != 0)
        return NULL;
    h2o_socket_t *socket = BIO_get_data(bio);
    return socket->on_close.data;
}

void handshake_observe(const SSL *ssl, int where, int value)
{
    struct client *client = (where & (SSL_CB_HANDSHAKE_START | SSL_CB_WRITE)) != 0 ? client_of_ssl(ssl) : NULL;
    if (client == NULL)
        return;
    if ((where & SSL_CB_HANDSHAKE_START) != 0)
        client->greeted = true;
    /* Until the client's first message is understood, alerts are sent in the clear. */
    OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);
    if ((where & SSL_CB_ALERT) != 0 && value >> 8 == SSL3_AL_FATAL &&
        (state == TLS_ST_BEFORE || state == TLS_ST_SR_CLNT_HELLO))
        client->alert = (unsigned char)value;
}

/* libh2o closes without the alert that OpenSSL has written for it, and the client would have to guess what was wrong:
 * its version, its protocols, no cipher in common. */
static void send_alert(const struct client *client)
{
    const unsigned char record[] = {SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_FATAL, client->alert};
    (void)!send(h2o_socket_get_fd(client->socket), record, sizeof(record), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void on_handshake(h2o_socket_t *socket, const char *problem)
{
    struct client *client = socket->on_close.data;
    if (problem == NULL) {
        metrics_event(client->worker->tools.metrics, METRICS_HANDSHAKES);
        client->on_secure(client);
        return;
    }
    /* A balancer's probe may connect and say nothing; one that hangs up is nobody's fault. */
    if (problem != h2o_socket_error_closed)
        metrics_event(client->worker->tools.metrics, METRICS_HANDSHAKES_FAILED);
    if (client->alert != 0)
        send_alert(client);
    h2o_socket_close(socket);
}

void handshake_begin(struct client *client, struct tls_context *context, void (*on_done)(struct client *client))
{
    client->tls = context;
    client->on_secure = on_done;
    h2o_socket_ssl_handshake(client->socket, tls_context_first(context), NULL, on_handshake);
}
