/* Requests known rows of a table at a steady pace, and checks every answer. Each connection has its own blocking
 * thread, plain or TLS, and is kept open or made anew for each request. It is for proofs, whereas load.c is for
 * measuring: it sleeps between requests, survives a failed one, and counts it.
 *
 * Row N is called uN, N in 12 hexadecimal digits; its Location has to be one of the --expect prefixes followed by those
 * digits. A kept connection found closed between two requests is replaced. A request that was sent and got no answer
 * has failed. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "generator.h"
#include "histogram.h"

enum {
    CONNECTIONS_MAX = 1000,
    EXPECTED_MAX = 4,
    BODY_SIZE = 2000,
    REQUEST_MAX = BODY_SIZE + 512,
    ANSWER_MAX = 16 * 1024,
    TIMEOUT_SECONDS = 20,
    TOLD_MAX = 10,
};

struct options {
    uint16_t port;
    unsigned connections;
    uint64_t rows;
    double seconds;
    double rate;           /* requests a second, over all connections; 0: as fast as answers come */
    bool fresh;            /* use a new connection for each request */
    const char *authority; /* the CA whose certificates are trusted; NULL: plain */
    const char *expected[EXPECTED_MAX];
    size_t expected_count;
};

struct asker {
    const struct options *options;
    SSL_CTX *tls;
    atomic_uint *told;
    pthread_t thread;
    unsigned number;
    uint64_t state; /* of the random number generator */
    int fd;         /* -1: not connected */
    SSL *ssl;
    uint64_t requests, failed, wrong, connects, closed_between;
    struct histogram times;
    char request[REQUEST_MAX];
    char answer[ANSWER_MAX];
};

