#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "ssoferry/log.h"
#include "ssoferry/network.h"

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

/* A socket file that nobody answers on was left by a killed process. Without waiting: a listener that has stopped
 * accepting would keep us here, where no signal ends us, once its queue is full. */
static void remove_stale(const struct address *address, const union socket_address *where, socklen_t size)
{
    struct stat status;
    if (lstat(address->path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, &where->any, size) != 0 && errno == ECONNREFUSED)
        unlink(address->path);
    if (fd >= 0)
        close(fd);
}

/* How many bytes of a connection may wait unread in the kernel, which reserves twice this to cover its overhead. libh2o
 * reads everything that waits, and answers each request in it, before it turns to another connection. By default the
 * kernel would let several MiB wait, which is tens of thousands of requests. Half of this value would slow uploads
 * down. */
enum { WAITING_MAX = 64 * 1024 };

static bool limit_waiting(int fd)
{
    const int most = WAITING_MAX;
    return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &most, sizeof(most)) == 0;
}

static bool configure(int fd, const struct address *address)
{
    const int on = 1;
    if (address->family == ADDRESS_UNIX)
        return true;
    /* The default for dual stack differs between machines. Here [::] means IPv6 only, so 0.0.0.0 can be listened on
     * beside it. */
    if (address->family == ADDRESS_IPV6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
        return false;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 && limit_waiting(fd);
}

/* Whether the socket's path belongs to something that is not a socket. */
static bool is_other_file(const struct address *address)
{
    struct stat status;
    return address->family == ADDRESS_UNIX && lstat(address->path, &status) == 0 && !S_ISSOCK(status.st_mode);
}

static bool report(const struct address *address, struct error *error)
{
    int problem = errno;
    const char *advice =
        problem == EADDRINUSE && is_other_file(address)
            ? "; what is there is not a socket: choose another path, or remove it"
        : problem == EADDRINUSE ? "; stop what listens there or choose another address"
        : problem == EACCES
            ? "; choose a port over 1023, or give the program CAP_NET_BIND_SERVICE, or check the directory's owner"
        : problem == EADDRNOTAVAIL ? "; no interface of this machine has that address"
        : problem == ENOENT        ? "; make the directory first"
                                   : "";
    return error_set(error, ERROR_FAILED, "cannot listen on %s: %s%s", address->text, strerror(problem), advice);
}

static bool same_address(const union socket_address *a, const union socket_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_UNIX)
        return strcmp(a->un.sun_path, b->un.sun_path) == 0;
    if (a->any.sa_family == AF_INET)
        return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
    return a->in6.sin6_port == b->in6.sin6_port &&
           memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
}

/* Whether connections can be accepted from a socket that systemd passed; `*address` is what it listens on. */
static bool is_listening(int fd, union socket_address *address)
{
    socklen_t size = sizeof(*address);
    memset(address, 0, sizeof(*address));
    return getsockname(fd, &address->any, &size) == 0 && sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0;
}

/* The socket that systemd passed for this address, or -1. Still systemd's: duplicate it. */
static int find_passed(const union socket_address *where)
{
    int count = sd_listen_fds(0);
    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; ++fd) {
        union socket_address passed;
        if (is_listening(fd, &passed) && same_address(&passed, where))
            return fd;
    }
    return -1;
}

static bool is_for(const union socket_address *passed, const struct address *address)
{
    union socket_address where;
    to_socket_address(address, &where);
    return same_address(passed, &where);
}

static bool is_wanted(const union socket_address *passed, const struct config *config)
{
    bool wanted = config->admin != NULL && is_for(passed, config->admin);
    for (size_t i = 0; i < config->listen_count && !wanted; ++i)
        wanted = is_for(passed, &config->listen[i].address);
    return wanted;
}

