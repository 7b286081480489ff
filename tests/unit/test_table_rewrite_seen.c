/* What others have to do with a table that is written anew: readers see nothing of it before its end, other writers
 * wait, and a writer that dies leaves nothing behind. */
#include "rewrite_fixture.h"

#include <poll.h>
#include <signal.h>
#include <sys/file.h>

/* -- readers -- */

static void nothing_is_seen_before_the_end(void **state)
{
    struct error error = {0};
    const char *copy = scratch_path(*state, "copy.mdb");
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0), *copied = NULL;
    struct snapshot *snapshot = NULL;
    struct lookup *lookup = NULL;
    struct connection_buffer buffer;
    struct table_stat before, stat;
    size_t size = 0;
    change_rows(table, 1, 1000, 0);
    char *text = text_of_table(table, &size);
    assert_done(lookup_open(&lookup, table, &error));
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_done(table_stat(table, &before, &error));
    struct change *change = begin_rewrite(table);
    for (unsigned row = 1; row <= 4000; row++) {
        assert_done(put_row(change, "default", name_of(row), 0x10000 + row, &error));
        if (row % 50 != 0)
            continue;
        assert_int_equal(lookup_find(lookup, TEXT("default"), text_of(name_of(7)), &buffer, &error), LOOKUP_FOUND);
        assert_text(buffer.row.connection_id, LIVE_ID("00000007"));
    }
    expect_text(table, text, size);
    assert_done(table_stat(table, &stat, &error));
    assert_int_equal(stat.used_size, before.used_size);
    assert_int_equal(stat.undo_size, before.undo_size);
    assert_int_equal(stat.state.revision, 1);
    backup_size(table, copy);
    commit(change);
    assert_int_equal(lookup_find(lookup, TEXT("default"), text_of(name_of(7)), &buffer, &error), LOOKUP_FOUND);
    assert_text(buffer.row.connection_id, LIVE_ID("00010007"));
    assert_int_equal(snapshot_find(snapshot, TEXT("default"), text_of(name_of(7)), &buffer, &error), LOOKUP_FOUND);
    assert_text(buffer.row.connection_id, LIVE_ID("00000007"));
    snapshot_close(snapshot);
    lookup_close(lookup);
    table_close(table);
    copied = open_small(copy, TABLE_WRITE, 0); /* the copy is the table of before, and can be gone on with */
    expect_text(copied, text, size);
    assert_int_equal(rewrite_rows(copied, 1, 2, 9), 2);
    table_close(copied);
    free(text);
}

static void rewrite_thrice(struct table *table, const int pipes[2])
{
    (void)pipes;
    rewrite_rows(table, 1, 2000, 0x10000);
    rewrite_rows(table, 1, 2000, 0x20000);
    rewrite_rows(table, 1, 2000, 0x30000);
}

/* The daemon's part: it opened a table that had one database for rows. */
static void move_the_rows(const char *path, bool snapshot_first)
{
    struct error error = {0};
    struct lookup *lookups[2];
    struct connection_buffer buffer;
    struct table *table = open_small(path, TABLE_WRITE, 0);
    change_rows(table, 1, 1000, 0);
    table_close(table);
    table = open_small(path, TABLE_SERVE, 1); /* and as small a map as the file allows */
    for (unsigned i = 0; i < COUNT_OF(lookups); i++) {
        assert_done(lookup_open(&lookups[i], table, &error));
        assert_int_equal(lookup_find(lookups[i], TEXT("default"), text_of(name_of(7)), &buffer, &error), LOOKUP_FOUND);
    }
    expect_end(start(path, rewrite_thrice, NULL), 0);
    if (snapshot_first)
        assert_int_equal(state_of(table).revision, 4);
    for (unsigned i = 0; i < COUNT_OF(lookups); i++) {
        assert_int_equal(lookup_find(lookups[i], TEXT("default"), text_of(name_of(7)), &buffer, &error), LOOKUP_FOUND);
        assert_text(buffer.row.connection_id, LIVE_ID("00030007"));
        lookup_close(lookups[i]);
    }
    assert_int_equal(state_of(table).revision, 4);
    table_close(table);
    unlink(path);
}

static void another_process_moves_the_rows(void **state)
{
    move_the_rows(scratch_path(*state, "t.mdb"), false);
    move_the_rows(scratch_path(*state, "t.mdb"), true);
}

/* -- older programs -- */

enum { OUR_LOCKS_BIT = 41 }; /* the locks that tell our programs apart begin at this byte of the lock file */

/* Takes back what this version says of itself in the lock file, as if it did not know it. */
static void be_an_older_version(void)
{
    struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = (off_t)1 << OUR_LOCKS_BIT};
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        (void)fcntl(fd, F_OFD_SETLK, &all);
}

