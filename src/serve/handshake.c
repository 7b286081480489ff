#include "handshake.h"

#include "tls_alert.h"

static void on_handshake(h2o_socket_t *socket, const char *problem)
{
    struct client *client = socket->on_close.data;
    if (problem == NULL) {
        metrics_event(client->worker->tools.metrics, METRICS_HANDSHAKES);
        client->on_secure(client);
        return;
    }
    /* A balancer's probe may connect and say nothing. Hanging up, even with a reset as HAProxy does, is not counted as
     * a failure. */
    if (problem != h2o_socket_error_closed && problem != h2o_socket_error_io)
        metrics_event(client->worker->tools.metrics, METRICS_HANDSHAKES_FAILED);
    tls_alert_send(client);
    h2o_socket_close(socket);
}

void handshake_begin(struct client *client, struct tls_context *context, void (*on_done)(struct client *client))
{
    client->tls = context;
    client->on_secure = on_done;
    h2o_socket_ssl_handshake(client->socket, tls_context_first(context), NULL, on_handshake);
}
