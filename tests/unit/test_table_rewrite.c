/* Changes that write the whole table anew, in transactions as small as they get: nobody sees anything of it before its
 * end, and afterwards it is as if the rows had been changed in place. */
#include "table_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { NAMES = 4000, ROUNDS = 12, SMALL = 8 << 10, UNKNOWN_VERSION = 9 };

static const struct bulk rewrite = {.rewrite = true};

static struct table *open_sized(const char *path, const struct table_options *options)
{
    struct table *table = NULL;
    struct error error = {0};
    assert_done(table_open(&table, path, options, &error));
    return table;
}

static struct table *open_small(const char *path, enum table_mode mode, uint64_t map_size)
{
    return open_sized(path, &(struct table_options){.mode = mode, .map_size = map_size, .transaction_size = SMALL});
}

static struct change *begin_rewrite(struct table *table)
{
    struct change *change = NULL;
    struct error error = {0};
    assert_done(change_begin_bulk(&change, table, &rewrite, &error));
    return change;
}

/* Long, so that a few thousand rows are more than a chunk of undo. */
static const char *name_of(unsigned row)
{
    static char names[4][256];
    static unsigned next;
    char *name = names[next++ % COUNT_OF(names)];
    snprintf(name, sizeof names[0], "%06u-%0*u", row, (int)sizeof names[0] - 10, row);
    return name;
}

/* Rows first to last, each with its number and `number` more; as many of them as go through. */
static bool put_rows(struct change *change, unsigned first, unsigned last, unsigned number, struct error *error)
{
    for (unsigned row = first; row <= last; row++) {
        if (!put_row(change, "default", name_of(row), number + row, error))
            return false;
    }
    return true;
}

static uint64_t change_rows(struct table *table, unsigned first, unsigned last, unsigned number)
{
    struct error error = {0};
    struct change *change = begin(table);
    assert_done(put_rows(change, first, last, number, &error));
    return commit(change);
}

static uint64_t rewrite_rows(struct table *table, unsigned first, unsigned last, unsigned number)
{
    struct error error = {0};
    struct change *change = begin_rewrite(table);
    assert_done(put_rows(change, first, last, number, &error));
    return commit(change);
}

/* -- the table as text -- */

static void print_bytes(FILE *out, struct text bytes)
{
    fprintf(out, " %zu ", bytes.size);
    if (bytes.size > 0)
        fwrite(bytes.at, 1, bytes.size, out);
}

static bool print_difference(void *context, const struct difference *difference, struct error *error)
{
    (void)error;
    fprintf(context, "\n%d", (int)difference->kind);
    print_bytes(context, difference->key);
    print_bytes(context, difference->before);
    print_bytes(context, difference->after);
    return true;
}

static void print_history(FILE *out, struct snapshot *snapshot)
{
    struct error error = {0};
    struct revision revision;
    uint64_t number = snapshot_state(snapshot)->revision;
    for (; number > 0 && revision_read(snapshot, number, &revision, &error) == LOOKUP_FOUND; number--) {
        fprintf(out, "\nrevision %u: %u %u %u", (unsigned)number, (unsigned)revision.counts.added,
                (unsigned)revision.counts.changed, (unsigned)revision.counts.removed);
        revision_release(&revision);
        assert_done(revision_differences(snapshot, number, print_difference, out, &error));
    }
    assert_int_equal(revision_read(snapshot, snapshot_state(snapshot)->revision + 1, &revision, &error), LOOKUP_ABSENT);
}

/* All that can be read of it but the times; to be freed. */
static char *text_of_table(struct table *table, size_t *size)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct table_row row;
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    assert_non_null(out);
    assert_done(snapshot_open(&snapshot, table, &error));
    for (unsigned state = 0; state < CONNECTION_STATES; state++)
        fprintf(out, "%u ", (unsigned)snapshot_state(snapshot)->rows[state]);
    while (snapshot_next(snapshot, &row, &error) == LOOKUP_FOUND) {
        fputc('\n', out);
        print_bytes(out, row.key);
        print_bytes(out, row.record);
    }
    print_history(out, snapshot);
    snapshot_close(snapshot);
    fclose(out);
    return text;
}

static void expect_text(struct table *table, const char *expected, size_t expected_size)
{
    size_t size = 0;
    char *text = text_of_table(table, &size);
    assert_int_equal(size, expected_size);
    assert_memory_equal(text, expected, size);
    free(text);
}

static void expect_alike(struct table *table, struct table *other)
{
    size_t size = 0;
    char *text = text_of_table(other, &size);
    expect_text(table, text, size);
    free(text);
}

/* -- as in place -- */

