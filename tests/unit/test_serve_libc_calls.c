#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ssoferry/libc_calls.h"

/* The C library's own, or a sanitizer's. */
static void *other(const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    assert_non_null(symbol);
    return symbol;
}

static ssize_t other_read(int fd, void *bytes, size_t size)
{
    ssize_t (*call)(int, void *, size_t) = NULL;
    *(void **)&call = other("read");
    return call(fd, bytes, size);
}

static ssize_t other_writev(int fd, const struct iovec *pieces, int count)
{
    ssize_t (*call)(int, const struct iovec *, int) = NULL;
    *(void **)&call = other("writev");
    return call(fd, pieces, count);
}

/* What a call has returned. */
struct outcome {
    ssize_t size;
    int error;
};

static void assert_alike(struct outcome ours, struct outcome theirs)
{
    assert_int_equal(ours.size, theirs.size);
    assert_int_equal(ours.error, theirs.error);
}

/* Two descriptors; what is written to `in` can be read from `out`. */
struct channel {
    int in, out;
};

static struct channel make_pipe(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    return (struct channel){.in = ends[1], .out = ends[0]};
}

static struct channel make_socket(void)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    return (struct channel){.in = ends[0], .out = ends[1]};
}

static struct channel make_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    struct channel made = {.in = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(connect(made.in, (struct sockaddr *)&address, size), 0);
    made.out = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    assert_true(made.out >= 0);
    assert_int_equal(fcntl(made.in, F_SETFL, O_NONBLOCK), 0);
    close(listener);
    return made;
}

static void close_channel(struct channel channel)
{
    if (channel.in >= 0)
        close(channel.in);
    if (channel.out >= 0)
        close(channel.out);
}

/* Even over loopback, a busy kernel delivers a little later. */
static void wait_readable(int fd)
{
    enum { PATIENCE_MS = 20000 };
    struct pollfd readable = {fd, POLLIN, 0};
    assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
}

typedef struct channel make_channel(void);
static make_channel *const kinds[] = {make_pipe, make_socket, make_tcp};

/* -- reading -- */

typedef ssize_t read_call(int fd, void *bytes, size_t size);

static struct outcome read_by(read_call *call, int fd, char *bytes, size_t size)
{
    errno = 0;
    ssize_t got = call(fd, bytes, size);
    return (struct outcome){got, errno};
}

/* Each reads from a channel of its own, to which the same has been written. */
static void read_alike(make_channel *make, const char *text, size_t size, bool ended)
{
    char got[2][64] = {{0}};
    struct outcome outcomes[2][3];
    read_call *const calls[2] = {libc_read, other_read};
    for (size_t i = 0; i < 2; ++i) {
        struct channel channel = make();
        assert_int_equal(write(channel.in, text, strlen(text)), strlen(text));
        if (ended) {
            close(channel.in);
            channel.in = -1;
        }
        for (size_t n = 0; n < 3; ++n) {
            if (ended || n * size < strlen(text))
                wait_readable(channel.out);
            outcomes[i][n] = read_by(calls[i], channel.out, got[i] + n * 16, size);
        }
        close_channel(channel);
    }
    for (size_t n = 0; n < 3; ++n)
        assert_alike(outcomes[0][n], outcomes[1][n]);
    assert_memory_equal(got[0], got[1], sizeof(got[0]));
    if (size > 0)
        assert_int_equal(got[0][0], text[0]);
}

static void bytes_are_read_alike(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < COUNT_OF(kinds); ++kind) {
        for (size_t size = 0; size <= 16; ++size) {
            read_alike(kinds[kind], "0123456789", size, false);
            read_alike(kinds[kind], "0123456789", size, true);
            read_alike(kinds[kind], "", size, false); /* a socket is waited for, but not by who asks it for nothing */
            read_alike(kinds[kind], "", size, true);
        }
    }
}

