/* Sends prepared requests over many connections, and reports how long the answers took. Uses one thread, and sends one
 * request at a time on each connection. With --rate, requests are due at fixed times whether or not earlier ones have
 * been answered, and a request's time counts from when it was due, so a stalling server cannot hide that by being asked
 * less. SIGTERM ends the run early; answers to what was sent are still awaited. With --unmeasured, the run starts with
 * a part of which only the number of answers is reported: when all its answers have arrived, the generator prints a
 * line, waits to read one, and then goes on with the next request over the same connections.
 *
 * Requests are read from a file of heads: 4 bytes of size, little-endian, then the bytes that differ between requests.
 * On the wire, each is followed by the tail, which is the same for all. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "generator.h"
#include "histogram.h"

enum { EVENTS_MAX = 256, CONNECTIONS_MAX = 10000, ANSWER_HEAD_MAX = 8192, GIVE_UP_SECONDS = 10, WINDOWS_MAX = 4096 };

struct slice {
    const char *at;
    size_t size;
};

struct client {
    struct channel channel;
    bool busy;
    bool waits_to_write;
    const char *head;
    size_t head_size;
    size_t sent;
    uint64_t due;       /* nanoseconds */
    size_t got;         /* bytes of the answer's head so far */
    uint64_t body_left; /* valid once the head is complete */
    bool in_body;
    char answer[ANSWER_HEAD_MAX];
};

struct options {
    uint16_t port;
    size_t connections;
    uint64_t requests; /* 0: no limit */
    double seconds;    /* 0: no limit */
    double rate;       /* requests a second; 0: as fast as answers come */
    unsigned status;   /* the status expected */
    bool reconnect;    /* use a new connection for each request */
    bool tls;
    bool tolerate;     /* count failed requests instead of ending */
    double window;     /* seconds; 0: none */
    double unmeasured; /* seconds before the measured part; 0: none */
};

/* Results of one stretch of the run; requests are assigned by when they were due. */
struct window {
    uint64_t failed;
    struct histogram times;
};

struct run {
    struct options options;
    struct slice heads, tail;
    size_t cursor; /* in the heads */
    int loop;
    struct client *clients;
    struct client **idle;
    size_t idle_count;
    uint64_t begin, end; /* nanoseconds; end 0: none */
    uint64_t heard;      /* when the last event came, or when nothing was awaited any more */
    uint64_t started, answered, unexpected, broken;
    uint64_t before; /* answers of the unmeasured part */
    uint64_t last;
    struct histogram times;
    struct window *windows;
    SSL_CTX *tls;
};

static volatile sig_atomic_t told_to_end;

static void on_signal(int signal)
{
    (void)signal;
    told_to_end = 1;
}

static struct slice map_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        generator_fail(path);
    size_t size = (size_t)status.st_size;
    if (size == 0) {
        close(fd);
        return (struct slice){"", 0};
    }
    void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED)
        generator_fail(path);
    close(fd);
    return (struct slice){at, size};
}

/* Whether the server accepted the connection attempt. */
static bool connect_client(struct run *run, struct client *client)
{
    if (!channel_open(&client->channel, run->options.port, run->tls)) {
        if (!run->options.tolerate)
            generator_fail("connect");
        return false;
    }
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = client}};
    if (epoll_ctl(run->loop, EPOLL_CTL_ADD, client->channel.fd, &event) != 0)
        generator_fail("epoll_ctl");
    client->waits_to_write = false;
    return true;
}

static void wait_to_write(struct run *run, struct client *client, bool wait)
{
    if (client->waits_to_write == wait)
        return;
    client->waits_to_write = wait;
    struct epoll_event event = {.events = wait ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.ptr = client}};
    epoll_ctl(run->loop, EPOLL_CTL_MOD, client->channel.fd, &event);
}

static void release(struct run *run, struct client *client)
{
    client->busy = false;
    run->idle[run->idle_count++] = client;
}

static struct window *window_of(struct run *run, const struct client *client)
{
    uint64_t number = (uint64_t)((double)(client->due - run->begin) / 1e9 / run->options.window);
    return &run->windows[number < WINDOWS_MAX ? number : WINDOWS_MAX - 1];
}

static void count_failure(struct run *run, const struct client *client)
{
    if (run->windows != NULL)
        ++window_of(run, client)->failed;
}

/* Called when the connection is of no more use. */
static void drop(struct run *run, struct client *client)
{
    channel_close(&client->channel);
    if (!client->busy)
        return;
    ++run->broken;
    count_failure(run, client);
    release(run, client);
}

