/* Floor for serving: the least a program can do for a request on Linux, one read and one write in an epoll loop. It
 * looks only for the end of the request's head and its Content-Length. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "constant_answer.h"
#include "listening.h"

enum { EVENTS_MAX = 256, HEAD_SIZE_MAX = 16 * 1024, BUFFER_SIZE = 64 * 1024, FDS_MAX = 65536 };

#define FIELD(name, value) name ": " value "\r\n"
static const char answer[] =
    "HTTP/1.1 307 Temporary Redirect\r\nDate: Sat, 21 Nov 2026 00:00:00 GMT\r\nConnection: keep-alive\r\n"
    "Content-Length: 0\r\n" CONSTANT_FIELDS(FIELD) "\r\n";

/* What a connection is waiting for; indexed by descriptor. */
struct waiting {
    size_t head; /* bytes of a head that is still incomplete */
    size_t body; /* bytes of the body still to come */
    char bytes[HEAD_SIZE_MAX];
};

static struct waiting *waitings[FDS_MAX];
static char buffer[BUFFER_SIZE];

static size_t content_length(const char *head, size_t size)
{
    static const char name[] = "\r\nContent-Length: ";
    const char *found = memmem(head, size, name, sizeof(name) - 1);
    return found == NULL ? 0 : strtoul(found + sizeof(name) - 1, NULL, 10);
}

/* Takes bytes of a request. True if the request is now complete. */
static bool take(struct waiting *waiting, const char *at, size_t size)
{
    if (waiting->body > 0) {
        waiting->body -= size < waiting->body ? size : waiting->body;
        return waiting->body == 0;
    }
    if (waiting->head > 0) {
        size = size < HEAD_SIZE_MAX - waiting->head ? size : HEAD_SIZE_MAX - waiting->head;
        memcpy(waiting->bytes + waiting->head, at, size);
        at = waiting->bytes;
        size += waiting->head;
    }
    const char *end = memmem(at, size, "\r\n\r\n", 4);
    if (end == NULL) {
        waiting->head = size < HEAD_SIZE_MAX ? size : HEAD_SIZE_MAX;
        memmove(waiting->bytes, at, waiting->head);
        return false;
    }
    size_t head = (size_t)(end - at) + 4;
    size_t body = content_length(at, head);
    waiting->head = 0;
    waiting->body = body > size - head ? body - (size - head) : 0;
    return waiting->body == 0;
}

static void accept_client(int loop, int listener)
{
    const int on = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (fd >= FDS_MAX || (waitings[fd] == NULL && (waitings[fd] = malloc(sizeof(struct waiting))) == NULL)) {
        close(fd);
        return;
    }
    waitings[fd]->head = 0;
    waitings[fd]->body = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
}

static void serve_client(int fd)
{
    ssize_t size = read(fd, buffer, sizeof(buffer));
    if (size <= 0) {
        close(fd);
        return;
    }
    if (take(waitings[fd], buffer, (size_t)size) &&
        write(fd, answer, sizeof(answer) - 1) != (ssize_t)sizeof(answer) - 1)
        close(fd);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_MAX];
    int listener = listening_open(argc, argv);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = listener}};
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(loop, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; ++i) {
            if (events[i].data.fd == listener)
                accept_client(loop, listener);
            else
                serve_client(events[i].data.fd);
        }
    }
}