/* What happens to a row: nothing, that it goes, or that it gets a number. */
enum { LEAVE, REMOVE, FIRST_NUMBER };

struct edits {
    const char *source;
    unsigned rows[NAMES];
};

/* In stretches, so that long and short runs of rows come, go and stay. */
static void make_edits(struct edits *edits)
{
    unsigned kind = 0;
    edits->source = rand() % 3 == 0 ? "auth0" : "default";
    for (unsigned row = 0; row < NAMES; row++) {
        if (rand() % 50 == 0)
            kind = (unsigned)rand() % 4;
        edits->rows[row] = kind == 3 ? FIRST_NUMBER + (unsigned)rand() % 2 : rand() % 10 == 0 ? REMOVE : kind;
    }
}

static void put_legacy(struct change *change, const char *source, const char *identifier, struct error *error)
{
    char key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
    const struct connection row = {.state = CONNECTION_LEGACY};
    size_t size = connection_key(text_of(source), text_of(identifier), key);
    assert_true(change_put(change, text_slice(key, size), text_slice(record, connection_encode(&row, record)), error));
}

static uint64_t apply(struct change *change, const struct edits *edits)
{
    struct error error = {0};
    for (unsigned row = 0; row < NAMES; row++) {
        unsigned edit = edits->rows[row];
        if (edit == REMOVE)
            assert_done(remove_row(change, edits->source, name_of(row), &error));
        else if (edit != LEAVE && row % 7 == 0)
            put_legacy(change, edits->source, name_of(row), &error);
        else if (edit != LEAVE)
            assert_done(put_row(change, edits->source, name_of(row), edit, &error));
    }
    return commit(change);
}

static uint64_t take_back(struct change *change, uint64_t revision)
{
    struct error error = {0};
    assert_done(revision_rollback(change, revision, &error));
    return commit(change);
}

static void as_if_changed_in_place(void **state)
{
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    struct table *model = open_table(scratch_path(*state, "model.mdb"), TABLE_WRITE, 0);
    struct edits edits;
    srand(31);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        make_edits(&edits);
        uint64_t revision = apply(begin(model), &edits);
        assert_int_equal(apply(begin_rewrite(table), &edits), revision);
        expect_alike(table, model);
        if (round % 4 == 0) {
            uint64_t target = (uint64_t)rand() % revision;
            assert_int_equal(take_back(begin_rewrite(table), target), take_back(begin(model), target));
            expect_alike(table, model);
        }
        if (round % 5 == 0) { /* and in place between two rewrites */
            make_edits(&edits);
            assert_int_equal(apply(begin(table), &edits), apply(begin(model), &edits));
            expect_alike(table, model);
        }
    }
    table_close(table);
    table_close(model);
}

/* What is compared with the table while it is written anew is the table of before, across all transactions. */
static void walked_meanwhile(void **state)
{
    struct error error = {0};
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    struct table_row row;
    char more[300];
    unsigned seen = 0;
    change_rows(table, 1, 2000, 0);
    struct change *change = begin_rewrite(table);
    while (snapshot_next(change_snapshot(change), &row, &error) == LOOKUP_FOUND) {
        assert_memory_equal(row.key.at + 8, name_of(++seen), 200);
        if (seen % 3 == 0)
            assert_done(change_remove(change, row.key, &error));
        else if (seen % 3 == 1)
            assert_done(put_row(change, "default", name_of(seen), 0xffff, &error));
        else if (seen % 2 == 0)
            assert_done(put_row(change, "default", strcat(strcpy(more, name_of(seen)), "more"), seen, &error));
    }
    assert_int_equal(seen, 2000);
    assert_int_equal(change_counts(change).changed, 667);
    commit(change);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 2000 - 666 + 334);
    table_close(table);
}

static void out_of_order(void **state)
{
    struct error error = {0};
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    change_rows(table, 1, 10, 0);
    struct change *change = begin_rewrite(table);
    assert_done(put_row(change, "default", name_of(5), 77, &error));
    assert_false(put_row(change, "default", name_of(5), 78, &error));
    assert_non_null(strstr(error.message, "out of order"));
    assert_false(remove_row(change, "default", name_of(4), &error));
    change_abort(change);
    table_close(table);
}

static void damage_record(const char *path, const char *row)
{
    size_t size = 0;
    char *bytes = scratch_read(path, &size), *at = bytes, pattern[300];
    size_t length = (size_t)snprintf(pattern, sizeof pattern, "%s%c%c%c", row, 1, 0, 2);
    while ((at = memmem(at, size - (size_t)(at - bytes), pattern, length)) != NULL)
        at[length - 3] = UNKNOWN_VERSION;
    scratch_write(path, bytes, size);
    free(bytes);
}

