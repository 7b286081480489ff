/* How much room a table takes that is written anew, again and again. */
#include "rewrite_fixture.h"

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
        scratch_test(map_full),
        scratch_test(room_is_used_again),
        scratch_test(room_is_used_again_in_taking_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
