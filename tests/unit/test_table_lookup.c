/* Lookups of one thread, one after the other: rows that come again and again are remembered, and must not be told
 * wrongly for it. */
#include "table_fixture.h"

enum { ROWS = 30000, ROUNDS = 4, LABELLED = IDENTIFIER_SIZE_MAX + 1 };

static struct lookup *open_lookup(struct table *table)
{
    struct lookup *lookup = NULL;
    struct error error = {0};
    assert_done(lookup_open(&lookup, table, &error));
    return lookup;
}

static enum lookup_result look_up(struct lookup *lookup, const char *source, const char *identifier,
                                  struct connection_buffer *found)
{
    struct error error = {0};
    return lookup_find(lookup, text_of(source), text_of(identifier), found, &error);
}

/* That a row's connection id ends in `number`. */
static void expect_number(struct lookup *lookup, const char *source, const char *identifier, unsigned number)
{
    struct connection_buffer found;
    char digits[9];
    snprintf(digits, sizeof digits, "%08x", number);
    assert_int_equal(look_up(lookup, source, identifier, &found), LOOKUP_FOUND);
    assert_memory_equal(found.row.connection_id.at + found.row.connection_id.size - 8, digits, 8);
}

static void expect_rows(struct lookup *lookup, unsigned step, unsigned number)
{
    char identifier[32];
    for (unsigned i = 1; i <= ROWS; i += step) {
        snprintf(identifier, sizeof identifier, "row-%06u", i);
        expect_number(lookup, "default", identifier, number + i);
    }
}

static void every_row_is_told_as_it_is_now(void **state)
{
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 256 << 20);
    load_rows(table, 1, ROWS, 0x1000000);
    struct lookup *lookup = open_lookup(table);
    for (unsigned round = 0; round < ROUNDS; round++) {
        expect_rows(lookup, 1, 0x1000000); /* more rows than are remembered, */
        expect_rows(lookup, 97, 0x1000000);
        expect_rows(lookup, 97, 0x1000000); /* and a few again and again */
    }
    load_rows(table, 1, ROWS, 0x2000000);
    for (unsigned round = 0; round < ROUNDS; round++)
        expect_rows(lookup, 97, 0x2000000);
    lookup_close(lookup);
    table_close(table);
}

static void a_row_is_gone_and_comes_back(void **state)
{
    struct error error = {0};
    struct connection_buffer found;
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 256 << 20);
    load_rows(table, 1, 10, 0);
    struct lookup *lookup = open_lookup(table);
    for (unsigned turn = 1; turn <= 20; turn++) {
        expect_number(lookup, "default", "row-000007", 7 * turn);
        expect_number(lookup, "default", "row-000007", 7 * turn);
        expect_number(lookup, "default", "row-000008", 8);
        struct change *change = begin(table);
        assert_done(remove_row(change, "default", "row-000007", &error));
        commit(change);
        assert_int_equal(look_up(lookup, "default", "row-000007", &found), LOOKUP_ABSENT);
        assert_int_equal(look_up(lookup, "default", "row-000007", &found), LOOKUP_ABSENT);
        expect_number(lookup, "default", "row-000008", 8);
        change = begin(table);
        assert_done(put_row(change, "default", "row-000007", 7 * (turn + 1), &error));
        commit(change);
    }
    lookup_close(lookup);
    table_close(table);
}

static void sources_keep_apart(void **state)
{
    struct error error = {0};
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 256 << 20);
    struct change *change = begin(table);
    assert_done(put_row(change, "a", "bc", 1, &error));
    assert_done(put_row(change, "ab", "c", 2, &error));
    assert_done(put_row(change, "b", "bc", 3, &error));
    commit(change);
    struct lookup *lookup = open_lookup(table);
    for (unsigned round = 0; round < ROUNDS; round++) {
        expect_number(lookup, "a", "bc", 1);
        expect_number(lookup, "ab", "c", 2);
        expect_number(lookup, "b", "bc", 3);
    }
    lookup_close(lookup);
    table_close(table);
}

/* Rows of all sizes: with a label up to 256 bytes long and an identifier up to 440. */
static void short_and_long_rows(void **state)
{
    struct error error = {0};
    struct connection_buffer found;
    char label[LABELLED], identifier[LABELLED + 1], key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 256 << 20);
    struct change *change = begin(table);
    memset(label, 'l', sizeof label);
    memset(identifier, 'i', sizeof identifier);
    for (unsigned i = 1; i < LABELLED; i++) {
        struct connection row = {.connection_id = TEXT(LIVE_ID("00000001")),
                                 .label = text_slice(label, i < LABEL_SIZE_MAX ? i : LABEL_SIZE_MAX)};
        size_t key_size = connection_key(TEXT("default"), text_slice(identifier, i), key);
        assert_done(
            change_put(change, text_slice(key, key_size), text_slice(record, connection_encode(&row, record)), &error));
    }
    commit(change);
    struct lookup *lookup = open_lookup(table);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 1; i < LABELLED; i++) {
            identifier[i] = '\0';
            assert_int_equal(look_up(lookup, "default", identifier, &found), LOOKUP_FOUND);
            assert_int_equal(found.row.label.size, i < LABEL_SIZE_MAX ? i : LABEL_SIZE_MAX);
            assert_memory_equal(found.row.label.at, label, found.row.label.size);
            identifier[i] = 'i';
        }
    }
    lookup_close(lookup);
    table_close(table);
}

struct walked {
    unsigned rows, disordered;
    char last[TABLE_KEY_SIZE_MAX];
    size_t last_size;
};

static void on_row(void *context, struct table_row row)
{
    struct walked *walked = context;
    if (walked->rows++ > 0 && text_compare(text_slice(walked->last, walked->last_size), row.key) >= 0)
        ++walked->disordered;
    walked->last_size = row.key.size;
    memcpy(walked->last, row.key.at, row.key.size);
}

/* However many are shown at once, each is, in order and once; also those that came or stayed while others went. */
static void a_walk_shows_every_row(void **state)
{
    static const size_t steps[] = {1, 7, 100, 1000};
    struct error error = {0};
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 256 << 20);
    struct lookup *lookup = open_lookup(table);
    struct lookup_walk walk = {0};
    struct walked walked = {0};
    assert_int_equal(lookup_walk(lookup, &walk, 10, on_row, &walked, &error), LOOKUP_ABSENT);
    assert_int_equal(walked.rows, 0);
    load_rows(table, 1, 100, 0x1000000);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        walk = (struct lookup_walk){0};
        walked = (struct walked){0};
        while (lookup_walk(lookup, &walk, steps[i], on_row, &walked, &error) == LOOKUP_FOUND)
            assert_in_range(walked.rows, 1, 100);
        assert_int_equal(walked.rows, 100);
        assert_int_equal(walked.disordered, 0);
        assert_int_equal(walk.revision, 1);
    }
    walk = (struct lookup_walk){0};
    walked = (struct walked){0};
    assert_int_equal(lookup_walk(lookup, &walk, 60, on_row, &walked, &error), LOOKUP_FOUND);
    load_rows(table, 101, 110, 0x1000000);
    assert_int_equal(lookup_walk(lookup, &walk, 1000, on_row, &walked, &error), LOOKUP_ABSENT);
    assert_int_equal(walked.rows, 110);
    assert_int_equal(walked.disordered, 0);
    assert_int_equal(walk.revision, 2);
    lookup_close(lookup);
    table_close(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(every_row_is_told_as_it_is_now),
        scratch_test(a_row_is_gone_and_comes_back),
        scratch_test(sources_keep_apart),
        scratch_test(short_and_long_rows),
        scratch_test(a_walk_shows_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
