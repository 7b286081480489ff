#include "scratch.h"

#include "ssoferry/rowset.h"

/* Row i of a test: its key from a shuffled number, its record and place telling i. */
static bool add(struct rowset *set, const char *identifier, unsigned i, size_t record_size, struct error *error)
{
    char key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
    memset(record, 'r', record_size);
    if (record_size >= sizeof i)
        memcpy(record, &i, sizeof i);
    const struct rowset_row row = {.row = {text_slice(key, connection_key(TEXT("default"), text_of(identifier), key)),
                                           text_slice(record, record_size)},
                                   .file = i % 7,
                                   .line = i,
                                   .column = i % 100,
                                   .length = 3};
    return rowset_add(set, &row, error);
}

/* Walks the set: keys must not fall, and rows of one key come as they were added. Returns how many there were. */
static unsigned walk(struct rowset *set, size_t record_size)
{
    struct error error = {0};
    struct rowset_row row;
    char last[CONNECTION_KEY_SIZE_MAX];
    size_t last_size = 0;
    unsigned count = 0, last_line = 0;
    enum lookup_result result;
    assert_true(rowset_rewind(set, &error));
    for (; (result = rowset_next(set, &row, &error)) == LOOKUP_FOUND; count++) {
        int order = text_compare(text_slice(last, last_size), row.row.key);
        assert_true(count == 0 || order < 0 || (order == 0 && last_line < row.line));
        assert_int_equal(row.row.record.size, record_size);
        if (record_size >= sizeof row.line)
            assert_memory_equal(row.row.record.at, &row.line, sizeof row.line);
        assert_int_equal(row.file, row.line % 7);
        assert_int_equal(row.column, row.line % 100);
        assert_int_equal(row.length, 3);
        memcpy(last, row.row.key.at, row.row.key.size);
        last_size = row.row.key.size;
        last_line = row.line;
    }
    assert_int_equal(result, LOOKUP_ABSENT);
    assert_int_equal(rowset_next(set, &row, &error), LOOKUP_ABSENT);
    return count;
}

enum { SMALL = 1500 << 10, ROWS_IN_MEMORY = 7000 }; /* bytes of rows in memory, so that many runs come of few rows */

enum order { RISING, FALLING, LEAPING, SAME, SORTED_BUT_ONE };

static void name_of(char out[64], enum order order, unsigned i, unsigned count)
{
    unsigned number = order == RISING || order == SORTED_BUT_ONE ? i
                      : order == FALLING                         ? count - i
                      : order == LEAPING                         ? i * 7919u % count
                                                                 : 0;
    if (order == SORTED_BUT_ONE && i + 1 == count)
        number = 0;
    snprintf(out, 64, "customer-with-a-long-name-%08u", number);
}

static void fill_and_walk(enum order order, unsigned count, size_t record_size)
{
    struct error error = {0};
    struct rowset *set = rowset_new(SMALL);
    char name[64];
    for (unsigned i = 0; i < count; i++) {
        name_of(name, order, i, count);
        assert_true(add(set, name, i, record_size, &error));
    }
    assert_int_equal(rowset_count(set), count);
    if (order == RISING || count < 2)
        assert_true(rowset_differs(set));
    else if (order != LEAPING || count > 20)
        assert_false(rowset_differs(set)); /* nobody has looked yet */
    assert_int_equal(walk(set, record_size), count);
    assert_int_equal(walk(set, record_size), count); /* again */
    if (count <= ROWS_IN_MEMORY)
        assert_int_equal(rowset_differs(set), order <= LEAPING || count < 2);
    rowset_free(set);
}

static void small_sets(void **state)
{
    (void)state;
    for (unsigned count = 0; count < 50; count += 1 + count / 7) {
        for (enum order order = RISING; order <= SORTED_BUT_ONE; order++) {
            fill_and_walk(order, count, 0);
            fill_and_walk(order, count, 19);
        }
    }
    for (enum order order = RISING; order <= SORTED_BUT_ONE; order++)
        fill_and_walk(order, ROWS_IN_MEMORY, 19);
    rowset_free(NULL);
}

