/* One client's connection, from accept() until its socket is closed. Only the worker's thread uses it. */
#ifndef SSOFERRY_CLIENT_H
#define SSOFERRY_CLIENT_H

#include "worker_state.h"

struct client {
    struct worker *worker;
    h2o_socket_t *socket;
    const struct listener *listener;          /* NULL: the admin listener */
    h2o_linklist_t link;                      /* in the worker's `arriving`, later in its `arrived` */
    uint64_t accepted_at;                     /* monotonic milliseconds, like all times here but `stage` */
    struct tls_context *tls;                  /* the context used for its handshake; NULL: no TLS */
    void (*on_secure)(struct client *client); /* called after the handshake */
    bool greeted;                             /* the TLS handshake has begun */
    unsigned char alert;                      /* the alert its handshake failed with (RFC 8446 6.2); 0: none */
    unsigned key_updates;                     /* of TLS 1.3, which the client sent */
    int linger_fd;    /* a second descriptor of the socket, read until empty after h2o has closed its own; -1: none */
    uint64_t used_at; /* when the connection arrived or got its last request, or was last seen to have one */
    uint64_t seen_at; /* when libh2o got the connection, or last listed it */
    struct timeval stage; /* since when a request arrives or its answer is taken, by libh2o's clock, which may be set */
    uint64_t stage_us;    /* the same in monotonic microseconds */
    size_t written;       /* bytes of our answers, before encryption */
    uint64_t taken;       /* bytes that the client's machine had acknowledged when last checked during an answer */
    uint64_t taken_at;    /* when `taken` last changed */
    size_t answer_held;   /* bytes of its answer that held.h counts; 0: none */
    bool refused;         /* the last request was refused, and that has been logged */
    size_t peer_size;
    char peer[64]; /* "192.0.2.1:50000"; filled in on first use */
};

/* The client a request came from. */
struct client *client_of(h2o_req_t *req);

/* Microseconds since `begin`, which libh2o read off the machine's clock for a request that is now on the client's
 * connection; `now` is that clock's time. If a sweep noted `begin`, a clock that was set since then makes no
 * difference; otherwise it began after the last sweep that listed the connection, and is no older. */
uint64_t client_passed_us(const struct client *client, struct timeval begin, int64_t now);

/* Notes that the request arrives, or that its answer is taken, since `begin`. Call at every sweep. */
void client_note_stage(struct client *client, struct timeval begin);

/* Keeps a second descriptor of a client's socket, to be read until empty after libh2o has closed its own. It takes a
 * place like a client; if none is free, nothing is kept. */
void client_keep_socket(struct client *client);

#endif
