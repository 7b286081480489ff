/* Three functions of the C library that libh2o calls for every request, for less time.
 *
 * The dynamic linker takes a program's function before the C library's of the same name (ELF lookup order), as with
 * head_parser.h. It does so for every library in the process, so each of these does what the C library's own does,
 * whatever it is called for; only what libh2o calls it for takes a shorter way. Like the parser of heads, they are
 * linked into ssoferryd, not into the library serve. Not in builds with a sanitizer, which has its own.
 *
 * In C they have other names, so that no source of ours calls them by mistake. */
#ifndef SSOFERRY_LIBC_CALLS_H
#define SSOFERRY_LIBC_CALLS_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* read(2) and writev(2). A socket's bytes are asked for with recvfrom(2), and given with sendto(2) or sendmsg(2), which
 * go through fewer layers of the kernel. For any other descriptor the kernel then says ENOTSOCK, and the call itself
 * follows. Neither is a cancellation point (pthreads(7)): nobody here cancels a thread, but as soon as there is a
 * second one, the C library prepares each of these calls for it. */
ssize_t libc_read(int fd, void *bytes, size_t size) __asm__("read");
ssize_t libc_writev(int fd, const struct iovec *pieces, int count) __asm__("writev");

/* sprintf(3) as code compiled with _FORTIFY_SOURCE calls it: `room` is the size of `out` in bytes, or SIZE_MAX where
 * the compiler did not know it; the program is ended if that is too small. The status line of an answer and the fields
 * that libh2o writes with it are put together directly. */
int libc_sprintf(char *out, int flag, size_t room, const char *format, ...) __asm__("__sprintf_chk");

#endif
