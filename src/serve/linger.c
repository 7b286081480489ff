#include "linger.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "ssoferry/clock.h"
#include "ssoferry/memory.h"

struct lingering {
    h2o_linklist_t link;
    h2o_socket_t *socket;
    struct linger_list *list;
    uint64_t ends_at;
};

void linger_init(struct linger_list *list, atomic_size_t *clients)
{
    h2o_linklist_init_anchor(&list->anchor);
    list->count = 0;
    list->clients = clients;
}

static void end(struct lingering *lingering)
{
    h2o_linklist_unlink(&lingering->link);
    --lingering->list->count;
    atomic_fetch_sub(lingering->list->clients, 1);
    h2o_socket_close(lingering->socket);
    free(lingering);
}

static void on_input(h2o_socket_t *socket, const char *problem)
{
    struct lingering *lingering = socket->data;
    if (problem != NULL)
        end(lingering);
    else
        h2o_buffer_consume(&socket->input, socket->input->size);
}

void linger_begin(struct linger_list *list, h2o_loop_t *loop, int fd)
{
    struct lingering *lingering = memory_zeroed(1, sizeof(*lingering));
    shutdown(fd, SHUT_WR);
    lingering->socket = h2o_evloop_socket_create(loop, fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);
    lingering->socket->data = lingering;
    lingering->list = list;
    lingering->ends_at = clock_monotonic_ms() + LINGER_MS;
    h2o_linklist_insert(&list->anchor, &lingering->link);
    ++list->count;
    h2o_socket_read_start(lingering->socket, on_input);
}

void linger_sweep(struct linger_list *list, uint64_t now)
{
    h2o_linklist_t *node = list->anchor.next;
    while (node != &list->anchor) {
        struct lingering *lingering = H2O_STRUCT_FROM_MEMBER(struct lingering, link, node);
        node = node->next;
        if (lingering->ends_at <= now)
            end(lingering);
    }
}
