/* A table that several processes have open: one makes its map larger, or dies in the middle of a change or a lookup. */
#include "table_fixture.h"

#include <signal.h>
#include <sys/wait.h>

/* Runs `work` in a child that opens the table by itself, as another process would. */
static void in_child(const char *path, void (*work)(struct table *table), uint64_t map_size)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct table *table = open_table(path, TABLE_WRITE, map_size);
        work(table);
        table_close(table);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void load_much(struct table *table)
{
    load_rows(table, 1, 20000, 0);
}

static void load_more(struct table *table)
{
    load_rows(table, 20001, 90000, 0);
}

static void map_resized_by_another(void **state)
{
    struct error error = {0};
    struct connection_buffer buffer;
    struct lookup *lookups_of_threads[3];
    const char *path = scratch_path(*state, "t.mdb");
    in_child(path, load_much, 64 << 20);
    /* As large as the file is now, so that the next load outgrows it. */
    pid_t child = 0;
    int ready[2], done[2];
    assert_int_equal(pipe(ready) | pipe(done), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* reads; forked before the loads, since LMDB's handles do not survive a fork */
        struct table *table = open_table(path, TABLE_SERVE, 1);
        char byte = 0;
        for (size_t i = 0; i < COUNT_OF(lookups_of_threads); i++)
            assert_done(lookup_open(&lookups_of_threads[i], table, &error));
        assert_int_equal(lookup_find(lookups_of_threads[0], TEXT("default"), TEXT("row-020000"), &buffer, &error),
                         LOOKUP_FOUND);
        assert_int_equal(write(ready[1], "r", 1), 1);
        assert_int_equal(read(done[0], &byte, 1), 1);
        for (size_t i = 0; i < COUNT_OF(lookups_of_threads); i++) {
            if (lookup_find(lookups_of_threads[i], TEXT("default"), TEXT("row-090000"), &buffer, &error) !=
                LOOKUP_FOUND) {
                fprintf(stderr, "%s\n", error.message);
                _exit(1);
            }
        }
        for (size_t i = 0; i < COUNT_OF(lookups_of_threads); i++)
            lookup_close(lookups_of_threads[i]);
        if (state_of(table).rows[CONNECTION_STYTCH] != 90000)
            _exit(2);
        table_close(table);
        _exit(0);
    }
    char byte = 0;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    in_child(path, load_more, 64 << 20);
    assert_int_equal(write(done[1], "d", 1), 1);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ready[0]), close(ready[1]), close(done[0]), close(done[1]);
}

static void writer_follows_a_resize(void **state)
{
    struct error error = {0};
    const char *path = scratch_path(*state, "t.mdb");
    in_child(path, load_much, 64 << 20);
    struct table *table = open_table(path, TABLE_WRITE, 1);
    in_child(path, load_more, 64 << 20);
    struct snapshot *snapshot = NULL;
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_int_equal(snapshot_state(snapshot)->rows[CONNECTION_STYTCH], 90000);
    snapshot_close(snapshot);
    assert_int_equal(load_rows(table, 1, 1, 5), 3);
    table_close(table);
}

/* A child that fills half of a change, tells so, and waits to be killed. */
static pid_t start_half_a_change(const char *path, int tell)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child != 0)
        return child;
    struct error error = {0};
    struct table *table = open_table(path, TABLE_WRITE, 0);
    struct change *change = begin(table);
    if (!put_many(change, 30000, &error) || !remove_row(change, "default", "row-000001", &error) ||
        write(tell, "h", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void killed_changes_leave_the_old_table(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    int pipes[2];
    char byte = 0;
    struct table *table = open_table(path, TABLE_WRITE, 0);
    load_rows(table, 1, 100, 0);
    table_close(table);
    assert_int_equal(pipe(pipes), 0);
    for (unsigned round = 0; round < 3; round++) {
        pid_t child = start_half_a_change(path, pipes[1]);
        assert_int_equal(read(pipes[0], &byte, 1), 1);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        table = open_table(path, TABLE_WRITE, 0);
        assert_int_equal(state_of(table).revision, 1 + round);
        assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 100);
        assert_int_equal(find_row(table, "default", "row-000001"), LOOKUP_FOUND);
        assert_int_equal(find_row(table, "default", "row-030000"), LOOKUP_ABSENT);
        assert_int_equal(load_rows(table, 50, 50, round + 1), 2 + round); /* and the lock was given back */
        table_close(table);
    }
    close(pipes[0]), close(pipes[1]);
}

/* A child that gives all rows one number after another, a revision each, until it is killed. */
static pid_t start_many_changes(const char *path, int tell)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child != 0)
        return child;
    struct table *table = open_table(path, TABLE_WRITE, 0);
    struct error error = {0};
    for (unsigned number = 1;; number++) {
        struct change *change = begin(table);
        char identifier[32];
        for (unsigned i = 0; i < 400; i++) {
            snprintf(identifier, sizeof identifier, "row-%06u", i);
            if (!put_row(change, "default", identifier, number, &error))
                _exit(1);
        }
        commit(change);
        if (number == 3 && write(tell, "b", 1) != 1)
            _exit(1);
    }
}