static void send_rest(struct run *run, struct client *client)
{
    const size_t whole = client->head_size + run->tail.size;
    while (client->sent < whole) {
        struct iovec parts[2];
        int count = 0;
        if (client->sent < client->head_size)
            parts[count++] =
                (struct iovec){(void *)(uintptr_t)(client->head + client->sent), client->head_size - client->sent};
        size_t of_tail = client->sent > client->head_size ? client->sent - client->head_size : 0;
        if (of_tail < run->tail.size)
            parts[count++] = (struct iovec){(void *)(uintptr_t)(run->tail.at + of_tail), run->tail.size - of_tail};
        ssize_t written = channel_write(&client->channel, parts, count);
        if (written < 0 && errno == EAGAIN)
            break;
        if (written < 0) {
            drop(run, client);
            return;
        }
        client->sent += (size_t)written;
    }
    wait_to_write(run, client, client->sent < whole && channel_waits_to_write(&client->channel));
}

static void take_head(struct run *run, struct client *client)
{
    const unsigned char *at = (const unsigned char *)run->heads.at + run->cursor;
    client->head_size = (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
    client->head = (const char *)at + 4;
    run->cursor += 4 + client->head_size;
    if (run->cursor >= run->heads.size)
        run->cursor = 0;
}

static void start(struct run *run, uint64_t due)
{
    struct client *client = run->idle[--run->idle_count];
    take_head(run, client);
    client->busy = true;
    client->sent = 0;
    client->got = 0;
    client->in_body = false;
    client->due = due;
    ++run->started;
    if (client->channel.fd < 0 && !connect_client(run, client))
        drop(run, client);
    else
        send_rest(run, client);
}

/* The value of the answer's header field `name`, which includes its colon; NULL if the answer does not have it. */
static const char *field(const char *head, size_t size, const char *name)
{
    const size_t length = strlen(name);
    for (const char *line = head; line < head + size;) {
        const char *end = memchr(line, '\n', (size_t)(head + size - line));
        if (strncasecmp(line, name, length) == 0)
            return line + length + strspn(line + length, " ");
        line = end == NULL ? head + size : end + 1;
    }
    return NULL;
}

static unsigned status_of(const struct client *client)
{
    return (unsigned)strtoul(client->answer + sizeof("HTTP/1.1 ") - 1, NULL, 10);
}

/* Takes the `size` bytes read after the part of the head so far. True if the answer is complete. */
static bool take_answer(struct client *client, size_t size)
{
    if (!client->in_body) {
        client->got += size;
        client->answer[client->got] = '\0';
        const char *end = memmem(client->answer, client->got, "\r\n\r\n", 4);
        if (end == NULL)
            return false;
        size_t head = (size_t)(end - client->answer) + 4;
        const char *length = field(client->answer, head, "content-length:");
        client->in_body = true;
        client->body_left = length == NULL ? 0 : strtoull(length, NULL, 10);
        size = client->got - head;
        client->got = head;
    }
    client->body_left -= size < client->body_left ? size : client->body_left;
    return client->body_left == 0;
}

static void finish(struct run *run, struct client *client)
{
    const char *connection = field(client->answer, client->got, "connection:");
    run->last = generator_now();
    histogram_add(&run->times, run->last - client->due);
    if (run->windows != NULL)
        histogram_add(&window_of(run, client)->times, run->last - client->due);
    ++run->answered;
    if (status_of(client) != run->options.status) {
        ++run->unexpected;
        count_failure(run, client);
    }
    if (run->options.reconnect || (connection != NULL && strncasecmp(connection, "close", 5) == 0))
        channel_close(&client->channel);
    release(run, client);
}

static void receive(struct run *run, struct client *client)
{
    static char body[64 * 1024];
    do {
        char *into = client->in_body ? body : client->answer + client->got;
        size_t room = client->in_body ? sizeof(body) : sizeof(client->answer) - 1 - client->got;
        ssize_t size = channel_read(&client->channel, into, room);
        if (size < 0 && errno == EAGAIN)
            return;
        if (size <= 0 || !client->busy)
            drop(run, client);
        else if (take_answer(client, (size_t)size))
            finish(run, client);
    } while (client->busy && channel_has_more(&client->channel));
}

/* Whether further requests should be started at `time`. */
static bool wants_more(const struct run *run, uint64_t time)
{
    return (run->options.requests == 0 || run->started < run->options.requests) && (run->end == 0 || time < run->end) &&
           !told_to_end;
}

static void start_what_is_due(struct run *run)
{
    uint64_t time = generator_now();
    if (run->options.rate <= 0) {
        while (run->idle_count > 0 && wants_more(run, time))
            start(run, time);
        return;
    }
    while (run->idle_count > 0) {
        uint64_t due = run->begin + (uint64_t)((double)run->started * 1e9 / run->options.rate);
        if (due > time || !wants_more(run, time))
            return;
        start(run, due);
    }
}

static void serve(struct run *run, const struct epoll_event *event)
{
    struct client *client = event->data.ptr;
    const size_t whole = client->head_size + run->tail.size;
    if (client->channel.fd >= 0 && client->busy && client->sent < whole)
        send_rest(run, client);
    /* Reading during a TLS handshake could complete it, and the request would then wait for an event that has already
     * passed. */
    bool sending = client->busy && client->sent < whole && client->channel.tls != NULL;
    if (client->channel.fd >= 0 && !sending && (event->events & ~(uint32_t)EPOLLOUT) != 0)
        receive(run, client);
}

static void give_up(struct run *run)
{
    if (!run->options.tolerate) {
        fprintf(stderr, "bench_load: no answer for %d seconds\n", GIVE_UP_SECONDS);
        exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < run->options.connections; ++i) {
        if (run->clients[i].busy)
            drop(run, &run->clients[i]);
    }
}

/* Whether a connection is free for the next request, which is just not due yet. */
static bool may_start(const struct run *run, uint64_t time)
{
    return run->options.rate > 0 && run->idle_count > 0 && wants_more(run, time);
}

/* Polls for answers without ever sleeping. The end of a sleep is too coarse for the times at which requests are due.
 * Also, waking a sleeper costs the server up to 2 us per request, since on a loopback connection it does the waking;
 * with a fast server, that would measure how often the generator sleeps. Returns the number of events. */
static int wait_for_events(struct run *run, struct epoll_event *events)
{
    for (;;) {
        int count = epoll_wait(run->loop, events, EVENTS_MAX, 0);
        uint64_t time = generator_now();
        if (count > 0 || run->idle_count == run->options.connections) {
            run->heard = time;
            return count;
        }
        if (time > run->heard + (uint64_t)GIVE_UP_SECONDS * 1000000000) {
            give_up(run);
            run->heard = time;
            return 0;
        }
        if (may_start(run, time))
            return 0;
        sched_yield();
    }
}

static void run_all(struct run *run)
{
    struct epoll_event events[EVENTS_MAX];
    run->begin = generator_now();
    run->end = run->options.seconds > 0 ? run->begin + (uint64_t)(run->options.seconds * 1e9) : 0;
    run->last = run->heard = run->begin;
    for (;;) {
        start_what_is_due(run);
        if (!wants_more(run, generator_now()) && run->idle_count == run->options.connections)
            return;
        int count = wait_for_events(run, events);
        for (int i = 0; i < count; ++i)
            serve(run, &events[i]);
    }
}

/* Keeps the wrong answers of this part: they invalidate the run like any others. */
static void run_unmeasured(struct run *run)
{
    const double seconds = run->options.seconds;
    run->options.seconds = run->options.unmeasured;
    run_all(run);
    run->options.seconds = seconds;
    run->before = run->answered;
    run->started = run->answered = 0;
    memset(&run->times, 0, sizeof(run->times));
    puts("what follows counts");
    fflush(stdout);
    if (getchar() == EOF) {
        fputs("bench_load: nobody says when to go on\n", stderr);
        exit(EXIT_FAILURE);
    }
}

/* Requests that were due within the time but had no free connection: the server was asked for more than it can do. */
static uint64_t unsent(const struct run *run)
{
    uint64_t due = (uint64_t)(run->options.rate * run->options.seconds);
    return run->options.requests == 0 && !told_to_end && due > run->started + 1 ? due - run->started : 0;
}

/* For each: seconds since the begin, answers, failed requests, p50 and p99 in microseconds. */
static void print_windows(const struct run *run)
{
    size_t count = run->windows == NULL ? 0 : WINDOWS_MAX;
    while (count > 0 && run->windows[count - 1].times.total == 0 && run->windows[count - 1].failed == 0)
        --count;
    for (size_t i = 0; i < count; ++i) {
        const struct window *window = &run->windows[i];
        printf("%s[%.3f,%llu,%llu,%.1f,%.1f]", i > 0 ? "," : "", (double)i * run->options.window,
               (unsigned long long)window->times.total, (unsigned long long)window->failed,
               (double)histogram_quantile(&window->times, 0.5) / 1e3,
               (double)histogram_quantile(&window->times, 0.99) / 1e3);
    }
}

static void print(const struct run *run)
{
    const struct histogram *times = &run->times;
    printf("{\"before\":%llu,\"requests\":%llu,\"seconds\":%.6f,\"unexpected\":%llu,\"broken\":%llu,\"unsent\":%llu,"
           "\"us\":{\"p50\":%."
           "1f,\"p90\":%.1f,\"p99\":%.1f,"
           "\"p99.9\":%.1f,\"max\":%.1f},\"windows\":[",
           (unsigned long long)run->before, (unsigned long long)run->answered, (double)(run->last - run->begin) / 1e9,
           (unsigned long long)run->unexpected, (unsigned long long)run->broken, (unsigned long long)unsent(run),
           (double)histogram_quantile(times, 0.5) / 1e3, (double)histogram_quantile(times, 0.9) / 1e3,
           (double)histogram_quantile(times, 0.99) / 1e3, (double)histogram_quantile(times, 0.999) / 1e3,
           (double)times->largest / 1e3);
    print_windows(run);
    puts("]}");
}

static const char usage[] =
    "usage: bench_load --port PORT --heads FILE [--tail FILE] [--connections N] [--requests N] [--seconds S]\n"
    "                  [--rate PER_SECOND [--tolerate]] [--status CODE] [--reconnect] [--tls]\n"
    "                  [--windows SECONDS] [--unmeasured SECONDS]\n";

static const struct option names[] = {
    {"port", required_argument, NULL, 'p'},       {"heads", required_argument, NULL, 'h'},
    {"tail", required_argument, NULL, 't'},       {"connections", required_argument, NULL, 'c'},
    {"requests", required_argument, NULL, 'n'},   {"seconds", required_argument, NULL, 'd'},
    {"rate", required_argument, NULL, 'r'},       {"status", required_argument, NULL, 's'},
    {"reconnect", no_argument, NULL, 'o'},        {"tls", no_argument, NULL, 'e'},
    {"tolerate", no_argument, NULL, 'f'},         {"windows", required_argument, NULL, 'w'},
    {"unmeasured", required_argument, NULL, 'u'}, {NULL, 0, NULL, 0},
};

static void set_option(struct run *run, int name, const char *value)
{
    struct options *options = &run->options;
    switch (name) {
    case 'p':
        options->port = (uint16_t)strtoul(value, NULL, 10);
        break;
    case 'h':
        run->heads = map_file(value);
        break;
    case 't':
        run->tail = map_file(value);
        break;
    case 'c':
        options->connections = strtoul(value, NULL, 10);
        break;
    case 'n':
        options->requests = strtoull(value, NULL, 10);
        break;
    case 'd':
        options->seconds = strtod(value, NULL);
        break;
    case 'r':
        options->rate = strtod(value, NULL);
        break;
    case 's':
        options->status = (unsigned)strtoul(value, NULL, 10);
        break;
    case 'o':
        options->reconnect = true;
        break;
    case 'e':
        options->tls = true;
        break;
    case 'f':
        options->tolerate = true;
        break;
    case 'w':
        options->window = strtod(value, NULL);
        break;
    case 'u':
        options->unmeasured = strtod(value, NULL);
        break;
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

/* Each connection does its own handshake; the certificate is not verified. */
static SSL_CTX *tls_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        generator_fail("SSL_CTX_new");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

int main(int argc, char **argv)
{
    static struct run run = {.options = {.connections = 64, .status = 307}, .tail = {"", 0}};
    int name = 0;
    while ((name = getopt_long(argc, argv, "", names, NULL)) != -1)
        set_option(&run, name, optarg);
    const struct options *options = &run.options;
    if (optind < argc || options->port == 0 || run.heads.size == 0 || options->connections == 0 ||
        options->connections > CONNECTIONS_MAX || (options->requests == 0 && options->seconds <= 0) ||
        (options->tolerate && options->rate <= 0) || (options->window > 0 && options->unmeasured > 0)) {
        fputs(usage, stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_signal);
    if (options->tls)
        run.tls = tls_context();
    if (options->window > 0)
        run.windows = calloc(WINDOWS_MAX, sizeof(*run.windows));
    run.loop = epoll_create1(EPOLL_CLOEXEC);
    run.clients = calloc(options->connections, sizeof(*run.clients));
    run.idle = calloc(options->connections, sizeof(*run.idle));
    if (run.loop < 0 || run.clients == NULL || run.idle == NULL)
        generator_fail("bench_load");
    for (size_t i = 0; i < options->connections; ++i) {
        struct client *client = &run.clients[i];
        client->channel = (struct channel){.fd = -1, .tls = NULL};
        if (!options->reconnect)
            connect_client(&run, client);
        run.idle[run.idle_count++] = client;
    }
    if (options->unmeasured > 0)
        run_unmeasured(&run);
    run_all(&run);
    print(&run);
    return !options->tolerate && (run.broken > 0 || run.unexpected > 0) ? EXIT_FAILURE : EXIT_SUCCESS;
}
