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

bool standard_files_finish(void)
{
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) != 0)
        failed = true;
    if (failed && errno != EPIPE)
        log_error("not all of the output could be written to standard output%s%s", errno != 0 ? ": " : "",
                  errno != 0 ? strerror(errno) : "");
    return !failed;
}
