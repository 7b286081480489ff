#include "client.h"

#include <unistd.h>

#include "places.h"

struct client *client_of(h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn)->on_close.data;
}

void client_keep_socket(struct client *client)
{
    if (client->linger_fd >= 0 || !places_take(client->worker))
        return;
    client->linger_fd = dup(h2o_socket_get_fd(client->socket));
    if (client->linger_fd < 0)
        places_leave(client->worker);
}
