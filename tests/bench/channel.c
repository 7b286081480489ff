#include "channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

enum { GATHERED_MAX = 16 * 1024 };

bool channel_open(struct channel *channel, uint16_t port, SSL_CTX *tls)
{
    const int on = 1;
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    channel->tls = NULL;
    channel->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (channel->fd < 0)
        return false;
    if (connect(channel->fd, (struct sockaddr *)(void *)&where, sizeof(where)) != 0 && errno != EINPROGRESS) {
        int problem = errno;
        channel_close(channel);
        errno = problem;
        return false;
    }
    setsockopt(channel->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (tls != NULL) {
        channel->tls = SSL_new(tls);
        SSL_set_fd(channel->tls, channel->fd);
        SSL_set_connect_state(channel->tls);
    }
    return true;
}

void channel_close(struct channel *channel)
{
    if (channel->fd >= 0)
        close(channel->fd);
    SSL_free(channel->tls);
    channel->fd = -1;
    channel->tls = NULL;
}

/* Translates OpenSSL's result `done` into read()'s conventions. */
static ssize_t outcome(struct channel *channel, int done)
{
    if (done > 0)
        return done;
    int problem = SSL_get_error(channel->tls, done);
    if (problem == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = problem == SSL_ERROR_WANT_READ || problem == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return -1;
}

ssize_t channel_write(struct channel *channel, const struct iovec *parts, int count)
{
    static char gathered[GATHERED_MAX];
    size_t size = 0;
    if (channel->tls == NULL)
        return writev(channel->fd, parts, count);
    for (int i = 0; i < count && size < sizeof(gathered); ++i) {
        size_t taken = parts[i].iov_len < sizeof(gathered) - size ? parts[i].iov_len : sizeof(gathered) - size;
        memcpy(gathered + size, parts[i].iov_base, taken);
        size += taken;
    }
    ERR_clear_error();
    return outcome(channel, SSL_write(channel->tls, gathered, (int)size));
}

ssize_t channel_read(struct channel *channel, void *into, size_t room)
{
    if (channel->tls == NULL)
        return read(channel->fd, into, room);
    ERR_clear_error();
    return outcome(channel, SSL_read(channel->tls, into, (int)room));
}

bool channel_waits_to_write(const struct channel *channel)
{
    return channel->tls == NULL || !SSL_want_read(channel->tls);
}

bool channel_has_more(const struct channel *channel)
{
    return channel->tls != NULL && SSL_pending(channel->tls) > 0;
}
