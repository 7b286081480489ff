/* Short words for the tests of changes that write the whole table anew, in transactions as small as they get. */
#ifndef SSOFERRY_TESTS_REWRITE_FIXTURE_H
#define SSOFERRY_TESTS_REWRITE_FIXTURE_H

#include <sys/stat.h>
#include <sys/wait.h>

#include "table_fixture.h"

enum { SMALL = 8 << 10 }; /* bytes of a transaction */

static const struct bulk rewrite = {.rewrite = true};

static inline struct table *open_sized(const char *path, const struct table_options *options)
{
    struct table *table = NULL;
    struct error error = {0};
    assert_done(table_open(&table, path, options, &error));
    return table;
}

static inline struct table *open_small(const char *path, enum table_mode mode, uint64_t map_size)
{
    return open_sized(path, &(struct table_options){.mode = mode, .map_size = map_size, .transaction_size = SMALL});
}

static inline struct change *begin_rewrite(struct table *table)
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
static inline bool put_rows(struct change *change, unsigned first, unsigned last, unsigned number, struct error *error)
{
    for (unsigned row = first; row <= last; row++) {
        if (!put_row(change, "default", name_of(row), number + row, error))
            return false;
    }
    return true;
}

static inline uint64_t change_rows(struct table *table, unsigned first, unsigned last, unsigned number)
{
    struct error error = {0};
    struct change *change = begin(table);
    assert_done(put_rows(change, first, last, number, &error));
    return commit(change);
}

static inline uint64_t rewrite_rows(struct table *table, unsigned first, unsigned last, unsigned number)
{
    struct error error = {0};
    struct change *change = begin_rewrite(table);
    assert_done(put_rows(change, first, last, number, &error));
    return commit(change);
}

/* -- the table as text -- */

static inline void print_bytes(FILE *out, struct text bytes)
{
    fprintf(out, " %zu ", bytes.size);
    if (bytes.size > 0)
        fwrite(bytes.at, 1, bytes.size, out);
}

static inline bool print_difference(void *context, const struct difference *difference, struct error *error)
{
    (void)error;
    fprintf(context, "\n%d", (int)difference->kind);
    print_bytes(context, difference->key);
    print_bytes(context, difference->before);
    print_bytes(context, difference->after);
    return true;
}

static inline void print_history(FILE *out, struct snapshot *snapshot)
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
static inline char *text_of_table(struct table *table, size_t *size)
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

static inline void expect_text(struct table *table, const char *expected, size_t expected_size)
{
    size_t size = 0;
    char *text = text_of_table(table, &size);
    assert_int_equal(size, expected_size);
    assert_memory_equal(text, expected, size);
    free(text);
}

static inline void expect_alike(struct table *table, struct table *other)
{
    size_t size = 0;
    char *text = text_of_table(other, &size);
    expect_text(table, text, size);
    free(text);
}

/* As a command does it. Returns how often it was begun. */
static inline unsigned change_somehow(struct table *table, uint64_t expected, unsigned first, unsigned last,
                                      unsigned number)
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

static inline uint64_t take_back(struct change *change, uint64_t revision)
{
    struct error error = {0};
    assert_done(revision_rollback(change, revision, NULL, NULL, &error));
    return commit(change);
}

static inline unsigned schema_of(struct table *table)
{
    struct error error = {0};
    struct table_stat stat;
    assert_done(table_stat(table, &stat, &error));
    return stat.schema_version;
}

static inline uint64_t backup_size(struct table *table, const char *copy)
{
    struct error error = {0};
    struct stat st;
    unlink(copy);
    assert_done(table_backup(table, copy, &error));
    assert_int_equal(stat(copy, &st), 0);
    return (uint64_t)st.st_size;
}

/* Runs `work` in a child of its own, as another process would. */
static inline pid_t start(const char *path, void (*work)(struct table *table, const int pipes[2]), const int pipes[2])
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

static inline void expect_end(pid_t child, int expected)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, expected);
}

#endif
