#include "ssoferry/shared_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ssoferry/lock_file.h"
#include "ssoferry/memory.h"

static bool find(const char *path, struct stat *directory)
{
    const mode_t shared = S_ISGID | S_IWGRP;
    char *parent = memory_string(text_directory(path));
    const bool found = stat(parent, directory) == 0 && (directory->st_mode & shared) == shared;
    free(parent);
    return found;
}

bool shared_directory_has(const char *path)
{
    struct stat directory;
    return find(path, &directory);
}

/* -- acting -- */

/* The C library's setgroups() sets those of all threads. */
static void set_groups(int count, const gid_t *groups)
{
#ifdef SYS_setgroups32
    (void)syscall(SYS_setgroups32, count, groups);
#else
    (void)syscall(SYS_setgroups, count, groups);
#endif
}

/* setfsuid() does not tell whether it did anything, but always who it was before. */
static bool act_as(uid_t user)
{
    (void)setfsuid(user);
    return (uid_t)setfsuid((uid_t)-1) == user;
}

/* Root's other groups, such as disk, may write what the owner must not. Where the kernel refuses this, as in some
 * namespaces of users, root's groups there are of little use. */
static void act_in(struct shared_directory_visit *visit, gid_t group)
{
    const int count = getgroups(0, NULL);
    visit->groups = memory_allocate((size_t)(count > 0 ? count : 1) * sizeof *visit->groups);
    visit->group_count = getgroups(count > 0 ? count : 0, visit->groups);
    set_groups(0, NULL);
    visit->group = (gid_t)setfsgid(group);
}

void shared_directory_enter(struct shared_directory_visit *visit, const char *path)
{
    struct stat directory;
    *visit = (struct shared_directory_visit){.acting = false};
    if (geteuid() != 0 || !find(path, &directory) || directory.st_uid == 0)
        return;
    visit->dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
    visit->user = (uid_t)setfsuid((uid_t)-1);
    visit->owner = directory.st_uid;
    visit->acting = act_as(visit->owner);
    if (visit->acting)
        act_in(visit, directory.st_gid);
}

void shared_directory_leave(struct shared_directory_visit *visit)
{
    if (!visit->acting)
        return;
    (void)setfsgid(visit->group);
    if (visit->group_count >= 0)
        set_groups(visit->group_count, visit->groups);
    (void)setfsuid(visit->user);
    if (visit->dumpable) /* the kernel takes this away from whoever becomes another */
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    free(visit->groups);
    *visit = (struct shared_directory_visit){.acting = false};
}

/* -- failing -- */

static bool is_denied(const char *path, int mode)
{
    const int fd = open(path, mode | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0)
        close(fd);
    return fd < 0 && errno == EACCES;
}

/* What to do if the owner may not open it; NULL if that is not what is wrong. */
static const char *advice_on(const char *path, int mode)
{
    struct stat name;
    if (!is_denied(path, mode))
        return NULL;
    if (lstat(path, &name) != 0)
        return "let that user enter the directories above";
    if (S_ISLNK(name.st_mode))
        return "this is a link to what that user may not open: remove it, and see who made it";
    return S_ISREG(name.st_mode) ? "give that user the file (chown -h)" : NULL;
}

static bool advise(const struct shared_directory_visit *visit, const char *path, int mode, struct error *error)
{
    const char *advice = advice_on(path, mode);
    if (advice != NULL)
        error_set(error, ERROR_FAILED,
                  "%s: root acts as user id %u here, the directory's owner, because the group could put links there: "
                  "%s",
                  path, (unsigned)visit->owner, advice);
    return advice != NULL;
}

void shared_directory_explain(const struct shared_directory_visit *visit, const char *path, bool writing,
                              struct error *error)
{
    char *lock = lock_file_name(path);
    if (visit->acting && !advise(visit, path, writing ? O_RDWR : O_RDONLY, error))
        (void)advise(visit, lock, O_RDWR, error);
    free(lock);
}
