#include "ssoferry/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum {
    LINE_SIZE = 2048,   /* less than PIPE_BUF */
    NAME_SIZE_MAX = 32, /* of the program's name, which execve() can set to anything */
};

/* Global because the descriptor is. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int out = STDERR_FILENO;
static bool waits = true;
static bool torn; /* a terminal took only the beginning of a line */
static unsigned long long lost;

static bool is_taken(void)
{
    struct pollfd descriptor = {out, POLLOUT, 0};
    return waits || poll(&descriptor, 1, 0) != 0;
}

/* False if it would have to wait. Other errors are ignored: if stderr is gone, there is nobody to tell. */
static bool write_bytes(const char *at, size_t size)
{
    ssize_t written = write(out, at, size);
    bool taken = written < 0 ? errno != EAGAIN : (size_t)written == size;
    torn = !taken && (torn || written > 0);
    return taken;
}

/* Reports the lost lines before the first one that is not lost. */
static void tell_lost(void)
{
    char line[128 + NAME_SIZE_MAX];
    int size = snprintf(
        line, sizeof(line), "%s%.*s: warning: %llu line%s lost here: whatever reads standard error had stopped\n",
        torn ? "\n" : "", NAME_SIZE_MAX, program_invocation_short_name, lost, lost == 1 ? " was" : "s were");
    if (write_bytes(line, (size_t)size))
        lost = 0;
}

static void put(const char *line, size_t size)
{
    pthread_mutex_lock(&mutex);
    if (lost > 0 && is_taken())
        tell_lost();
    if (lost > 0 || !is_taken() || !write_bytes(line, size))
        ++lost;
    pthread_mutex_unlock(&mutex);
}

void log_never_wait(int fd)
{
    pthread_mutex_lock(&mutex);
    out = fd;
    waits = false;
    pthread_mutex_unlock(&mutex);
}

void log_hold(void)
{
    pthread_mutex_lock(&mutex);
}

void log_release(void)
{
    pthread_mutex_unlock(&mutex);
}

void log_lines(struct text lines)
{
    while (lines.size > 0) {
        size_t end = text_find(lines, '\n', 0), size = end < lines.size ? end + 1 : end;
        size = size < LINE_SIZE ? size : LINE_SIZE;
        put(lines.at, size);
        lines = text_from(lines, size);
    }
}

__attribute__((format(printf, 2, 0))) static void write_line(const char *prefix, const char *format, va_list arguments)
{
    char message[LINE_SIZE], line[LINE_SIZE];
    const int begun =
        snprintf(message, sizeof(message), "%.*s: %s", NAME_SIZE_MAX, program_invocation_short_name, prefix);
    vsnprintf(message + begun, sizeof(message) - (size_t)begun, format, arguments);
    size_t size = text_show(text_of(message), line, sizeof(line) - 1);
    line[size++] = '\n';
    put(line, size);
}

void log_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("error: ", format, arguments);
    va_end(arguments);
}

void log_warning(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("warning: ", format, arguments);
    va_end(arguments);
}

void log_info(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("", format, arguments);
    va_end(arguments);
}
