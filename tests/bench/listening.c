#include "listening.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int listening_open(int argc, char **argv)
{
    const int on = 1;
    long port = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    if (port < 1 || port > UINT16_MAX) {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        exit(2);
    }
    signal(SIGPIPE, SIG_IGN);
    struct sockaddr_in where = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(fd, (struct sockaddr *)(void *)&where, sizeof(where)) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    perror(argv[0]);
    exit(EXIT_FAILURE);
}