/* As `listen` in the configuration would name it. */
static void format(int fd, const union socket_address *address, char *out, size_t size)
{
    char ip[IP_TEXT_SIZE];
    if (address->any.sa_family == AF_INET) {
        const struct ip v4 = ip_from_v4(&address->in.sin_addr);
        snprintf(out, size, "%.*s:%u", TEXT_ARGS(ip_format(&v4, ip)), ntohs(address->in.sin_port));
    } else if (address->any.sa_family == AF_INET6) {
        const struct ip v6 = ip_from_v6(&address->in6.sin6_addr);
        snprintf(out, size, "[%.*s]:%u", TEXT_ARGS(ip_format(&v6, ip)), ntohs(address->in6.sin6_port));
    } else if (address->any.sa_family == AF_UNIX && address->un.sun_path[0] != '\0') {
        snprintf(out, size, "unix:%.*s", (int)sizeof(address->un.sun_path), address->un.sun_path);
    } else {
        snprintf(out, size, "descriptor %d", fd);
    }
}

void listener_warn_of_unused(const struct config *config)
{
    int count = sd_listen_fds(0);
    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; ++fd) {
        union socket_address passed;
        char text[sizeof(passed.un.sun_path) + sizeof("unix:")];
        const bool good = is_listening(fd, &passed);
        format(fd, &passed, text, sizeof(text));
        if (!good)
            log_warning("systemd passed %s, which is no listening stream socket, so it is not used: it must be a "
                        "ListenStream without Accept=yes",
                        text);
        else if (!is_wanted(&passed, config))
            log_warning("systemd listens on %s and nothing here does, so whoever connects there gets no answer: name "
                        "it under listen, or take it out of the socket unit",
                        text);
    }
}

static int share(const struct address *address, int fd, struct error *error)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        report(address, error);
    return copy;
}

bool listener_is_taken(const struct address *address)
{
    const int on = 1;
    union socket_address where;
    socklen_t size = to_socket_address(address, &where);
    bool own = address->family == ADDRESS_UNIX || find_passed(&where) >= 0;
    int fd = own ? -1 : socket(where.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool set = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
               (address->family != ADDRESS_IPV6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0);
    bool taken = set && bind(fd, &where.any, size) != 0 && errno == EADDRINUSE;
    close(fd);
    return taken;
}

static int open_new(const struct address *address, const union socket_address *where, socklen_t size,
                    struct error *error)
{
    int fd = socket(where->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        report(address, error);
        return -1;
    }
    if (address->family == ADDRESS_UNIX)
        remove_stale(address, where, size);
    /* Everybody may connect to the socket. Not set by chmod(), which would follow a link put in its place. */
    mode_t mask = umask(address->family == ADDRESS_UNIX ? 0111 : 0);
    bool bound = configure(fd, address) && bind(fd, &where->any, size) == 0 && listen(fd, SOMAXCONN) == 0;
    umask(mask);
    if (!bound) {
        report(address, error);
        close(fd);
        return -1;
    }
    return fd;
}

int listener_open(const struct address *address, int first, struct error *error)
{
    union socket_address where;
    socklen_t size = to_socket_address(address, &where);
    int passed = find_passed(&where);
    if (passed >= 0) {
        if (address->family != ADDRESS_UNIX && !limit_waiting(passed))
            log_warning("cannot limit what waits unread on %s: %s", address->text, strerror(errno));
        return share(address, passed, error);
    }
    /* SO_REUSEPORT does not distribute connections among unix sockets. */
    if (first >= 0 && address->family == ADDRESS_UNIX)
        return share(address, first, error);
    return open_new(address, &where, size, error);
}

bool listener_is_passed(const struct address *address)
{
    union socket_address where;
    to_socket_address(address, &where);
    return find_passed(&where) >= 0;
}

bool listener_hush(const struct address *address, int fd)
{
    enum { TCP_FLAGS_OFFSET = 13, DROP = 0 };
    static struct sock_filter no_syn[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_OFFSET), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TH_SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, DROP), BPF_STMT(BPF_RET | BPF_K, UINT32_MAX), /* of any length */
    };
    static const struct sock_fprog program = {sizeof(no_syn) / sizeof(*no_syn), no_syn};
    return address->family == ADDRESS_UNIX || listener_is_passed(address) ||
           setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}
