#include "written_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssoferry/memory.h"

static void hold_signals(sigset_t *before)
{
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    sigprocmask(SIG_BLOCK, &held, before);
}

static bool interrupted(const struct written_file *file)
{
    sigset_t pending;
    sigpending(&pending);
    (void)file;
    return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
           sigismember(&pending, SIGHUP) == 1;
}

bool written_file_open(struct written_file *file, const char *path, struct error *error)
{
    static const char suffix[] = ".XXXXXX";
    struct stat facts;
    if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode))
        return error_set(error, ERROR_FAILED,
                         "%s is not an ordinary file; to write to it, send the output there with >", path);

    file->path = path;
    file->temporary = memory_allocate(strlen(path) + sizeof(suffix));
    sprintf(file->temporary, "%s%s", path, suffix);
    hold_signals(&file->signals);
    int fd = mkstemp(file->temporary);
    file->stream = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file->stream != NULL) {
        mode_t mask = umask(0);
        umask(mask);
        if (fchmod(fd, 0666 & ~mask) == 0)
            return true;
    }
    error_set_errno(error, ERROR_FAILED, errno, "cannot write %s", path);
    if (file->stream != NULL)
        fclose(file->stream);
    else if (fd >= 0)
        close(fd);
    if (fd >= 0)
        unlink(file->temporary);
    sigprocmask(SIG_SETMASK, &file->signals, NULL);
    free(file->temporary);
    return false;
}

bool written_file_close(struct written_file *file, bool keep, struct error *error)
{
    bool written = !ferror(file->stream) && fflush(file->stream) == 0 && fsync(fileno(file->stream)) == 0;
    int errnum = errno;
    fclose(file->stream);
    bool placed = false;
    if (keep && written && !interrupted(file)) {
        placed = rename(file->temporary, file->path) == 0;
        errnum = errno;
    }
    if (!placed)
        unlink(file->temporary);
    if (!placed && keep)
        error_set_errno(error, ERROR_FAILED, errnum, "cannot write %s", file->path);
    free(file->temporary);
    sigprocmask(SIG_SETMASK, &file->signals, NULL); /* an interrupt that waited ends the program here */
    return placed;
}
