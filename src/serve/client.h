/* One client's connection, from accept() until its socket is closed. */
#ifndef SSOFERRY_CLIENT_H
#define SSOFERRY_CLIENT_H

#include "worker_state.h"

struct client {
    struct worker *worker;
    h2o_socket_t *socket;
    const struct listener *listener;          /* NULL: the admin listener */
    h2o_linklist_t link;                      /* in the worker's `arriving`, then in its `arrived` */
    int64_t accepted_at;                      /* microseconds UTC */
    struct tls_context *tls;                  /* what it shook hands with; NULL: plain */
    void (*on_secure)(struct client *client); /* what follows a handshake */
    bool greeted;                             /* its handshake has begun */
    unsigned char alert;                      /* what its handshake failed by (RFC 8446 6.2); 0: nothing to tell */
    int linger_fd;     /* a second descriptor of the socket, to be read out after h2o has closed its own; -1: none */
    uint64_t used_at;  /* milliseconds of the loop's clock: when it came, or its last request did */
    uint64_t seen_at;  /* the same clock: when libh2o was given it, or was last seen to have it */
    size_t written;    /* bytes of our answers, above TLS */
    uint64_t taken;    /* bytes that its machine had acknowledged when it was last seen to be sent an answer */
    uint64_t taken_at; /* the loop's clock: since when it has been no more */
    bool refused;      /* the last request, and that has been logged */
    size_t peer_size;
    char peer[64]; /* "192.0.2.1:50000"; made when first asked for */
};

/* The client of a request. */
struct client *client_of(h2o_req_t *req);

/* Keeps a second descriptor of a client's socket, to be read out after libh2o has closed its own. It takes a place as a
 * client does; where there is none, it is not kept. */
void client_keep_socket(struct client *client);

#endif
