/* Backups, on a machine that starts no more threads, too: LMDB copies with one of its own. */
#include "table_fixture.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

static bool has_threads;
static const char *watched; /* directory */
static unsigned first_seen; /* names in it when a file was first synced */

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
    return next(fd);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(no_thread_can_be_started),
        scratch_test(no_name_before_it_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
