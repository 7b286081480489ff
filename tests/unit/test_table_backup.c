/* Backups, on a machine that starts no more threads, too: LMDB copies with one of its own. */
#include "table_fixture.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

static bool has_threads;
static const char *watched;  /* directory */
static unsigned first_seen;  /* names in it when a file was first synced */
static const char *intruder; /* a file that somebody else makes when a file is first synced */
static bool is_nameless = true;
static int syncs_left = -1; /* until one fails; below 0: none does */
static int sync_error = EIO;

/* In place of libc's, for LMDB too. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context)
{
    int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
    return has_threads ? next(thread, attributes, run, context) : EAGAIN;
}

static unsigned names_in(const char *directory)
{
    unsigned names = 0;
    DIR *stream = opendir(directory);
    assert_non_null(stream);
    while (readdir(stream) != NULL)
        names++;
    closedir(stream);
    return names - 2; /* "." and ".." */
}

int fsync(int fd)
{
    int (*next)(int);
    *(void **)&next = dlsym(RTLD_NEXT, "fsync");
    if (watched != NULL && first_seen == 0)
        first_seen = names_in(watched);
    if (intruder != NULL)
        scratch_write(intruder, "theirs", 6);
    if (syncs_left == 0) {
        errno = sync_error;
        return -1;
    }
    syncs_left -= syncs_left > 0;
    return next(fd);
}

/* By way of /proc a file of no name gets one. */
int access(const char *path, int mode)
{
    return is_nameless || strncmp(path, "/proc/", 6) != 0 ? faccessat(AT_FDCWD, path, mode, 0) : -1;
}

static void no_thread_can_be_started(void **state)
{
    struct error error = {0};
    const char *copy = scratch_path(*state, "copy.mdb");
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 10, 0);
    assert_false(table_backup(table, copy, &error));
    assert_non_null(strstr(error.message, "raise the limit on threads"));
    assert_null(strstr(error.message, "container"));
    assert_int_not_equal(access(copy, F_OK), 0);
    table_close(table);
}

/* Whoever is killed before the copy is whole leaves nothing behind, where the file system has files without a name. */
static void no_name_before_it_is_whole(void **state)
{
    struct scratch *scratch = *state;
    struct error error = {0};
    const char *copy = scratch_path(scratch, "copy.mdb");
    struct table *table = open_table(scratch_path(scratch, "t.mdb"), TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 10, 0);
    int nameless = open(scratch->directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    has_threads = true;
    watched = scratch->directory;
    assert_done(table_backup(table, copy, &error));
    watched = NULL;
    has_threads = false;
    assert_int_equal(names_in(scratch->directory), 3);
    assert_true(first_seen == (nameless < 0 ? 3 : 2));
    if (nameless >= 0)
        close(nameless);
    table_close(table);
}

/* Each of both ways to a copy's name. */
enum { NAMED, NAMELESS, WAYS };

static struct table *open_for_copies(struct scratch *scratch)
{
    struct table *table = open_table(scratch_path(scratch, "t.mdb"), TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 10, 0);
    has_threads = true;
    return table;
}

static void close_after_copies(struct table *table)
{
    has_threads = false;
    is_nameless = true;
    table_close(table);
}

static void a_copy_holds_the_rows_and_is_for_the_same_people(void **state)
{
    static const char *const names[WAYS] = {"named.mdb", "nameless.mdb"};
    struct error error = {0};
    struct stat facts;
    struct table *table = open_for_copies(*state);
    assert_int_equal(chmod(scratch_path(*state, "t.mdb"), 0640), 0);
    for (int way = 0; way < WAYS; way++) {
        const char *path = scratch_path(*state, names[way]);
        is_nameless = way == NAMELESS;
        assert_done(table_backup(table, path, &error));
        assert_int_equal(scratch_count(path, ".new-*"), 0);
        assert_int_equal(stat(path, &facts), 0);
        assert_int_equal(facts.st_mode & 0777, 0640);
        struct table *copy = open_table(path, TABLE_READ, 1 << 20);
        assert_int_equal(find_row(copy, "default", "row-000010"), LOOKUP_FOUND);
        table_close(copy);
    }
    close_after_copies(table);
}

static void a_file_that_comes_meanwhile_is_let_be(void **state)
{
    struct scratch *scratch = *state;
    struct error error = {0};
    struct table *table = open_for_copies(scratch);
    for (int way = 0; way < WAYS; way++) {
        size_t size = 0;
        is_nameless = way == NAMELESS;
        intruder = scratch_path(scratch, "copy.mdb");
        assert_false(table_backup(table, intruder, &error));
        assert_non_null(strstr(error.message, "the file exists already"));
        char *found = scratch_read(intruder, &size);
        assert_string_equal(found, "theirs");
        free(found);
        assert_int_equal(names_in(scratch->directory), 3);
        assert_int_equal(unlink(intruder), 0);
        intruder = NULL;
    }
    close_after_copies(table);
}

/* Of its bytes and of its name. */
static void a_copy_that_is_not_on_the_disk_is_none(void **state)
{
    struct scratch *scratch = *state;
    struct error error = {0};
    struct table *table = open_for_copies(scratch);
    for (int way = 0; way < WAYS; way++) {
        const char *path = scratch_path(scratch, "copy.mdb");
        is_nameless = way == NAMELESS;
        for (int synced = 0; synced < 2; synced++) {
            syncs_left = synced;
            assert_false(table_backup(table, path, &error));
            syncs_left = -1;
            assert_non_null(strstr(error.message, path));
            assert_int_equal(names_in(scratch->directory), 2);
        }
    }
    close_after_copies(table);
}

/* What write() says when LMDB gives it a page of the map that the file no longer has. */
static void a_table_that_is_cut_short_meanwhile(void **state)
{
    struct error error = {0};
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 1 << 20);
    has_threads = true;
    load_rows(table, 1, 10, 0);
    syncs_left = 0;
    sync_error = EFAULT;
    assert_false(table_backup(table, scratch_path(*state, "copy.mdb"), &error));
    syncs_left = -1;
    sync_error = EIO;
    assert_non_null(strstr(error.message, "the store cannot be read in full: see whether it was cut short"));
    close_after_copies(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(no_thread_can_be_started),
        scratch_test(no_name_before_it_is_whole),
        scratch_test(a_copy_holds_the_rows_and_is_for_the_same_people),
        scratch_test(a_file_that_comes_meanwhile_is_let_be),
        scratch_test(a_copy_that_is_not_on_the_disk_is_none),
        scratch_test(a_table_that_is_cut_short_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
