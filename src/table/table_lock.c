#include "table_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ssoferry/lock_file.h"
#include "store.h"
#include "table_file.h"

enum { LOOKS = 10 };

/* Of the lock file LMDB locks the first byte, and that of each reader's process number. */
static const off_t our_byte = (off_t)1 << 40;

/* -- locks -- */

/* Whether somebody else has a lock on that byte; *holder becomes their process, 0 where that is unknown. */
static bool is_held(int fd, off_t byte, pid_t *holder)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    if (fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        return false;
    *holder = lock.l_pid > 0 ? lock.l_pid : 0;
    return true;
}

/* A file system without such locks has none to be found, either. */
static void hold(int fd)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = our_byte, .l_len = 1};
    (void)fcntl(fd, F_OFD_SETLK, &lock);
}

/* Whether one of us has the lock file in use, and a process that does. */
static bool is_in_use(const char *path, pid_t *user)
{
    pid_t unknown;
    char *lock = path_with(path, "-lock");
    int fd = open(lock, O_RDONLY | O_CLOEXEC);
    free(lock);
    bool used = fd >= 0 && is_held(fd, our_byte, &unknown);
    if (used && !is_held(fd, 0, user))
        *user = 0;
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
static bool belong_together(const char *path, int data, pid_t *user)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    pid_t holder;
    for (int look = 0; look < LOOKS; look++) {
        if (!is_in_use(path, user) || is_held(data, our_byte, &holder))
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* -- holding -- */

bool table_lock_hold(struct table_lock *held, const char *path, unsigned max_readers, struct error *error)
{
    pid_t user = 0;
    *held = (struct table_lock){open(path, O_RDONLY | O_CLOEXEC), -1};
    if (held->data < 0)
        return true;
    if (!belong_together(path, held->data, &user)) {
        table_lock_release(held);
        return refuse(path, user, "another file stood here", error);
    }
    hold(held->data);
    int code = lock_file_open(path, max_readers, &held->lock);
    if (held->lock >= 0)
        hold(held->lock);
    if (code == 0)
        return true;
    table_lock_release(held);
    return store_fail(path, code, "open the table", error);
}

void table_lock_release(struct table_lock *held)
{
    if (held->lock >= 0)
        close(held->lock);
    if (held->data >= 0)
        close(held->data);
}