/* As a loader does that still reads its file. */
static void hold(struct table *table, const int pipes[2])
{
    (void)table;
    if (write(pipes[1], "h", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void hold_as_an_older_version(struct table *table, const int pipes[2])
{
    be_an_older_version();
    hold(table, pipes);
}

static void serve(struct table *table, const int pipes[2])
{
    struct error error = {0};
    struct lookup *lookup = NULL;
    if (!lookup_open(&lookup, table, &error))
        _exit(1);
    hold(table, pipes);
}

static void serve_as_an_older_version(struct table *table, const int pipes[2])
{
    be_an_older_version();
    serve(table, pipes);
}

/* As none of our programs does: over two bytes at once, both of those that mean processes and of those that say that
 * they know. */
static void lock_a_range(struct table *table, const int pipes[2])
{
    const off_t process = (off_t)1 << 30, starts[] = {process, ((off_t)1 << (OUR_LOCKS_BIT + 1)) + process};
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        for (size_t i = 0; i < COUNT_OF(starts); i++) {
            struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = starts[i], .l_len = 2};
            (void)fcntl(fd, F_OFD_SETLK, &lock);
        }
    hold(table, pipes);
}

/* Loads much while another program has the table open. Returns the table's schema after it. */
static unsigned load_beside(const char *path, void (*other)(struct table *table, const int pipes[2]), unsigned number)
{
    int pipes[2];
    char byte = 0;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = start(path, other, pipes);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    struct table *table = open_small(path, TABLE_WRITE, 0);
    change_somehow(table, 4000, 1, 4000, number);
    change_somehow(table, 0, 1, 4000, number + 1);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 4000);
    const unsigned schema = schema_of(table);
    assert_int_equal(kill(child, SIGKILL), 0);
    expect_end(child, SIGKILL);
    if (schema == TABLE_SCHEMA_OLDEST) { /* whoever has died needs no care */
        change_somehow(table, 0, 1, 4000, number + 2);
        assert_int_equal(schema_of(table), TABLE_SCHEMA_VERSION);
    }
    table_close(table);
    close(pipes[0]), close(pipes[1]);
    return schema;
}

static void make_small(const char *path)
{
    struct table *table = open_small(path, TABLE_WRITE, 0);
    change_rows(table, 1, 10, 0);
    table_close(table);
}

/* It would go on with the first database: a daemon would find no rows there, and a loader would write them there. */
static void no_rows_are_moved_under_an_older_version(void **state)
{
    static void (*const strange[])(struct table *, const int[2]) = {serve_as_an_older_version, hold_as_an_older_version,
                                                                    lock_a_range};
    static void (*const known[])(struct table *, const int[2]) = {serve, hold};
    const char *path = scratch_path(*state, "t.mdb");
    for (size_t i = 0; i < COUNT_OF(strange); i++) {
        make_small(path);
        assert_int_equal(load_beside(path, strange[i], 0x10000), TABLE_SCHEMA_OLDEST);
        assert_int_equal(load_beside(path, strange[i], 0x20000), TABLE_SCHEMA_VERSION); /* they were moved */
        unlink(path);
    }
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        make_small(path);
        assert_int_equal(load_beside(path, known[i], 0x10000), TABLE_SCHEMA_VERSION);
        unlink(path);
    }
}

static void a_number_that_is_none(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct table *table = open_small(path, TABLE_WRITE, 0);
    rewrite_rows(table, 1, 10, 0);
    table_close(table);
    size_t size = 0;
    char *bytes = scratch_read(path, &size);
    for (char *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), "current\1", 8)) != NULL; at += 8)
        at[7] = 2;
    scratch_write(path, bytes, size);
    free(bytes);
    table = open_small(path, TABLE_WRITE, 0);
    assert_false(snapshot_open(&snapshot, table, &error));
    assert_non_null(strstr(error.message, "the file is damaged"));
    table_close(table);
}

/* -- writers -- */

static void change_one_row(struct table *table, const int pipes[2])
{
    change_rows(table, 1, 1, 0x20000);
    if (write(pipes[1], "o", 1) != 1)
        _exit(1);
}

/* The lock that holds over all transactions of a change is on the file; LMDB's is let go between them. */
static void one_writer_at_a_time(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    int pipes[2];
    char byte = 0;
    struct table *table = open_small(path, TABLE_WRITE, 0);
    change_rows(table, 1, 1000, 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct change *change = begin_rewrite(table);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
    commit(change);
    change = begin(table);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
    change_abort(change);
    table_close(table);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB) | pipe(pipes), 0);
    pid_t child = start(path, change_one_row, pipes);
    struct pollfd waiting = {.fd = pipes[0], .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, 300), 0);
    assert_int_equal(flock(fd, LOCK_UN), 0);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    expect_end(child, 0);
    close(fd), close(pipes[0]), close(pipes[1]);
}

enum { STATE_REVISION_LOW = 5 + 7 }; /* behind the state's key, and the revision's other bytes */

static void be_one_revision_on(int fd, size_t at)
{
    assert_int_equal(pwrite(fd, "\2", 1, (off_t)at + STATE_REVISION_LOW), 1);
}

