#include "written_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

/* Reads the link at `path`: *target, to be freed, is the path that it names, or NULL if no link is there. Goes by a
 * descriptor, so that the one whose maker is looked at is the one that is read. */
static bool read_link(const char *path, char **target, struct error *error)
{
    char name[PATH_MAX];
    struct stat facts;
    *target = NULL;
    const int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return true;
    const bool is_link = fstat(fd, &facts) == 0 && S_ISLNK(facts.st_mode);
    const ssize_t size = is_link ? readlinkat(fd, "", name, sizeof(name)) : -1;
    close(fd);
    if (size < 0)
        return true;
    if (facts.st_uid != geteuid() && facts.st_uid != 0) /* a trap, where others may write in the directory */
        return error_set(error, ERROR_FAILED, "%s is a link that user id %u made: remove it, or name another file",
                         path, (unsigned)facts.st_uid);
    const struct text directory = text_directory(path);
    const size_t room = directory.size + (size_t)size + sizeof("/");
    *target = memory_allocate(room);
    if (name[0] == '/')
        snprintf(*target, room, "%.*s", (int)size, name);
    else
        snprintf(*target, room, "%.*s/%.*s", TEXT_ARGS(directory), (int)size, name);
    return true;
}

/* Follows links at the end of a path. *end, to be freed, is NULL if the last one leads to nothing: to no file, round in
 * a circle, or, in /proc/self/fd (as /dev/stdout does), to something that was never a file or has been deleted. */
static bool find_end(const char *path, char **end, struct error *error)
{
    enum { LINKS_MAX = 40 }; /* the kernel's */
    char *target = NULL;
    bool is_link = false;
    *end = memory_string(text_of(path));
    for (int links = 0; links < LINKS_MAX; ++links) {
        const bool read = read_link(*end, &target, error);
        if (read && target == NULL && (!is_link || access(*end, F_OK) == 0))
            return true;
        free(*end);
        *end = target;
        if (!read || target == NULL)
            return read;
        is_link = true;
    }
    free(*end);
    *end = NULL;
    return true;
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
    *file = (struct written_file){.path = NULL};
    if (!find_end(path, &file->path, error))
        return false;
    bool there = stat(file->path != NULL ? file->path : path, &facts) == 0;
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