static void sleep_until(uint64_t when)
{
    const struct timespec time = {(time_t)(when / 1000000000U), (long)(when % 1000000000U)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
        ;
}

/* The first few failures are reported in full. */
static void tell(struct asker *asker, const char *format, ...)
{
    if (atomic_fetch_add(asker->told, 1) >= TOLD_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    flockfile(stderr);
    fprintf(stderr, "bench_steady: request %" PRIu64 " of connection %u: ", asker->requests, asker->number);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(arguments);
}

/* -- connections -- */

static void disconnect(struct asker *asker)
{
    SSL_free(asker->ssl);
    if (asker->fd >= 0)
        close(asker->fd);
    asker->ssl = NULL;
    asker->fd = -1;
}

static bool shake_hands(struct asker *asker)
{
    asker->ssl = SSL_new(asker->tls);
    SSL_set_fd(asker->ssl, asker->fd);
    SSL_set_tlsext_host_name(asker->ssl, "localhost");
    SSL_set1_host(asker->ssl, "localhost");
    if (SSL_connect(asker->ssl) == 1)
        return true;
    tell(asker, "no TLS: %s, %s", ERR_error_string(ERR_get_error(), NULL),
         X509_verify_cert_error_string(SSL_get_verify_result(asker->ssl)));
    return false;
}

static bool connect_to(struct asker *asker)
{
    const int on = 1;
    const struct timeval timeout = {TIMEOUT_SECONDS, 0};
    struct sockaddr_in where = {
        .sin_family = AF_INET, .sin_port = htons(asker->options->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    asker->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (asker->fd < 0)
        generator_fail("socket");
    setsockopt(asker->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(asker->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(asker->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    ++asker->connects;
    if (connect(asker->fd, (struct sockaddr *)(void *)&where, sizeof(where)) != 0) {
        tell(asker, "cannot connect: %s", strerror(errno));
        return false;
    }
    return asker->tls == NULL || shake_hands(asker);
}

/* Something to read between two requests is either the end or a session ticket. */
static bool was_closed(struct asker *asker)
{
    struct pollfd poll_fd = {.fd = asker->fd, .events = POLLIN};
    char byte;
    if (poll(&poll_fd, 1, 0) == 0)
        return false;
    if (asker->ssl == NULL)
        return true;
    fcntl(asker->fd, F_SETFL, O_NONBLOCK);
    int got = SSL_peek(asker->ssl, &byte, 1);
    bool open = got <= 0 && SSL_get_error(asker->ssl, got) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    fcntl(asker->fd, F_SETFL, 0);
    return !open;
}

static bool send_all(struct asker *asker, const char *data, size_t size)
{
    if (asker->ssl != NULL)
        return SSL_write(asker->ssl, data, (int)size) == (int)size;
    while (size > 0) {
        ssize_t sent = send(asker->fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

static ssize_t receive(struct asker *asker, char *into, size_t room)
{
    return asker->ssl != NULL ? SSL_read(asker->ssl, into, (int)room) : recv(asker->fd, into, room, 0);
}

/* -- answers -- */

/* The value of the field in the answer's head, with its length in *size; NULL if it is missing. */
static const char *find_field(const char *head, const char *name, size_t *size)
{
    size_t name_size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, name_size) == 0 && strncmp(line + 2 + name_size, ": ", 2) == 0) {
            const char *value = line + 2 + name_size + 2;
            *size = strcspn(value, "\r\n");
            return value;
        }
    }
    return NULL;
}

static bool says(const char *head, const char *name, const char *value)
{
    size_t size = 0;
    const char *found = find_field(head, name, &size);
    return found != NULL && size == strlen(value) && memcmp(found, value, size) == 0;
}

/* Reads a redirect, which has no body. False if none came. */
static bool read_answer(struct asker *asker)
{
    size_t got = 0;
    while (got < ANSWER_MAX - 1) {
        ssize_t size = receive(asker, asker->answer + got, ANSWER_MAX - 1 - got);
        if (size <= 0) {
            tell(asker, "no answer after %zu bytes of it: %s", got, size == 0 ? "closed" : strerror(errno));
            return false;
        }
        got += (size_t)size;
        asker->answer[got] = '\0';
        if (strstr(asker->answer, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static bool is_right(const struct asker *asker, uint64_t row)
{
    size_t size = 0;
    const char *location = find_field(asker->answer, "location", &size);
    if (strncmp(asker->answer, "HTTP/1.1 307 ", 13) != 0 || location == NULL)
        return false;
    for (size_t i = 0; i < asker->options->expected_count; ++i) {
        char expected[512];
        int length = snprintf(expected, sizeof(expected), "%s%012" PRIx64, asker->options->expected[i], row);
        if ((size_t)length == size && memcmp(location, expected, size) == 0)
            return true;
    }
    return false;
}

/* -- requests -- */

static uint64_t next_row(struct asker *asker)
{
    asker->state = asker->state * 6364136223846793005U + 1442695040888963407U;
    return (asker->state >> 20) % asker->options->rows;
}

static size_t write_request(struct asker *asker, uint64_t row)
{
    int head = snprintf(asker->request, REQUEST_MAX,
                        "POST /old-sso/u%012" PRIx64 " HTTP/1.1\r\nHost: localhost\r\n"
                        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n",
                        row, BODY_SIZE);
    memset(asker->request + head, 'A', BODY_SIZE);
    memcpy(asker->request + head, "SAMLResponse=", 13);
    return (size_t)head + BODY_SIZE;
}

/* Whether the connection can be used for another request. */
static bool ask(struct asker *asker)
{
    uint64_t row = next_row(asker);
    size_t size = write_request(asker, row);
    if (asker->fd >= 0 && was_closed(asker)) {
        ++asker->closed_between;
        disconnect(asker);
    }
    ++asker->requests;
    if ((asker->fd < 0 && !connect_to(asker)) || !send_all(asker, asker->request, size) || !read_answer(asker)) {
        ++asker->failed;
        return false;
    }
    if (!is_right(asker, row)) {
        tell(asker, "asked for u%012" PRIx64 ", got %.*s", row, 600, asker->answer);
        ++asker->wrong;
        return false;
    }
    return !asker->options->fresh && !says(asker->answer, "connection", "close");
}

/* A request's time counts from when it was due, so a stalling server cannot hide that by being asked less. */
static void *run(void *argument)
{
    struct asker *asker = argument;
    const struct options *options = asker->options;
    const double rate = options->rate / options->connections;
    const uint64_t begin = generator_now();
    const uint64_t end = begin + (uint64_t)(options->seconds * 1e9);
    for (;;) {
        uint64_t due = generator_now();
        if (rate > 0) {
            due = begin +
                  (uint64_t)(((double)asker->requests + (double)asker->number / options->connections) * 1e9 / rate);
            sleep_until(due < end ? due : end);
        }
        if (due >= end)
            break;
        bool goes_on = ask(asker);
        histogram_add(&asker->times, generator_now() - due);
        if (!goes_on)
            disconnect(asker);
    }
    disconnect(asker);
    return NULL;
}

static void add_up(struct asker *sum, const struct asker *asker)
{
    sum->requests += asker->requests;
    sum->failed += asker->failed;
    sum->wrong += asker->wrong;
    sum->connects += asker->connects;
    sum->closed_between += asker->closed_between;
    histogram_merge(&sum->times, &asker->times);
}

static void print(const struct asker *sum, double seconds)
{
    const struct histogram *times = &sum->times;
    printf("{\"requests\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"connects\":%" PRIu64
           ",\"closed_between\":%" PRIu64
           ",\"seconds\":%.3f,\"us\":{\"p50\":%.1f,\"p99\":%.1f,\"p99.9\":%.1f,\"max\":%.1f}}\n",
           sum->requests, sum->failed, sum->wrong, sum->connects, sum->closed_between, seconds,
           (double)histogram_quantile(times, 0.5) / 1e3, (double)histogram_quantile(times, 0.99) / 1e3,
           (double)histogram_quantile(times, 0.999) / 1e3, (double)times->largest / 1e3);
}

static SSL_CTX *open_tls(const char *authority)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || SSL_CTX_load_verify_locations(tls, authority, NULL) != 1) {
        fprintf(stderr, "bench_steady: %s: %s\n", authority, ERR_error_string(ERR_get_error(), NULL));
        exit(EXIT_FAILURE);
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    return tls;
}

static const char usage[] =
    "usage: bench_steady --port PORT --rows N --expect PREFIX ... --seconds S [--connections N] [--rate PER_SECOND]\n"
    "                    [--fresh] [--tls AUTHORITY]\n";

static const struct option names[] = {
    {"port", required_argument, NULL, 'p'},
    {"rows", required_argument, NULL, 'n'},
    {"expect", required_argument, NULL, 'e'},
    {"connections", required_argument, NULL, 'c'},
    {"seconds", required_argument, NULL, 'd'},
    {"rate", required_argument, NULL, 'r'},
    {"fresh", no_argument, NULL, 'f'},
    {"tls", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
};

static bool set_option(struct options *options, int name, const char *value)
{
    switch (name) {
    case 'p':
        options->port = (uint16_t)strtoul(value, NULL, 10);
        return true;
    case 'n':
        options->rows = strtoull(value, NULL, 10);
        return true;
    case 'e':
        if (options->expected_count == EXPECTED_MAX)
            return false;
        options->expected[options->expected_count++] = value;
        return true;
    case 'c':
        options->connections = (unsigned)strtoul(value, NULL, 10);
        return true;
    case 'd':
        options->seconds = strtod(value, NULL);
        return true;
    case 'r':
        options->rate = strtod(value, NULL);
        return true;
    case 'f':
        options->fresh = true;
        return true;
    case 't':
        options->authority = value;
        return true;
    default:
        return false;
    }
}

static struct asker *start(const struct options *options, SSL_CTX *tls, atomic_uint *told)
{
    struct asker *askers = calloc(options->connections, sizeof(*askers));
    if (askers == NULL)
        generator_fail("bench_steady");
    for (unsigned i = 0; i < options->connections; ++i) {
        askers[i] = (struct asker){.options = options, .tls = tls, .told = told, .number = i, .fd = -1};
        askers[i].state = generator_now() ^ (uint64_t)i << 32;
        if ((errno = pthread_create(&askers[i].thread, NULL, run, &askers[i])) != 0)
            generator_fail("bench_steady");
    }
    return askers;
}

int main(int argc, char **argv)
{
    struct options options = {.connections = 8};
    static struct asker sum;
    atomic_uint told = 0;
    bool good = true;
    int name = 0;
    while ((name = getopt_long(argc, argv, "", names, NULL)) != -1)
        good = set_option(&options, name, optarg) && good;
    if (!good || optind < argc || options.port == 0 || options.rows == 0 || options.expected_count == 0 ||
        options.seconds <= 0 || options.connections == 0 || options.connections > CONNECTIONS_MAX) {
        fputs(usage, stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *tls = options.authority == NULL ? NULL : open_tls(options.authority);
    uint64_t begin = generator_now();
    struct asker *askers = start(&options, tls, &told);
    for (unsigned i = 0; i < options.connections; ++i) {
        pthread_join(askers[i].thread, NULL);
        add_up(&sum, &askers[i]);
    }
    print(&sum, (double)(generator_now() - begin) / 1e9);
    SSL_CTX_free(tls);
    free(askers);
    return EXIT_SUCCESS;
}
