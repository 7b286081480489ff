#include "peer.h"

#include <netinet/in.h>
#include <stdio.h>

#include "ssoferry/forwarded.h"

/* False if there is none: for a unix socket, or a connection that has been reset. */
static bool find_address(const struct client *client, struct ip *ip, uint16_t *port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_storage room;
    } from = {.any.sa_family = AF_UNSPEC};
    h2o_socket_getpeername(client->socket, &from.any);
    if (from.any.sa_family == AF_INET)
        *ip = ip_from_v4(&from.in.sin_addr);
    else if (from.any.sa_family == AF_INET6)
        *ip = ip_from_v6(&from.in6.sin6_addr);
    else
        return false;
    *port = ntohs(from.any.sa_family == AF_INET ? from.in.sin_port : from.in6.sin6_port);
    return true;
}

static bool is_by_unix(const struct client *client)
{
    return client->listener != NULL && client->listener->address.family == ADDRESS_UNIX;
}

struct text peer_name(struct client *client)
{
    char host[IP_TEXT_SIZE];
    struct ip ip;
    uint16_t port = 0;
    int size = (int)client->peer_size;
    if (size == 0 && find_address(client, &ip, &port)) {
        ip_format(&ip, host);
        size = snprintf(client->peer, sizeof(client->peer), ip_is_v4(&ip) ? "%s:%u" : "[%s]:%u", host, port);
    } else if (size == 0) {
        /* Stored as well: libh2o allocates memory for the answer, and would leak it if asked after the socket's end. */
        size = snprintf(client->peer, sizeof(client->peer), "%s", is_by_unix(client) ? "unix" : "unknown");
    }
    client->peer_size = (size_t)size;
    return text_slice(client->peer, client->peer_size);
}

bool peer_is_gone(const struct client *client)
{
    struct ip ip;
    uint16_t port = 0;
    return !is_by_unix(client) && !find_address(client, &ip, &port);
}

void peer_set(struct client *client, const struct ip *ip, uint16_t port)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&to.sin6_addr, ip->bytes, sizeof(to.sin6_addr));
    h2o_socket_setpeername(client->socket, (struct sockaddr *)&to, sizeof(to));
    client->peer_size = 0;
}

bool peer_is_trusted(const struct client *client)
{
    const struct config *config = worker_config(client->worker);
    struct ip ip;
    uint16_t port = 0;
    if (!find_address(client, &ip, &port))
        return config->trust_unix_proxies && client->listener->address.family == ADDRESS_UNIX;
    return network_any_holds(config->trusted_proxies, config->trusted_proxy_count, &ip);
}

struct text peer_forwarded_client(const struct client *client, const h2o_req_t *req, char out[IP_TEXT_SIZE])
{
    const struct config *config = worker_config(client->worker);
    struct forwarded forwarded = {.trusted = config->trusted_proxies, .trusted_count = config->trusted_proxy_count};
    bool more = (config->trusted_proxy_count > 0 || config->trust_unix_proxies) && peer_is_trusted(client);
    for (size_t i = req->headers.size; more && i > 0; --i) {
        const h2o_header_t *header = &req->headers.entries[i - 1];
        if (header->name == &H2O_TOKEN_X_FORWARDED_FOR->buf)
            more = forwarded_read(&forwarded, text_slice(header->value.base, header->value.len));
    }
    return forwarded.found ? ip_format(&forwarded.client, out) : (struct text){0};
}