static void a_file_is_read_alike(void **state)
{
    char name[] = "/tmp/test_serve_libc_calls.XXXXXX", ours[8] = "", theirs[8] = "";
    (void)state;
    int fd = mkstemp(name);
    assert_int_equal(pwrite(fd, "abcd", 4, 0), 4);
    assert_alike(read_by(libc_read, fd, ours, 3), (struct outcome){3, 0});
    assert_alike(read_by(other_read, fd, theirs, 3), (struct outcome){1, 0});
    assert_string_equal(ours, "abc");
    assert_string_equal(theirs, "d");
    assert_alike(read_by(libc_read, fd, ours, 3), (struct outcome){0, 0});
    close(fd);
    unlink(name);
}

static void what_cannot_be_read_is_told_alike(void **state)
{
    char byte;
    (void)state;
    int directory = open("/", O_RDONLY | O_DIRECTORY), path = open("/", O_PATH);
    int refused[] = {-1, directory, path, socket(AF_INET, SOCK_STREAM, 0)};
    const int errors[] = {EBADF, EISDIR, EBADF, ENOTCONN};
    for (size_t i = 0; i < COUNT_OF(refused); ++i) {
        assert_alike(read_by(libc_read, refused[i], &byte, 1), (struct outcome){-1, errors[i]});
        assert_alike(read_by(other_read, refused[i], &byte, 1), (struct outcome){-1, errors[i]});
        if (refused[i] >= 0)
            close(refused[i]);
    }
}

/* -- writing -- */

typedef ssize_t writev_call(int fd, const struct iovec *pieces, int count);

static struct outcome write_by(writev_call *call, int fd, const struct iovec *pieces, int count)
{
    errno = 0;
    ssize_t sent = call(fd, pieces, count);
    return (struct outcome){sent, errno};
}

static struct iovec piece(const char *text)
{
    return (struct iovec){(char *)text, strlen(text)};
}

static void write_alike(make_channel *make, const struct iovec *pieces, int count)
{
    char got[2][64] = {{0}};
    struct outcome outcomes[2];
    writev_call *const calls[2] = {libc_writev, other_writev};
    for (size_t i = 0; i < 2; ++i) {
        struct channel channel = make();
        outcomes[i] = write_by(calls[i], channel.in, pieces, count);
        if (outcomes[i].size > 0)
            wait_readable(channel.out);
        (void)other_read(channel.out, got[i], sizeof(got[i]) - 1);
        close_channel(channel);
    }
    assert_alike(outcomes[0], outcomes[1]);
    assert_string_equal(got[0], got[1]);
}

static void pieces_are_written_alike(void **state)
{
    const struct iovec pieces[] = {piece("HTTP/1.1 307"), piece(""), piece("\r\n"), piece("Location: /\r\n\r\n")};
    (void)state;
    for (size_t kind = 0; kind < COUNT_OF(kinds); ++kind)
        for (int count = -1; count <= (int)COUNT_OF(pieces); ++count)
            for (size_t first = 0; first == 0 || first + (size_t)count <= COUNT_OF(pieces); ++first) {
                write_alike(kinds[kind], pieces + first, count);
                if (count <= 0)
                    break;
            }
}

static void too_many_pieces_are_refused_alike(void **state)
{
    static struct iovec pieces[IOV_MAX + 1];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pieces); ++i)
        pieces[i] = (struct iovec){"", 0};
    pieces[0] = piece("a");
    for (size_t kind = 0; kind < COUNT_OF(kinds); ++kind) {
        write_alike(kinds[kind], pieces, IOV_MAX);
        write_alike(kinds[kind], pieces, IOV_MAX + 1);
    }
}

/* How much a channel takes until it is full, and the error then. */
static struct outcome filled_by(writev_call *call, struct channel channel)
{
    static char much[100000];
    const struct iovec pieces[] = {{much, sizeof(much)}, {much, 7}};
    struct outcome outcome = {0, 0};
    ssize_t sum = 0;
    for (int i = 0; i < 1000 && outcome.size >= 0; ++i) {
        outcome = write_by(call, channel.in, pieces, 1 + i % 2);
        sum += outcome.size > 0 ? outcome.size : 0;
    }
    assert_true(sum > 0);
    return (struct outcome){sum, outcome.error};
}

