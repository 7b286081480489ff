#include "ssoferry/standard_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ssoferry/log.h"

void standard_files_hold(void)
{
    /* open() takes the lowest free number. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/", O_PATH);
    }
}

int standard_files_unshared(int fd)
{
    char path[32];
    if (!isatty(fd))
        return fd;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int opened = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    return opened >= 0 ? opened : fd;
}

/* What stdio drops when its buffer overflows takes the reason along: errno is another one's by the end. One more byte
 * tells it again, of a file that has a gap already. */
static bool flush_again(void)
{
    errno = 0;
    return putchar('\n') != EOF && fflush(stdout) == 0;
}

bool standard_files_finish(void)
{
    const bool failed = ferror(stdout) != 0;
    errno = 0;
    const bool flushed = fflush(stdout) == 0;
    if (flushed && !failed)
        return true;
    const int reason = flushed && flush_again() ? 0 : errno;
    if (reason != EPIPE)
        log_error("not all of the output could be written to standard output%s%s", reason != 0 ? ": " : "",
                  reason != 0 ? strerror(reason) : "");
    return false;
}
