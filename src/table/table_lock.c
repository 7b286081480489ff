#include "table_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssoferry/lock_file.h"
#include "ssoferry/shell_word.h"
#include "store.h"
#include "table_file.h"

/* Our bytes of the lock file: one for each possible inode of a table. They are far beyond the bytes that LMDB locks:
 * the first one, and that of the process number of each who has read, for as long as they have the table open. */
static const off_t our_bytes = (off_t)1 << 41, our_count = (off_t)1 << 40;

/* Beyond those, one for each process number, held by who knows TABLE_SCHEMA_VERSION. A newer schema needs other bytes:
 * a program then holds those of each version that it knows. */
static const off_t schema_bytes = (off_t)1 << 42;

static off_t byte_of(ino_t inode)
{
    return our_bytes + (off_t)(inode % (ino_t)our_count);
}

/* -- locks -- */

/* Sets *lock to any one that somebody else has on these bytes, or its type to F_UNLCK. False if that cannot be told. */
static bool find(int fd, off_t first, off_t count, struct flock *lock)
{
    *lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = count};
    return fcntl(fd, F_OFD_GETLK, lock) == 0;
}

/* Whether somebody else has a lock on any of these bytes; *holder gets their process, or 0 if unknown. With a `count`
 * of 0, none is held. */
static bool is_held(int fd, off_t first, off_t count, pid_t *holder)
{
    struct flock lock;
    if (count == 0 || !find(fd, first, count, &lock) || lock.l_type == F_UNLCK)
        return false;
    *holder = lock.l_pid > 0 ? lock.l_pid : 0;
    return true;
}

/* On a file system without such locks this does nothing, but nobody can find any there either. */
static void hold(int fd, off_t byte)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    (void)fcntl(fd, F_OFD_SETLK, &lock);
}

/* Whether another of our programs holds one of these bytes. *user gets a process that uses the lock file, or 0 if
 * unknown: LMDB's locks name one, ours do not. */
static bool is_used(int fd, off_t first, off_t count, pid_t *user)
{
    pid_t unknown;
    if (!is_held(fd, first, count, &unknown))
        return false;
    if (!is_held(fd, 0, 1, user))
        *user = 0;
    return true;
}

static bool is_of_another(int fd, off_t byte, pid_t *user)
{
    return is_used(fd, our_bytes, byte - our_bytes, user) ||
           is_used(fd, byte + 1, our_bytes + our_count - (byte + 1), user);
}

static bool is_in_use(const char *path, pid_t *user)
{
    char *lock = lock_file_name(path);
    int fd = open(lock, O_RDONLY | O_CLOEXEC);
    free(lock);
    bool used = fd >= 0 && is_used(fd, our_bytes, our_count, user);
    if (fd >= 0)
        close(fd);
    return used;
}

static bool refuse(const char *path, pid_t user, bool is_gone, struct error *error)
{
    char who[32] = "a program", where[96] = "";
    if (user != 0)
        snprintf(who, sizeof who, "process %ld", (long)user);
    if (user != 0 && is_gone)
        snprintf(where, sizeof where, " (a copy of /proc/%ld/fd/N, the one that leads to it, if it was deleted)",
                 (long)user);
    char *word = shell_word(text_of(path));
    error_set(
        error, ERROR_FAILED,
        "%s: %s, and %s still has that open: put it back%s, or end every program that has it open (fuser %s-lock) "
        "and try again",
        path, is_gone ? "the file that stood here is gone" : "another file stood here", who, where, word);
    free(word);
    return false;
}

bool table_lock_is_free(const char *path, struct error *error)
{
    pid_t user = 0;
    return !is_in_use(path, &user) || access(path, F_OK) == 0 || /* or was just created */
           refuse(path, user, true, error);
}

/* -- holding -- */

bool table_lock_hold(int *lock, const char *path, unsigned max_readers, struct error *error)
{
    pid_t user = 0;
    struct stat st;
    *lock = -1;
    if (stat(path, &st) != 0)
        return true;
    int code = lock_file_open(path, max_readers, lock);
    if (code != 0)
        return store_fail(path, code, "open the table", error);
    if (*lock < 0)
        return true;
    hold(*lock, schema_bytes + getpid());
    hold(*lock, byte_of(st.st_ino)); /* first: if two come at once, at least one sees the other */
    if (!is_of_another(*lock, byte_of(st.st_ino), &user))
        return true;
    table_lock_release(*lock);
    return refuse(path, user, false, error);
}

static bool is_permitted(const char *path, int use)
{
    return access(path, use) == 0 || errno == EROFS; /* where nobody writes, LMDB reads without the lock file */
}

static bool can_be_made(const char *path)
{
    char *parent = path_parent(path);
    const bool can = is_permitted(parent, W_OK | X_OK);
    free(parent);
    return can;
}

/* The one that this process has open is not to be opened once more: closing it would drop LMDB's locks on it. Another
 * one is looked at as far as the sandbox lets us. */
static bool can_be_shared(int held, const char *lock, ino_t inode)
{
    pid_t user;
    struct stat ours, found;
    if (lstat(lock, &found) != 0)
        return errno == ENOENT && can_be_made(lock);
    if (held >= 0 && fstat(held, &ours) == 0 && ours.st_dev == found.st_dev && ours.st_ino == found.st_ino)
        return !is_of_another(held, byte_of(inode), &user);
    if (!S_ISREG(found.st_mode) || !is_permitted(lock, R_OK | W_OK))
        return false;
    const int fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    const bool can = fd < 0 || !is_of_another(fd, byte_of(inode), &user);
    if (fd >= 0)
        close(fd);
    return can;
}

bool table_lock_could_be_held(int held, const char *path)
{
    struct stat st;
    char *lock = lock_file_name(path);
    const bool could = stat(path, &st) == 0 && can_be_shared(held, lock, st.st_ino);
    free(lock);
    return could;
}

bool table_lock_is_shared(int lock, ino_t inode)
{
    pid_t unknown;
    return lock >= 0 && is_held(lock, byte_of(inode), 1, &unknown);
}

/* -- what others know -- */

static bool knows_schema(int fd, off_t process)
{
    pid_t unknown;
    return process == getpid() || is_held(fd, schema_bytes + process, 1, &unknown);
}

/* The same of each process whose number is in a range. Calls itself no deeper than there are processes. */
static bool all_know_schema(int fd, off_t first, off_t end)
{
    struct flock lock;
    while (first < end) {
        if (!find(fd, first, end - first, &lock))
            return false;
        if (lock.l_type == F_UNLCK)
            return true;
        if (lock.l_start < first) /* a lock over more than one byte is none of ours */
            return false;
        if (!knows_schema(fd, lock.l_start) || !all_know_schema(fd, first, lock.l_start))
            return false;
        first = lock.l_start + 1;
    }
    return true;
}

bool table_lock_all_know_schema(int lock)
{
    return all_know_schema(lock, 1, our_bytes);
}

/* -- releasing -- */

void table_lock_release(int lock)
{
    if (lock >= 0)
        close(lock);
}