/* A program that does not know the lock on the file gets in between two transactions: what it wrote is not lost. */
static void a_writer_that_does_not_wait(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    struct error error = {0};
    struct table *table = open_small(path, TABLE_WRITE, 0);
    assert_int_equal(change_rows(table, 1, 1000, 0), 1);
    struct change *change = begin_rewrite(table);
    assert_done(put_rows(change, 1, 500, 0x10000, &error));
    tamper(path, TEXT("state"), be_one_revision_on);
    assert_false(put_rows(change, 501, 1000, 0x10000, &error));
    assert_int_equal(error.kind, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, "changed the table meanwhile"));
    error.kind = ERROR_NONE;
    assert_false(put_rows(change, 1001, 1001, 0x10000, &error)); /* nor anything after it */
    assert_int_equal(error.kind, ERROR_CONFLICT);
    assert_false(change_commit(change, &note_load, NULL, &error));
    assert_int_equal(error.kind, ERROR_CONFLICT);
    assert_int_equal(state_of(table).revision, 2);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 1000);
    table_close(table);
}

static void abandon(struct table *table, const int pipes[2])
{
    struct error error = {0};
    struct change *change = begin_rewrite(table);
    if (!put_rows(change, 1, 4000, 0x10000, &error) || write(pipes[1], "h", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

/* What dies in the middle is never seen, and the next change deletes it, be it in place or a rewrite. */
static void abandoned(void **state)
{
    const char *path = scratch_path(*state, "t.mdb"), *copy = scratch_path(*state, "copy.mdb");
    int pipes[2];
    char byte = 0;
    struct error error = {0};
    struct table_stat before, stat;
    struct table *table = open_small(path, TABLE_WRITE, 0);
    change_rows(table, 1, 1000, 0);
    assert_int_equal(pipe(pipes), 0);
    for (unsigned round = 0; round < 4; round++) {
        size_t size = 0;
        char *text = text_of_table(table, &size);
        uint64_t clean = backup_size(table, copy);
        assert_done(table_stat(table, &before, &error));
        table_close(table);
        pid_t child = start(path, abandon, pipes);
        assert_int_equal(read(pipes[0], &byte, 1), 1);
        assert_int_equal(kill(child, SIGKILL), 0);
        expect_end(child, SIGKILL);
        table = open_small(path, TABLE_WRITE, 0);
        expect_text(table, text, size);
        assert_done(table_stat(table, &stat, &error));
        assert_int_equal(stat.used_size, before.used_size);
        assert_int_equal(stat.undo_size, before.undo_size);
        assert_true(backup_size(table, copy) > clean * 3 / 2);
        assert_int_equal(round % 2 == 0 ? change_rows(table, 5, 5, round + 1) : rewrite_rows(table, 5, 5, round + 1),
                         2 + round);
        assert_true(backup_size(table, copy) < clean * 5 / 4);
        free(text);
    }
    take_back(begin(table), 1);
    table_close(table);
    close(pipes[0]), close(pipes[1]);
}

static void aborted(void **state)
{
    struct error error = {0};
    const char *copy = scratch_path(*state, "copy.mdb");
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    size_t size = 0;
    rewrite_rows(table, 1, 1000, 0);
    char *text = text_of_table(table, &size);
    uint64_t clean = backup_size(table, copy);
    struct change *change = begin_rewrite(table);
    assert_done(put_rows(change, 1, 3000, 0x10000, &error));
    change_abort(change);
    expect_text(table, text, size);
    assert_int_equal(backup_size(table, copy), clean);
    assert_int_equal(rewrite_rows(table, 1, 3000, 0x20000), 2);
    free(text);
    table_close(table);
}

static void rewrite_forever(struct table *table, const int pipes[2])
{
    for (unsigned number = 1;; number++) {
        struct error error = {0};
        struct change *change = begin_rewrite(table);
        for (unsigned row = 0; row < 400; row++) {
            if (!put_row(change, "default", name_of(row), number, &error))
                _exit(1);
        }
        commit(change);
        if (number == 3 && write(pipes[1], "b", 1) != 1)
            _exit(1);
    }
}

static void killed_rewrites_are_whole_or_not_there(void **state)
{
    int pipes[2];
    char byte = 0;
    assert_int_equal(pipe(pipes), 0);
    for (unsigned round = 0; round < 15; round++) {
        const char *path = scratch_path(*state, "t.mdb");
        pid_t child = start(path, rewrite_forever, pipes);
        assert_int_equal(read(pipes[0], &byte, 1), 1);
        usleep(round * 700);
        assert_int_equal(kill(child, SIGKILL), 0);
        expect_end(child, SIGKILL);
        struct table *table = open_small(path, TABLE_WRITE, 0);
        const uint64_t revision = expect_one_kind(table, 400);
        assert_true(revision >= 3);
        assert_int_equal(change_rows(table, 1, 1, 0x70000), revision + 1);
        assert_int_equal(take_back(begin(table), revision - 1), revision + 2);
        table_close(table);
        unlink(path);
    }
    close(pipes[0]), close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(nothing_is_seen_before_the_end),
        scratch_test(another_process_moves_the_rows),
        scratch_test(no_rows_are_moved_under_an_older_version),
        scratch_test(a_number_that_is_none),
        scratch_test(one_writer_at_a_time),
        scratch_test(a_writer_that_does_not_wait),
        scratch_test(abandoned),
        scratch_test(aborted),
        scratch_test(killed_rewrites_are_whole_or_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
