/* A non-blocking connection of the load generator to a loopback port, plain or TLS. */
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

/* Starts to connect, with a new TLS session if `tls` is not NULL. False with errno if the port refused at once. */
bool channel_open(struct channel *channel, uint16_t port, SSL_CTX *tls);

void channel_close(struct channel *channel);

/* Like writev() and read(): return bytes, or -1 with errno, which is EAGAIN if there is something to wait for. */
ssize_t channel_write(struct channel *channel, const struct iovec *parts, int count);
ssize_t channel_read(struct channel *channel, void *into, size_t room);

/* Whether a channel_write() that returned EAGAIN is waiting for room to write, and not for the other side to send
 * first. */
bool channel_waits_to_write(const struct channel *channel);

/* Whether bytes have arrived that epoll does not know of. */
bool channel_has_more(const struct channel *channel);

#endif
