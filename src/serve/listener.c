#include "listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

union socket_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

static socklen_t to_socket_address(const struct address *address, union socket_address *out)
{
    memset(out, 0, sizeof(*out));
    switch (address->family) {
    case ADDRESS_IPV4:
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons(address->port);
        memcpy(&out->in.sin_addr, address->ip, sizeof(out->in.sin_addr));
        return sizeof(out->in);
    case ADDRESS_IPV6:
        out->in6.sin6_family = AF_INET6;
        out->in6.sin6_port = htons(address->port);
        memcpy(&out->in6.sin6_addr, address->ip, sizeof(out->in6.sin6_addr));
        return sizeof(out->in6);
    case ADDRESS_UNIX:
        break;
    }
    out->un.sun_family = AF_UNIX;
    strncpy(out->un.sun_path, address->path, sizeof(out->un.sun_path) - 1);
    return sizeof(out->un);
}

/* A socket file that nobody answers at was left by a process that was killed. */
static void remove_stale(const struct address *address, const union socket_address *where, socklen_t size)
{
    struct stat status;
    if (lstat(address->path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, &where->any, size) != 0 && errno == ECONNREFUSED)
        unlink(address->path);
    if (fd >= 0)
        close(fd);
}

static bool configure(int fd, const struct address *address)
{
    const int on = 1;
    if (address->family == ADDRESS_UNIX)
        return true;
    /* Dual stack differs between machines; [::] here means IPv6 only, and 0.0.0.0 can stand beside it. */
    if (address->family == ADDRESS_IPV6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
        return false;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0;
}

static bool report(const struct address *address, struct error *error)
{
    int problem = errno;
    const char *advice = problem == EADDRINUSE      ? "; stop what listens there or choose another address"
                         : problem == EACCES        ? "; choose a port over 1023, or give the program CAP_NET_BIND_SERVICE, or check the directory's owner"
                         : problem == EADDRNOTAVAIL ? "; no interface of this machine has that address"
                         : problem == ENOENT        ? "; make the directory first"
                                                    : "";
    return error_set(error, ERROR_FAILED, "cannot listen on %s: %s%s", address->text, strerror(problem), advice);
}

int listener_open(const struct address *address, struct error *error)
{
    union socket_address where;
    socklen_t size = to_socket_address(address, &where);
    int fd = socket(where.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        report(address, error);
        return -1;
    }
    if (address->family == ADDRESS_UNIX)
        remove_stale(address, &where, size);
    if (!configure(fd, address) || bind(fd, &where.any, size) != 0 || listen(fd, SOMAXCONN) != 0) {
        report(address, error);
        close(fd);
        return -1;
    }
    if (address->family == ADDRESS_UNIX)
        (void)chmod(address->path, 0666);
    return fd;
}

void listener_remove(const struct address *address)
{
    if (address->family == ADDRESS_UNIX)
        unlink(address->path);
}
