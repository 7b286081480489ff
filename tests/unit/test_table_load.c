/* Loads upon loads: whatever the table was before, after a load it is as if the file had been loaded into an empty one.
 */
#include "load_fixture.h"

enum { ROUNDS = 10, NAMES = 6000 };

/* A file of stretches: in some nearly all names are there, in others few, so that rows come and go in long and short
 * runs. */
static void write_random_file(const char *path)
{
    FILE *out = fopen(path, "we");
    unsigned chance = 50;
    assert_non_null(out);
    fputs("version: 1\nconnections:\n", out);
    for (unsigned i = 0; i < NAMES; i++) {
        if (rand() % 200 == 0)
            chance = (unsigned)rand() % 4 * 33;
        if ((unsigned)rand() % 100 < chance)
            fprintf(out, "  name-%06u: saml-connection-live-%u\n", i, (unsigned)rand() % 3);
    }
    fputs("  the-last: saml-connection-live-0\n", out);
    fclose(out);
}

static void loads_upon_loads(void **state)
{
    const char *path = scratch_path(*state, "old.mdb"), *fresh_path = scratch_path(*state, "fresh.mdb"),
               *lock_path = scratch_path(*state, "fresh.mdb-lock"), *file = scratch_path(*state, "m.yaml");
    struct table *table = open_table(path, TABLE_WRITE, 0);
    srand(23);
    for (unsigned round = 0; round < ROUNDS; round++) {
        write_random_file(file);
        load_file(table, file, MAPPING_REPLACE);
        struct table *fresh = open_table(fresh_path, TABLE_WRITE, 0);
        load_file(fresh, file, MAPPING_REPLACE);
        char *rows = export_table(table, ""), *expected = export_table(fresh, "");
        assert_string_equal(rows, expected);
        free(rows);
        free(expected);
        table_close(fresh);
        assert_int_equal(unlink(fresh_path) | unlink(lock_path), 0);
    }
    table_close(table);
}

/* Merging the parts of a file in any order is loading the whole. */
static void merges_upon_merges(void **state)
{
    const char *path = scratch_path(*state, "old.mdb"), *file = scratch_path(*state, "m.yaml");
    char expected[NAMES / 10 * 48];
    struct table *table = open_table(path, TABLE_WRITE, 0);
    size_t used = (size_t)sprintf(expected, "version: 1\nsource: default\nconnections:\n");
    for (unsigned i = 0; i < NAMES / 10; i++)
        used += (size_t)sprintf(expected + used, "  name-%06u: saml-connection-live-%u\n", i, i % 7);
    for (unsigned part = 0; part < 7; part++) {
        FILE *out = fopen(file, "we");
        fputs("version: 1\nconnections:\n", out);
        for (unsigned i = part * 3 % 7; i < NAMES / 10; i += 7)
            fprintf(out, "  name-%06u: saml-connection-live-%u\n", i, i % 7);
        fclose(out);
        load_file(table, file, MAPPING_MERGE);
    }
    char *rows = export_table(table, "");
    assert_string_equal(rows, expected);
    free(rows);
    table_close(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(loads_upon_loads),
        scratch_test(merges_upon_merges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