static void a_full_channel_is_told_alike(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < COUNT_OF(kinds); ++kind) {
        struct channel ours = kinds[kind](), theirs = kinds[kind]();
        struct outcome filled[2] = {filled_by(libc_writev, ours), filled_by(other_writev, theirs)};
        assert_int_equal(filled[0].error, EAGAIN);
        assert_int_equal(filled[1].error, EAGAIN);
        if (kinds[kind] != make_tcp) /* how much the kernel takes of that depends on the moment */
            assert_int_equal(filled[0].size, filled[1].size);
        close_channel(ours);
        close_channel(theirs);
    }
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    ++signals;
}

static void a_closed_channel_is_told_alike(void **state)
{
    const struct iovec pieces[] = {piece("a"), piece("b")};
    (void)state;
    signal(SIGPIPE, on_signal);
    for (size_t kind = 0; kind < 2; ++kind) {
        for (int count = 1; count <= 2; ++count) {
            struct channel channel = kinds[kind]();
            close(channel.out);
            channel.out = -1;
            signals = 0;
            assert_alike(write_by(libc_writev, channel.in, pieces, count), (struct outcome){-1, EPIPE});
            assert_alike(write_by(other_writev, channel.in, pieces, count), (struct outcome){-1, EPIPE});
            assert_int_equal(signals, 2);
            close_channel(channel);
        }
    }
    signal(SIGPIPE, SIG_DFL);
    assert_alike(write_by(libc_writev, -1, pieces, 1), (struct outcome){-1, EBADF});
    assert_alike(write_by(libc_writev, -1, pieces, 2), (struct outcome){-1, EBADF});
}

/* -- sprintf() -- */

#define STATUS_LINE "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: %s\r\nContent-Length: %zu\r\n"

static void assert_printed(int size, const char *ours, const char *expected)
{
    assert_string_equal(ours, expected);
    assert_int_equal(size, strlen(expected));
}

static void status_lines_are_printed_alike(void **state)
{
    static const char *const reasons[] = {"", "OK", "Temporary Redirect", "Request Entity Too Large"};
    static const char *const connections[] = {"close", "keep-alive", "Upgrade"};
    const size_t lengths[] = {0, 1, 9, 10, 99, 100, 12345, 4294967296, SIZE_MAX - 1, SIZE_MAX};
    const char date[] = "Mon, 23 Nov 2026 01:02:03 GMT";
    (void)state;
    for (int status = 0; status <= 999; ++status) {
        const char *reason = reasons[status % 4], *connection = connections[status % 3];
        size_t length = lengths[status % 10];
        char ours[256], theirs[256];
        memset(ours, 'x', sizeof(ours));
        int size = libc_sprintf(ours, 1, SIZE_MAX, STATUS_LINE, status, reason, date, connection, length);
        (void)snprintf(theirs, sizeof(theirs), STATUS_LINE, status, reason, date, connection, length);
        assert_printed(size, ours, theirs);
    }
}

static void other_lines_are_printed_alike(void **state)
{
    char line[128];
    (void)state;
    assert_printed(libc_sprintf(line, 1, SIZE_MAX, "Server: %s\r\n", "ssoferry"), line, "Server: ssoferry\r\n");
    assert_printed(libc_sprintf(line, 1, SIZE_MAX, "%d.%u.%c %5.2f%%", -1, 4000000000U, 'x', 0.125), line,
                   "-1.4000000000.x  0.12%");
    assert_printed(libc_sprintf(line, 1, sizeof(line), STATUS_LINE, 200, "OK", "now", "close", (size_t)7), line,
                   "HTTP/1.1 200 OK\r\nDate: now\r\nConnection: close\r\nContent-Length: 7\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_read_alike),
        cmocka_unit_test(a_file_is_read_alike),
        cmocka_unit_test(what_cannot_be_read_is_told_alike),
        cmocka_unit_test(pieces_are_written_alike),
        cmocka_unit_test(too_many_pieces_are_refused_alike),
        cmocka_unit_test(a_full_channel_is_told_alike),
        cmocka_unit_test(a_closed_channel_is_told_alike),
        cmocka_unit_test(status_lines_are_printed_alike),
        cmocka_unit_test(other_lines_are_printed_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
