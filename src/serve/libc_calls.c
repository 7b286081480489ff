#include "ssoferry/libc_calls.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ssoferry/bytes.h"

ssize_t libc_read(int fd, void *bytes, size_t size)
{
    /* Of nothing, a socket gives nothing at once, where recvfrom() would wait. */
    if (size > 0) {
        int before = errno;
        ssize_t got = syscall(SYS_recvfrom, fd, bytes, size, 0, NULL, NULL);
        if (got >= 0 || errno != ENOTSOCK)
            return got;
        errno = before;
    }
    return syscall(SYS_read, fd, bytes, size);
}

static ssize_t send_pieces(int fd, const struct iovec *pieces, int count)
{
    if (count == 1)
        return syscall(SYS_sendto, fd, pieces->iov_base, pieces->iov_len, 0, NULL, 0);
    const struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    return syscall(SYS_sendmsg, fd, &message, 0);
}

ssize_t libc_writev(int fd, const struct iovec *pieces, int count)
{
    /* What follows from another number of pieces, writev() tells. */
    if (count > 0 && count <= IOV_MAX) {
        int before = errno;
        ssize_t sent = send_pieces(fd, pieces, count);
        if (sent >= 0 || errno != ENOTSOCK)
            return sent;
        errno = before;
    }
    return syscall(SYS_writev, fd, pieces, count);
}

/* -- sprintf() -- */

int libc_vsprintf(char *out, int flag, size_t room, const char *format, va_list arguments) __asm__("__vsprintf_chk");

static const char status_line[] = "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: %s\r\nContent-Length: %zu\r\n";

static inline char *put(char *at, const char *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

#define PUT(at, literal) put(at, literal, sizeof(literal) - 1)

static inline char *put_number(char *at, size_t number)
{
    char digits[BYTES_DECIMAL_MAX];
    const char *first = bytes_write_decimal(digits + sizeof(digits), number);
    return put(at, first, (size_t)(digits + sizeof(digits) - first));
}

/* The status is one to three digits long: libh2o checks that. */
static int put_status_line(char *out, va_list arguments)
{
    char *at = put_number(PUT(out, "HTTP/1.1 "), va_arg(arguments, unsigned));
    const char *reason = va_arg(arguments, const char *);
    at = put(PUT(at, " "), reason, strlen(reason));
    const char *date = va_arg(arguments, const char *);
    at = put(PUT(at, "\r\nDate: "), date, strlen(date));
    const char *connection = va_arg(arguments, const char *);
    at = put(PUT(at, "\r\nConnection: "), connection, strlen(connection));
    at = put_number(PUT(at, "\r\nContent-Length: "), va_arg(arguments, size_t));
    at = PUT(at, "\r\n");
    *at = '\0';
    return (int)(at - out);
}

int libc_sprintf(char *out, int flag, size_t room, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = room == SIZE_MAX && strcmp(format, status_line) == 0 ? put_status_line(out, arguments)
                                                                    : libc_vsprintf(out, flag, room, format, arguments);
    va_end(arguments);
    return size;
}
