#include "ssoferry/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Borrowed from the environment: lives until that changes. */
static const char *temporary_directory(void)
{
    const char *directory = getenv("TMPDIR");
    return directory != NULL && directory[0] != '\0' ? directory : "/tmp";
}

bool temporary_fail(int errnum, struct error *error)
{
    return error_set_errno(error, ERROR_FAILED, errnum,
                           "a temporary file in %s cannot be used (free space there, or set TMPDIR)",
                           temporary_directory());
}

/* For file systems without O_TMPFILE. */
static int open_and_unlink(void)
{
    char *path = NULL;
    if (asprintf(&path, "%s/ssoferry-XXXXXX", temporary_directory()) < 0)
        return -1;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    free(path);
    return fd;
}

bool temporary_open(FILE **file, struct error *error)
{
    int fd = open(temporary_directory(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        fd = open_and_unlink();
    if (fd < 0)
        return temporary_fail(errno, error);
    *file = fdopen(fd, "w+");
    if (*file != NULL)
        return true;
    int failed = errno;
    close(fd);
    return temporary_fail(failed, error);
}
