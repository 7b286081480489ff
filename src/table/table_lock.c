#include "table_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "table_file.h"

enum {
    READER_SIZE = 64, /* bytes; LMDB gives each a line of the processor's cache */
    LOOKS = 20,
};

/* Whether somebody else has a lock on the file's first byte; *holder becomes their process, 0 where that is unknown. */
static bool is_held(int fd, pid_t *holder)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    if (fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        return false;
    *holder = lock.l_pid > 0 ? lock.l_pid : 0;
    return true;
}

/* Opened and closed for each look: who closes any descriptor of a file loses all its process has locked of it. */
static bool is_in_use(const char *path, pid_t *user)
{
    char *lock = path_with(path, "-lock");
    int fd = open(lock, O_RDONLY | O_CLOEXEC);
    free(lock);
    bool used = fd >= 0 && is_held(fd, user);
    if (fd >= 0)
        close(fd);
    return used;
}

static bool refuse(const char *path, pid_t user, const char *what, struct error *error)
{
    char who[32] = "a program";
    if (user != 0)
        snprintf(who, sizeof who, "process %ld", (long)user);
    return error_set(error, ERROR_FAILED,
                     "%s: %s, and %s still has that open: put it back, or end every program that has it open (fuser "
                     "%s-lock) and try again",
                     path, what, who, path);
}

bool table_lock_is_free(const char *path, struct error *error)
{
    pid_t user = 0;
    return !is_in_use(path, &user) || access(path, F_OK) == 0 || /* or made meanwhile */
           refuse(path, user, "the file that stood here is gone", error);
}

/* Looks more than once: who ends lets go of the one after the other. */
static bool belong_together(const char *path, int fd, pid_t *user)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    pid_t holder;
    for (int look = 0; look < LOOKS; look++) {
        if (!is_in_use(path, user) || is_held(fd, &holder))
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

bool table_lock_hold(const char *path, int *fd, struct error *error)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    pid_t user = 0;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return true; /* LMDB cannot open it either, and finds out why */
    if (belong_together(path, *fd, &user)) {
        (void)fcntl(*fd, F_OFD_SETLK,
                    &lock); /* who comes to a file system without such locks finds none held, either */
        return true;
    }
    close(*fd);
    *fd = -1;
    return refuse(path, user, "another file stood here", error);
}

int table_lock_reserve(const char *path, unsigned max_readers)
{
    char *lock = path_with(path, "-lock");
    struct stat st;
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0660), code = 0;
    free(lock);
    if (fd < 0)
        return 0;
    const off_t page = sysconf(_SC_PAGESIZE), needed = (off_t)max_readers * READER_SIZE + page;
    if (fstat(fd, &st) == 0 && st.st_blocks * 512 < (st.st_size > 0 ? st.st_size : needed) &&
        fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, st.st_size > needed ? st.st_size : needed) != 0)
        code = errno;
    close(fd);
    return code == ENOSPC || code == EDQUOT ? code : 0;
}
