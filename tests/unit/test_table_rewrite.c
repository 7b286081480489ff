/* Changes that write the whole table anew: when a change becomes one, and that afterwards it is as if the rows had been
 * changed in place. */
#include "rewrite_fixture.h"

enum { NAMES = 4000, ROUNDS = 12, UNKNOWN_VERSION = 9 };

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
