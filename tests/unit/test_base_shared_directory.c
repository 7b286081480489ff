/* Root in a directory that a group shares: as whom the kernel takes it for files, and that this ends. */
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "ssoferry/shared_directory.h"

enum { OWNER = 4711, GROUP = 4712, ROOTS_GROUP = 6 };

/* Of what the kernel says of this thread. */
static void take_line(const char *name, char line[256])
{
    char whole[4096];
    const int fd = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    const ssize_t size = read(fd, whole, sizeof whole - 1);
    close(fd);
    assert_true(size > 0);
    whole[size] = '\0';
    const char *begin = strstr(whole, name);
    assert_non_null(begin);
    snprintf(line, 256, "%.*s", (int)strcspn(begin + 1, "\n"), begin + 1);
}

struct self {
    char user[256], group[256], groups[256], capabilities[256];
    int dumpable;
};

static struct self look(void)
{
    struct self self = {.dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)};
    take_line("\nUid:", self.user);
    take_line("\nGid:", self.group);
    take_line("\nGroups:", self.groups);
    take_line("\nCapEff:", self.capabilities);
    return self;
}

static void expect_root(const struct self *before)
{
    const struct self now = look();
    assert_string_equal(now.user, before->user);
    assert_string_equal(now.group, before->group);
    assert_string_equal(now.groups, before->groups);
    assert_string_equal(now.capabilities, before->capabilities);
    assert_int_equal(now.dumpable, before->dumpable);
}

/* The path of a file in a directory that is theirs. */
static const char *directory_of(struct scratch *scratch, uid_t owner, mode_t mode)
{
    assert_int_equal(chmod(scratch->directory, 0755), 0);
    const char *directory = scratch_path(scratch, "store");
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_int_equal(chown(directory, owner, GROUP), 0);
    assert_int_equal(chmod(directory, mode), 0);
    return scratch_path(scratch, "store/connections.mdb");
}

static void need_root(void)
{
    const gid_t groups[] = {0, ROOTS_GROUP};
    if (geteuid() != 0)
        skip();
    assert_int_equal(setgroups(COUNT_OF(groups), groups), 0);
}

static void root_acts_as_the_owner_until_it_leaves(void **state)
{
    struct shared_directory_visit visit;
    need_root();
    const char *path = directory_of(*state, OWNER, 02770);
    const struct self before = look();
    shared_directory_enter(&visit, path);
    const struct self now = look();
    unsigned ids[4];
    unsigned long long can;
    assert_int_equal(sscanf(now.user, "Uid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]), 4);
    assert_true(ids[0] == 0 && ids[1] == 0 && ids[2] == 0 && ids[3] == OWNER);
    assert_int_equal(sscanf(now.group, "Gid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]), 4);
    assert_true(ids[0] == 0 && ids[1] == 0 && ids[2] == 0 && ids[3] == GROUP);
    assert_int_equal(strcspn(now.groups, "0123456789"), strlen(now.groups));
    assert_int_equal(sscanf(now.capabilities, "CapEff: %llx", &can), 1);
    assert_int_equal(can & 0x1e, 0); /* CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID */
    shared_directory_leave(&visit);
    expect_root(&before);
    shared_directory_leave(&visit);
    expect_root(&before);
}

struct other {
    const char *path;
    pthread_barrier_t entered, seen;
};

static void *stay(void *argument)
{
    struct other *other = argument;
    struct shared_directory_visit visit;
    shared_directory_enter(&visit, other->path);
    pthread_barrier_wait(&other->entered);
    pthread_barrier_wait(&other->seen);
    shared_directory_leave(&visit);
    return NULL;
}

static void other_threads_stay_as_they_are(void **state)
{
    pthread_t thread;
    need_root();
    struct other other = {.path = directory_of(*state, OWNER, 02770)};
    pthread_barrier_init(&other.entered, NULL, 2);
    pthread_barrier_init(&other.seen, NULL, 2);
    const struct self before = look();
    assert_int_equal(pthread_create(&thread, NULL, stay, &other), 0);
    pthread_barrier_wait(&other.entered);
    const struct self now = look();
    assert_string_equal(now.user, before.user);
    assert_string_equal(now.groups, before.groups);
    assert_string_equal(now.capabilities, before.capabilities);
    pthread_barrier_wait(&other.seen);
    assert_int_equal(pthread_join(thread, NULL), 0);
    expect_root(&before);
    pthread_barrier_destroy(&other.entered);
    pthread_barrier_destroy(&other.seen);
}

static void elsewhere_root_stays_root(void **state)
{
    static const struct {
        uid_t owner;
        mode_t mode;
    } others[] = {{0, 02770}, {OWNER, 0770}, {OWNER, 02750}};
    struct shared_directory_visit visit;
    need_root();
    const struct self before = look();
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        const char *path = directory_of(*state, others[i].owner, others[i].mode);
        shared_directory_enter(&visit, path);
        assert_false(visit.acting);
        expect_root(&before);
        shared_directory_leave(&visit);
        expect_root(&before);
        assert_int_equal(rmdir(scratch_path(*state, "store")), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(root_acts_as_the_owner_until_it_leaves),
        scratch_test(other_threads_stay_as_they_are),
        scratch_test(elsewhere_root_stays_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
