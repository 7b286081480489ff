/* A backup on a machine that starts no more threads: LMDB copies with one of its own. */
#include "table_fixture.h"

#include <errno.h>
#include <pthread.h>

/* In place of libc's, for LMDB too. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context)
{
    (void)thread, (void)attributes, (void)run, (void)context;
    return EAGAIN;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(no_thread_can_be_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