/* A record that cannot be read is none of the change's business, until it is replaced: then rows are counted afresh. */
static void damaged_records(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    struct table *table = open_small(path, TABLE_WRITE, 0);
    change_rows(table, 1, 600, 0);
    table_close(table);
    damage_record(path, name_of(300));
    table = open_small(path, TABLE_WRITE, 0);
    assert_int_equal(rewrite_rows(table, 500, 601, 7), 2);
    assert_int_equal(find_row(table, "default", name_of(300)), LOOKUP_FAILED);
    assert_int_equal(find_row(table, "default", name_of(299)), LOOKUP_FOUND);
    assert_int_equal(rewrite_rows(table, 300, 300, 7), 3);
    assert_int_equal(find_row(table, "default", name_of(300)), LOOKUP_FOUND);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 601);
    table_close(table);
}

/* -- when a change becomes one -- */

static unsigned schema_of(struct table *table)
{
    struct error error = {0};
    struct table_stat stat;
    assert_done(table_stat(table, &stat, &error));
    return stat.schema_version;
}

/* As a command does it. Returns how often it was begun. */
static unsigned change_somehow(struct table *table, uint64_t expected, unsigned first, unsigned last, unsigned number)
{
    struct error error = {0};
    struct bulk bulk = {.rows = expected};
    for (unsigned tries = 1;; tries++) {
        struct change *change = NULL;
        assert_true(tries < 20);
        assert_done(change_begin_bulk(&change, table, &bulk, &error));
        if (!put_rows(change, first, last, number, &error))
            change_abort(change);
        else if (change_commit(change, &note_load, NULL, &error))
            return tries;
        assert_done(change_again(table, &bulk, &error));
    }
}

static void small_changes_stay_in_place(void **state)
{
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    change_rows(table, 1, 1000, 0);
    assert_int_equal(change_somehow(table, 0, 500, 503, 1), 1);
    assert_int_equal(change_somehow(table, 1003, 501, 503, 2), 1);
    assert_int_equal(schema_of(table), TABLE_SCHEMA_OLDEST);
    table_close(table);
}

static void large_changes_are_begun_anew(void **state)
{
    struct error error = {0};
    struct bulk bulk = {0};
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    assert_int_equal(change_somehow(table, 1000, 1, 1000, 0), 1); /* said to be large, beside nothing */
    assert_int_equal(schema_of(table), TABLE_SCHEMA_VERSION);
    assert_int_equal(change_somehow(table, 1000, 1, 1000, 9), 2);
    assert_int_equal(state_of(table).revision, 2);
    assert_int_equal(change_somehow(table, 0, 500, 5000, 9), 2);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 5000);
    error_set(&error, ERROR_CONFLICT, "no");
    assert_false(change_again(table, &bulk, &error));
    assert_string_equal(error.message, "no");
    table_close(table);
}

/* Few rows, but larger than some transactions. */
static void rows_that_are_large(void **state)
{
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    change_rows(table, 1, 100, 0);
    assert_int_equal(change_somehow(table, 0, 101, 105, 0), 1);
    assert_int_equal(change_somehow(table, 0, 201, 600, 0), 2);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 505);
    table_close(table);
}

/* Little to write, but a good part of all there is. */
static void rows_that_are_many(void **state)
{
    struct error error = {0};
    const struct bulk bulk = {0};
    char identifier[32];
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    load_rows(table, 1, 1000, 0);
    struct change *change = NULL;
    assert_done(change_begin_bulk(&change, table, &bulk, &error));
    unsigned row = 0;
    do
        snprintf(identifier, sizeof identifier, "row-%06u", ++row);
    while (row < 1000 && put_row(change, "default", identifier, 0x10000 + row, &error));
    assert_int_equal(error.kind, ERROR_TOO_LARGE);
    assert_in_range(row, 50, 75);
    change_abort(change);
    table_close(table);
}

static void many_removals(void **state)
{
    struct error error = {0};
    const struct bulk bulk = {0};
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    change_rows(table, 1, 4000, 0);
    struct change *change = NULL;
    assert_done(change_begin_bulk(&change, table, &bulk, &error));
    unsigned row = 1;
    while (remove_row(change, "default", name_of(row), &error))
        assert_true(++row < 4000);
    assert_int_equal(error.kind, ERROR_TOO_LARGE);
    assert_false(change_commit(change, &note_load, NULL, &error));
    assert_int_equal(error.kind, ERROR_TOO_LARGE);
    change = begin_rewrite(table);
    for (row = 1; row <= 4000; row++)
        assert_done(remove_row(change, "default", name_of(row), &error));
    assert_int_equal(commit(change), 2);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 0);
    assert_int_equal(find_row(table, "default", name_of(1)), LOOKUP_ABSENT);
    change = begin_rewrite(table);
    assert_int_equal(take_back(change, 1), 3);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 4000);
    table_close(table);
}