/* Records as long as they get fill the buffer some times over, and short ones, of which there are many in it. */
static void sets_larger_than_memory(void **state)
{
    (void)state;
    for (enum order order = RISING; order <= SORTED_BUT_ONE; order++) {
        fill_and_walk(order, 20011, CONNECTION_RECORD_SIZE_MAX);
        fill_and_walk(order, 100003, 19);
    }
}

/* Only one of them has rows out of order, and what keys start with alike is less in another. */
static void runs_of_other_kinds(void **state)
{
    (void)state;
    struct error error = {0};
    struct rowset *set = rowset_new(SMALL);
    char name[64];
    for (unsigned i = 0; i < 90000; i++) {
        snprintf(name, sizeof name, "%s-with-a-long-name-%08u",
                 i < 60000   ? "customer"
                 : i < 60002 ? "a"
                             : "custom",
                 i > 35000 && i < 40000 ? 75000 - i : i);
        assert_true(add(set, name, i, 19, &error));
    }
    assert_int_equal(walk(set, 19), 90000);
    rowset_free(set);
}

/* Runs are told apart by some bytes behind what all keys start with alike, by some more, and by all that is left. */
static void runs_that_differ_late(void **state)
{
    enum { ROWS = 100003 };
    (void)state;
    struct error error = {0};
    struct rowset *set = rowset_new(SMALL);
    char name[64];
    for (unsigned i = 0; i < ROWS; i++) {
        const unsigned number = i * 7919u % ROWS;
        snprintf(name, sizeof name, "%c-alike-%08u-%02u", number % 2 == 0 ? 'a' : 'z', number / 100, number % 100);
        assert_true(add(set, name, i, 19, &error));
    }
    assert_int_equal(walk(set, 19), ROWS);
    rowset_free(set);
}

static void keys_with_one_prefix(void **state)
{
    (void)state;
    struct error error = {0};
    struct rowset *set = rowset_new(0);
    char name[IDENTIFIER_SIZE_MAX + 1];
    /* Lengths fall, so that each key is a prefix of the one before; the last differ in one byte behind 400 equal ones.
     */
    for (unsigned i = 0; i < IDENTIFIER_SIZE_MAX; i++) {
        memset(name, 'k', sizeof name);
        name[IDENTIFIER_SIZE_MAX - i] = '\0';
        assert_true(add(set, name, i, 4, &error));
    }
    for (unsigned i = 0; i < 26; i++) {
        memset(name, 'k', sizeof name);
        name[400] = (char)('z' - i);
        name[401] = '\0';
        assert_true(add(set, name, IDENTIFIER_SIZE_MAX + i, 4, &error));
    }
    assert_int_equal(walk(set, 4), IDENTIFIER_SIZE_MAX + 26);
    rowset_free(set);
}

static void bytes_are_unsigned(void **state)
{
    (void)state;
    struct error error = {0};
    struct rowset *set = rowset_new(0);
    assert_true(add(set, "\xf0\x9f\x98\x80", 0, 4, &error));
    assert_true(add(set, "z", 1, 4, &error));
    assert_true(add(set, "\xc3\xa9", 2, 4, &error));
    assert_true(add(set, "z\xc3\xa9", 3, 4, &error));
    assert_true(add(set, "{", 4, 4, &error));
    assert_true(add(set, "zz", 5, 4, &error));
    assert_int_equal(walk(set, 4), 6);
    rowset_free(set);
}

static void no_room_for_temporary_files(void **state)
{
    struct error error = {0};
    const char *missing = scratch_path(*state, "missing");
    struct rowset *set = rowset_new(SMALL);
    bool good = true;
    setenv("TMPDIR", missing, 1);
    for (unsigned i = 0; good && i < 20000; i++)
        good = add(set, "x", i, CONNECTION_RECORD_SIZE_MAX, &error);
    unsetenv("TMPDIR");
    assert_false(good);
    assert_int_equal(error.kind, ERROR_FAILED);
    assert_non_null(strstr(error.message, missing));
    rowset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_sets),
        cmocka_unit_test(sets_larger_than_memory),
        cmocka_unit_test(runs_of_other_kinds),
        cmocka_unit_test(runs_that_differ_late),
        cmocka_unit_test(keys_with_one_prefix),
        cmocka_unit_test(bytes_are_unsigned),
        scratch_test(no_room_for_temporary_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