static void killed_commits_are_whole_or_not_there(void **state)
{
    for (unsigned round = 0; round < 12; round++) {
        const char *path = scratch_path(*state, "t.mdb");
        int pipes[2];
        char byte = 0;
        assert_int_equal(pipe(pipes), 0);
        pid_t child = start_many_changes(path, pipes[1]);
        assert_int_equal(read(pipes[0], &byte, 1), 1);
        usleep(round * 1500);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        struct table *table = open_table(path, TABLE_WRITE, 0);
        assert_true(expect_one_kind(table, 400) >= 3);
        table_close(table);
        unlink(path);
        close(pipes[0]), close(pipes[1]);
    }
}

static void the_dead_do_not_share(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    struct error error = {0};
    int pipes[2];
    char byte = 0;
    struct table *table = open_table(path, TABLE_WRITE, 0);
    load_rows(table, 1, 100, 0);
    assert_int_equal(pipe(pipes), 0);
    assert_false(table_is_shared(table));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct snapshot *snapshot = NULL;
        struct table *own = open_table(path, TABLE_READ, 0);
        if (!snapshot_open(&snapshot, own, &error) || write(pipes[1], "s", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_true(table_is_shared(table));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(table_is_shared(table));
    table_close(table);
    close(pipes[0]), close(pipes[1]);
}

enum { SLOTS = 4 };

static struct table *open_with_slots(const char *path)
{
    const struct table_options options = {.mode = TABLE_WRITE, .max_readers = SLOTS};
    struct error error = {0};
    struct table *table = NULL;
    assert_done(table_open(&table, path, &options, &error));
    return table;
}

/* A process that reads with all slots but one, and is killed at it. */
static void die_reading(const char *path)
{
    struct error error = {0};
    int pipes[2];
    char byte = 0;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct snapshot *snapshot = NULL;
        struct table *own = open_with_slots(path);
        for (unsigned i = 1; i < SLOTS; i++) {
            if (!snapshot_open(&snapshot, own, &error))
                _exit(1);
        }
        if (write(pipes[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(pipes[0]);
}

/* Whoever opens the table to write gives the slots of the dead back, and so does who needs one. */
static void dead_readers_make_room(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    struct error error = {0};
    struct table_stat stat;
    struct snapshot *snapshots[SLOTS] = {NULL};
    int status = 1;
    struct table *table = open_with_slots(path);
    load_rows(table, 1, 100, 0);
    die_reading(path);
    assert_done(table_stat(table, &stat, &error));
    assert_true(stat.readers >= SLOTS - 1);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        table_close(open_with_slots(path));
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_done(table_stat(table, &stat, &error));
    assert_true(stat.readers < SLOTS - 1);

    die_reading(path);
    for (unsigned i = 0; i < SLOTS; i++)
        assert_done(snapshot_open(&snapshots[i], table, &error));
    assert_false(snapshot_open(&(struct snapshot *){NULL}, table, &error));
    assert_non_null(strstr(error.message, "every reader slot is taken"));
    assert_false(table_grow(table, &error)); /* nor is the map replaced below who reads */
    for (unsigned i = 0; i < SLOTS; i++)
        snapshot_close(snapshots[i]);
    assert_done(table_grow(table, &error));
    table_close(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(map_resized_by_another),
        scratch_test(writer_follows_a_resize),
        scratch_test(killed_changes_leave_the_old_table),
        scratch_test(killed_commits_are_whole_or_not_there),
        scratch_test(the_dead_do_not_share),
        scratch_test(dead_readers_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