static void of_nothing(void **state)
{
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    assert_int_equal(commit(begin_rewrite(table)), 1); /* an empty load is a load */
    assert_int_equal(commit(begin_rewrite(table)), 1);
    change_rows(table, 1, 500, 0);
    assert_int_equal(rewrite_rows(table, 1, 500, 0), 2);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 500);
    table_close(table);
}

/* -- what others see -- */

static uint64_t backup_size(struct table *table, const char *copy)
{
    struct error error = {0};
    struct stat st;
    unlink(copy);
    assert_done(table_backup(table, copy, &error));
    assert_int_equal(stat(copy, &st), 0);
    return (uint64_t)st.st_size;
}

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

/* Runs `work` in a child of its own, as another process would. */
static pid_t start(const char *path, void (*work)(struct table *table, const int pipes[2]), const int pipes[2])
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct table *table = open_small(path, TABLE_WRITE, 0);
        work(table, pipes);
        table_close(table);
        _exit(0);
    }
    return child;
}

static void expect_end(pid_t child, int expected)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, expected);
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

/* -- room -- */

static void map_full(void **state)
{
    struct error error = {0};
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 256 << 10);
    change_rows(table, 1, 100, 0);
    struct change *change = begin_rewrite(table);
    assert_false(put_rows(change, 1, 20000, 5, &error));
    assert_int_equal(error.kind, ERROR_MAP_FULL);
    assert_false(change_commit(change, &note_load, NULL, &error));
    assert_int_equal(error.kind, ERROR_MAP_FULL);
    assert_int_equal(state_of(table).revision, 1);
    assert_true(change_somehow(table, 20000, 1, 20000, 5) > 2);
    assert_int_equal(state_of(table).revision, 2);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 20000);
    assert_int_equal(find_row(table, "default", name_of(20000)), LOOKUP_FOUND);
    assert_done(table_grow(table, &error));
    take_back(begin_rewrite(table), 1);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 100);
    table_close(table);
}

/* Rewrite upon rewrite takes the room of two tables and of the undo, and no more. */
static void room_is_used_again(void **state)
{
    struct error error = {0};
    struct table_stat stat;
    uint64_t few = 0;
    struct table *table = open_small(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    for (unsigned round = 1; round <= 3 * TABLE_REVISIONS_KEPT; round++) {
        rewrite_rows(table, 1, 400, round);
        if (round != TABLE_REVISIONS_KEPT + 5)
            continue;
        assert_done(table_stat(table, &stat, &error));
        few = stat.file_size;
    }
    assert_done(table_stat(table, &stat, &error));
    assert_true(stat.file_size < few * 5 / 4);
    table_close(table);
}

/* Taking back reads the table of before from its begin to its end, which holds none of the room that there is. */
static void room_is_used_again_in_taking_back(void **state)
{
    struct error error = {0};
    struct table_stat before, stat;
    const struct table_options options = {.mode = TABLE_WRITE, .transaction_size = 16 * SMALL};
    struct table *table = open_sized(scratch_path(*state, "t.mdb"), &options);
    uint64_t revision = change_rows(table, 1, 3000, 0);
    for (unsigned round = 1; round <= 8; round++) {
        revision = rewrite_rows(table, 3000, 3000, round);
        if (round == 1)
            assert_done(table_stat(table, &before, &error));
        revision = take_back(begin_rewrite(table), revision - 1);
    }
    assert_done(table_stat(table, &stat, &error));
    assert_true(stat.file_size < before.file_size * 5 / 4);
    table_close(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(as_if_changed_in_place),
        scratch_test(walked_meanwhile),
        scratch_test(out_of_order),
        scratch_test(damaged_records),
        scratch_test(small_changes_stay_in_place),
        scratch_test(large_changes_are_begun_anew),
        scratch_test(rows_that_are_large),
        scratch_test(rows_that_are_many),
        scratch_test(many_removals),
        scratch_test(of_nothing),
        scratch_test(nothing_is_seen_before_the_end),
        scratch_test(another_process_moves_the_rows),
        scratch_test(a_number_that_is_none),
        scratch_test(one_writer_at_a_time),
        scratch_test(a_writer_that_does_not_wait),
        scratch_test(abandoned),
        scratch_test(aborted),
        scratch_test(killed_rewrites_are_whole_or_not_there),
        scratch_test(map_full),
        scratch_test(room_is_used_again),
        scratch_test(room_is_used_again_in_taking_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
