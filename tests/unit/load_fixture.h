/* Mapping files into a table, and a table as a mapping file. */
#ifndef SSOFERRY_TESTS_LOAD_FIXTURE_H
#define SSOFERRY_TESTS_LOAD_FIXTURE_H

#include "ssoferry/mapping_file.h"
#include "table_fixture.h"

static inline bool put_difference(void *context, const struct difference *difference, struct error *error)
{
    if (difference->kind == DIFFERENCE_NONE)
        return true;
    return difference->kind == DIFFERENCE_REMOVED ? change_remove(context, difference->key, error)
                                                  : change_put(context, difference->key, difference->after, error);
}

/* Loads a file that must be without an error, in one revision. Its URLs may name Stytch and legacy.example.net. */
static inline void load_file(struct table *table, const char *path, enum mapping_mode mode)
{
    struct error error = {0};
    const char *why = NULL;
    struct allowed_hosts *hosts = allowed_hosts_new();
    allowed_hosts_add_stytch(hosts);
    assert_true(allowed_hosts_add(hosts, TEXT("legacy.example.net"), &why));
    const struct connection_rules rules = {.stytch = hosts, .legacy = hosts};
    struct faults *faults = faults_new();
    struct mapping *mapping = mapping_new(&rules);
    assert_done(mapping_read(mapping, path, faults, NULL, &error));
    assert_done(mapping_finish(mapping, faults, &error));
    if (faults_errors(faults) > 0) {
        faults_write(faults, stderr);
        fail();
    }
    struct change *change = begin(table);
    assert_done(mapping_compare(mapping, change_snapshot(change), mode, put_difference, change, &error));
    commit(change);
    mapping_free(mapping);
    faults_free(faults);
    allowed_hosts_free(hosts);
}

/* An export as a string, to be freed. */
static inline char *export_table(struct table *table, const char *source)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    char *text = NULL;
    size_t size = 0;
    uint64_t rows = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_done(mapping_export(snapshot, text_of(source), out, NULL, &rows, &error));
    if (source[0] == '\0')
        assert_int_equal(rows, table_state_total(snapshot_state(snapshot)));
    snapshot_close(snapshot);
    fclose(out);
    return text;
}

#endif
