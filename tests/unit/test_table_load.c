/* Loads upon loads: whatever the table was before, after a load it is as if the file had been loaded into an empty one.
 */
#include "ssoferry/mapping_file.h"
#include "table_fixture.h"

enum { ROUNDS = 10, NAMES = 6000 };

static bool put_difference(void *context, const struct difference *difference, struct error *error)
{
    if (difference->kind == DIFFERENCE_NONE)
        return true;
    return difference->kind == DIFFERENCE_REMOVED ? change_remove(context, difference->key, error)
                                                  : change_put(context, difference->key, difference->after, error);
}

static void load_file(struct table *table, const char *path, enum mapping_mode mode)
{
    struct error error = {0};
    struct allowed_hosts *hosts = allowed_hosts_new();
    const struct connection_rules rules = {.stytch = hosts, .legacy = hosts};
    struct faults *faults = faults_new();
    struct mapping *mapping = mapping_new(&rules);
    assert_done(mapping_read(mapping, path, faults, NULL, &error));
    assert_done(mapping_finish(mapping, faults, &error));
    assert_int_equal(faults_errors(faults), 0);
    struct change *change = begin(table);
    assert_done(mapping_compare(mapping, change_snapshot(change), mode, put_difference, change, &error));
    commit(change);
    mapping_free(mapping);
    faults_free(faults);
    allowed_hosts_free(hosts);
}

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

static char *rows_of(struct table *table)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    char *text = NULL;
    size_t size = 0;
    uint64_t rows = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_done(mapping_export(snapshot, TEXT(""), out, &rows, &error));
    assert_int_equal(rows, table_state_total(snapshot_state(snapshot)));
    snapshot_close(snapshot);
    fclose(out);
    return text;
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
        char *rows = rows_of(table), *expected = rows_of(fresh);
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
    char *rows = rows_of(table);
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
