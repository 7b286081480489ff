#include "written_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssoferry/memory.h"

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
enum { ENDING = sizeof(ending) / sizeof(ending[0]) };

/* One that is ignored, as under nohup(1), is left out: blocked, it would be pending all the same. */
static void hold_signals(sigset_t *before)
{
    sigset_t held;
    struct sigaction action;
    sigemptyset(&held);
    for (int i = 0; i < ENDING; ++i) {
        if (sigaction(ending[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&held, ending[i]);
    }
    sigprocmask(SIG_BLOCK, &held, before);
}

bool written_file_interrupted(void)
{
    sigset_t pending;
    sigpending(&pending);
    for (int i = 0; i < ENDING; ++i) {
        if (sigismember(&pending, ending[i]) == 1)
            return true;
    }
    return false;
}

/* Resolves links in a path; the caller frees the result. NULL if the target has no name: it does not exist, or it is a
 * link in /proc/self/fd (as /dev/stdout is) to something that was never a file or has been deleted. */
static char *end_of(const char *path)
{
    struct stat facts;
    return lstat(path, &facts) == 0 && S_ISLNK(facts.st_mode) ? realpath(path, NULL) : memory_string(text_of(path));
}

static bool is_output(const struct stat *facts)
{
    struct stat output;
    return fstat(STDOUT_FILENO, &output) == 0 && output.st_dev == facts->st_dev && output.st_ino == facts->st_ino;
}

static bool make(struct written_file *file, mode_t mode)
{
    static const char suffix[] = ".XXXXXX";
    file->temporary = memory_allocate(strlen(file->path) + sizeof(suffix));
    sprintf(file->temporary, "%s%s", file->path, suffix);
    int fd = mkstemp(file->temporary);
    file->stream = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file->stream != NULL && fchmod(fd, mode) == 0)
        return true;
    int errnum = errno;
    if (file->stream != NULL)
        fclose(file->stream);
    else if (fd >= 0)
        close(fd);
    if (fd >= 0)
        unlink(file->temporary);
    errno = errnum;
    return false;
}

static void release(struct written_file *file)
{
    free(file->temporary);
    free(file->path);
    sigprocmask(SIG_SETMASK, &file->signals, NULL); /* a pending interrupt ends the program here */
}

static bool fail(const char *path, int errnum, struct error *error)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
        return error_set(error, ERROR_FAILED,
                         "cannot write %s: its directory does not exist: make it (mkdir -p), or name a file elsewhere",
                         path);
    case EACCES:
    case EPERM:
    case EROFS:
        return error_set(error, ERROR_FAILED,
                         "cannot write %s: %s: make its directory writable for this user, or name a file elsewhere",
                         path, strerror(errnum));
    default:
        return error_set_errno(error, ERROR_FAILED, errnum, "cannot write %s", path);
    }
}

bool written_file_open(struct written_file *file, const char *path, const char *model, struct error *error)
{
    struct stat facts;
    bool there = stat(path, &facts) == 0;
    *file = (struct written_file){.path = end_of(path)};
    if (!there && file->path == NULL)
        return error_set(error, ERROR_FAILED, "%s is a link to nothing: remove it, or name another file", path);
    if (there && (file->path == NULL || !S_ISREG(facts.st_mode) || is_output(&facts))) {
        free(file->path);
        return error_set(error, ERROR_FAILED, "%s is %s", path,
                         S_ISREG(facts.st_mode) && is_output(&facts)
                             ? "where the output goes already, and would be overwritten: leave out -o"
                         : S_ISDIR(facts.st_mode)
                             ? "a directory: name a file in it"
                             : "not an ordinary file; to write to it, send the output there with >");
    }
    mode_t mode = there || stat(model, &facts) == 0 ? facts.st_mode & 0777 : 0600;
    hold_signals(&file->signals);
    if (make(file, mode))
        return true;
    fail(path, errno, error);
    release(file);
    return false;
}

bool written_file_close(struct written_file *file, bool keep, struct error *error)
{
    const bool wanted = keep && !written_file_interrupted();
    const bool written =
        wanted && !ferror(file->stream) && fflush(file->stream) == 0 && fsync(fileno(file->stream)) == 0;
    int errnum = errno;
    fclose(file->stream);
    bool placed = false;
    if (written && !written_file_interrupted()) {
        placed = rename(file->temporary, file->path) == 0;
        errnum = errno;
    }
    if (!placed)
        unlink(file->temporary);
    if (!placed && keep)
        fail(file->path, errnum, error);
    release(file);
    return placed;
}
