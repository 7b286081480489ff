/* A connection of the load generator's to a loopback port, plain or TLS, that never waits. */
#ifndef SSOFERRY_BENCH_CHANNEL_H
#define SSOFERRY_BENCH_CHANNEL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct channel {
    int fd; /* -1: closed */
    SSL *tls;
};

/* Begins to connect, with a new TLS session where `tls` is not NULL. Returns whether the port did not refuse at once;
 * errno says why. */
bool channel_open(struct channel *channel, uint16_t port, SSL_CTX *tls);

void channel_close(struct channel *channel);

/* As writev() and read(): bytes, or -1 with errno, which is EAGAIN where there is something to wait for. */
ssize_t channel_write(struct channel *channel, const struct iovec *parts, int count);
ssize_t channel_read(struct channel *channel, void *into, size_t room);

/* Whether a channel_write() that said EAGAIN waits for room to write, not for what the other side has to say first. */
bool channel_waits_to_write(const struct channel *channel);

/* Whether bytes have come that epoll does not know of. */
bool channel_has_more(const struct channel *channel);

#endif
