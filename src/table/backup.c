/* Copies a table while it is in use. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"
#include "table_file.h"

/* LMDB uses a transaction of its own for the copy, so the map may turn out to have grown. If the copy cannot even
 * start, *error says why. */
static int copy_to(struct table *table, int fd, struct error *error)
{
    int code = MDB_MAP_RESIZED;
    for (int tries = 0; tries < FOLLOW_TRIES && code == MDB_MAP_RESIZED; tries++) {
        MDB_txn *txn = NULL;
        if (!store_begin(table, MDB_RDONLY, &txn, error)) /* keeps the map in place meanwhile */
            return MDB_MAP_RESIZED;
        code = ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0 ? errno : 0;
        if (code == 0)
            code = mdb_env_copyfd2(table->env, fd, MDB_CP_COMPACT);
        mdb_txn_abort(txn);
        store_done(table);
    }
    return code;
}

/* The copy names the same customers as the table, so it gets the table's permissions whatever the umask, even while it
 * is being written. */
static int share_as(const struct table *table, int fd)
{
    struct stat st;
    return stat(table->path, &st) != 0 || fchmod(fd, st.st_mode & 0777) != 0 ? errno : 0;
}

struct copy {
    int fd;
    const char *temporary; /* its name; NULL: unnamed, so nothing is left if this process is killed */
};

/* Opens an unnamed file, which can be named later through /proc. Not every file system supports that. */
static int copy_open(struct copy *copy, const char *path, const char *temporary)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%.*s", TEXT_ARGS(text_directory(path)));
    *copy = (struct copy){-1, NULL};
    if (access("/proc/self/fd", X_OK) == 0)
        copy->fd = open(parent, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
    if (copy->fd >= 0)
        return 0;
    copy->fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    copy->temporary = copy->fd >= 0 ? temporary : NULL;
    return copy->fd >= 0 ? 0 : errno;
}

static int copy_place(struct copy *copy, const char *path)
{
    char name[64];
    int code = 0;
    if (copy->temporary != NULL) {
        code = table_file_place(copy->temporary, path);
        copy->temporary = code == 0 ? NULL : copy->temporary;
        return code;
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", copy->fd);
    return linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0 ? errno : 0;
}

/* Removes the copy if it did not get to its place. */
static int copy_close(struct copy *copy)
{
    int code = copy->fd >= 0 && close(copy->fd) != 0 ? errno : 0;
    if (copy->temporary != NULL)
        unlink(copy->temporary);
    return code;
}

/* Leaves nothing behind on failure. */
static int make_and_place(struct table *table, const char *temporary, const char *path, struct error *error)
{
    struct copy copy;
    bool placed = false;
    int code = copy_open(&copy, path, temporary);
    if (code == 0)
        code = copy_to(table, copy.fd, error);
    if (code == MDB_SUCCESS)
        code = share_as(table, copy.fd);
    if (code == 0 && fsync(copy.fd) != 0)
        code = errno;
    if (code == 0) {
        code = copy_place(&copy, path);
        placed = code == 0;
    }
    const int closed = copy_close(&copy);
    if (code == 0)
        code = closed;
    if (code == 0)
        code = table_file_settle(path);
    if (code != 0 && placed)
        unlink(path);
    return code;
}

bool table_backup(struct table *table, const char *path, struct error *error)
{
    struct stat st;
    if (lstat(path, &st) == 0)
        return error_set(error, ERROR_FAILED, "%s: the file exists already: remove it, or name another", path);
    if (table_file_look(path, error) == TABLE_FILE_UNFIT)
        return false;
    char *temporary = path_beside(path);
    error->kind = ERROR_NONE;
    int code = make_and_place(table, temporary, path, error);
    free(temporary);
    if (error->kind != ERROR_NONE)
        return false;
    if (code == EEXIST)
        return error_set(error, ERROR_FAILED, "%s: the file exists already: name another", path);
    /* LMDB starts a thread to copy; elsewhere this code is about its readers. */
    if (code == EAGAIN)
        return error_set(error, ERROR_FAILED,
                         "%s: cannot write the backup: no thread can be started: raise the limit on threads (ulimit "
                         "-u, TasksMax=), or try again",
                         path);
    if (code == EACCES || code == EPERM)
        return error_set(error, ERROR_FAILED,
                         "%s: cannot write the backup: %s: make its directory writable for this user, or name a file "
                         "elsewhere",
                         path, strerror(code));
    return code == MDB_SUCCESS || store_fail(path, code, "write the backup", error);
}
