/* Mapping files: what is read from them, what is said of them, and what a table becomes by them. */
#include <dirent.h>

#include "ssoferry/mapping_file.h"
#include "table_fixture.h"

#define ID_A "saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be9"
#define ID_B "saml-connection-live-0f0d1a0e-1d55-4f5c-8f5e-0a5b2f3c4d5e"

/* A mapping with all that belongs to it. */
struct reading {
    struct allowed_hosts *stytch, *legacy;
    struct connection_rules rules;
    struct faults *faults;
    struct mapping *mapping;
};

static void reading_open(struct reading *reading)
{
    const char *why = NULL;
    reading->stytch = allowed_hosts_new();
    reading->legacy = allowed_hosts_new();
    allowed_hosts_add_stytch(reading->stytch);
    assert_true(allowed_hosts_add(reading->legacy, TEXT("legacy.example.net"), &why));
    reading->rules = (struct connection_rules){.stytch = reading->stytch,
                                               .legacy = reading->legacy,
                                               .live_host = TEXT("api.stytch.com"),
                                               .test_host = TEXT("test.stytch.com")};
    reading->faults = faults_new();
    reading->mapping = mapping_new(&reading->rules);
}

static void reading_close(struct reading *reading)
{
    mapping_free(reading->mapping);
    faults_free(reading->faults);
    allowed_hosts_free(reading->stytch);
    allowed_hosts_free(reading->legacy);
}

static char *faults_text(struct reading *reading)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    faults_write(reading->faults, out);
    fclose(out);
    return text;
}

static void read_file(struct reading *reading, const char *path)
{
    struct error error = {0};
    assert_done(mapping_read(reading->mapping, path, reading->faults, NULL, &error));
}

static void finish(struct reading *reading)
{
    struct error error = {0};
    assert_done(mapping_finish(reading->mapping, reading->faults, &error));
}

/* Reads YAML that must be without a fault. */
static void read_good(struct reading *reading, const char *path, const char *yaml)
{
    scratch_write(path, yaml, strlen(yaml));
    reading_open(reading);
    read_file(reading, path);
    finish(reading);
    if (faults_errors(reading->faults) > 0)
        fail_msg("%s", faults_text(reading));
}

/* -- the collection of files -- */

static int is_yaml(const struct dirent *entry)
{
    return text_ends(text_of(entry->d_name), TEXT(".yaml"));
}

static void replay_one(const char *name, bool good)
{
    struct reading reading;
    char expected_path[300];
    size_t size = 0;
    reading_open(&reading);
    read_file(&reading, name);
    finish(&reading);
    char *text = faults_text(&reading);
    snprintf(expected_path, sizeof expected_path, "%.*s.expected", (int)strlen(name) - 5, name);
    char *expected = scratch_read(expected_path, &size);
    if (strcmp(text, expected) != 0)
        fail_msg("%s: got:\n%s\nexpected:\n%s", name, text, expected);
    assert_int_equal(faults_errors(reading.faults) == 0, good);
    free(text);
    free(expected);
    reading_close(&reading);
}

/* The names of files that a directory of the collection holds, each with what must be said of it beside it. */
static void replay(const char *directory, bool good, int at_least)
{
    char home[512];
    struct dirent **entries = NULL;
    assert_non_null(getcwd(home, sizeof home));
    assert_int_equal(chdir(directory), 0);
    int count = scandir(".", &entries, is_yaml, alphasort);
    assert_true(count >= at_least);
    for (int i = 0; i < count; i++) {
        replay_one(entries[i]->d_name, good);
        free(entries[i]);
    }
    free(entries);
    assert_int_equal(chdir(home), 0);
}

static void bad_files(void **state)
{
    (void)state;
    replay(TEST_DATA "/bad", false, 25);
}

static void good_files(void **state)
{
    (void)state;
    replay(TEST_DATA "/good", true, 8);
}

/* -- what is read -- */

static const char as_written[] = "version: 1\n"
                                 "source: auth0\n"
                                 "connections:\n"
                                 "  yes: " ID_A "\n"
                                 "  0123: " ID_A "\n"
                                 "  ~: " ID_A "\n"
                                 "  null: " ID_A "\n"
                                 "  1e3: " ID_A "\n"
                                 "  0x10: " ID_A "\n"
                                 "  \"\\u00e9\": " ID_A "\n"
                                 "  globex:\n"
                                 "    state: legacy\n"
                                 "    redirect: '303'\n"
                                 "    connection_id: " ID_B "\n"
                                 "    acs_url: https://api.stytch.com/v1/b2b/sso/callback/" ID_B "\n"
                                 "    legacy_url: https://legacy.example.net/acs?x=1\n"
                                 "    organization_id: organization-live-1\n"
                                 "    label: yes\n";

static void rows_as_written(void **state)
{
    static const char *const names[] = {"0123", "0x10", "1e3", "globex", "null", "yes", "~", "\xc3\xa9"};
    struct reading reading;
    struct error error = {0};
    struct rowset_row row;
    struct connection_buffer buffer;
    const struct text *sources = NULL;
    const struct revision_file *files = NULL;
    const char *path = scratch_path(*state, "m.yaml");
    read_good(&reading, path, as_written);
    assert_int_equal(mapping_sources(reading.mapping, &sources), 1);
    assert_text(sources[0], "auth0");
    assert_int_equal(mapping_files(reading.mapping, &files), 1);
    assert_string_equal(files[0].path, path);
    assert_int_equal(strlen(files[0].sha256), 64);
    assert_done(rowset_rewind(mapping_rows(reading.mapping), &error));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct text source, identifier;
        assert_int_equal(rowset_next(mapping_rows(reading.mapping), &row, &error), LOOKUP_FOUND);
        assert_true(connection_key_split(row.row.key, &source, &identifier));
        assert_text(source, "auth0");
        assert_text(identifier, names[i]);
        assert_done(connection_decode(row.row.record, &buffer, &error));
        if (i != 3)
            assert_text(buffer.row.connection_id, ID_A);
    }
    assert_int_equal(rowset_next(mapping_rows(reading.mapping), &row, &error), LOOKUP_ABSENT);
    reading_close(&reading);
}

static void fields_as_written(void **state)
{
    struct reading reading;
    struct error error = {0};
    struct rowset_row row;
    struct connection_buffer buffer;
    read_good(&reading, scratch_path(*state, "m.yaml"), as_written);
    assert_done(rowset_rewind(mapping_rows(reading.mapping), &error));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(rowset_next(mapping_rows(reading.mapping), &row, &error), LOOKUP_FOUND);
    assert_done(connection_decode(row.row.record, &buffer, &error));
    assert_int_equal(buffer.row.state, CONNECTION_LEGACY);
    assert_int_equal(buffer.row.redirect, REDIRECT_303);
    assert_text(buffer.row.connection_id, ID_B);
    assert_text(buffer.row.acs_url, "https://api.stytch.com/v1/b2b/sso/callback/" ID_B);
    assert_text(buffer.row.legacy_url, "https://legacy.example.net/acs?x=1");
    assert_text(buffer.row.organization_id, "organization-live-1");
    assert_text(buffer.row.label, "yes");
    reading_close(&reading);
}

static void sources(void **state)
{
    struct reading reading;
    const struct text *names = NULL;
    const struct revision_file *files = NULL;
    const char *path = scratch_path(*state, "m.yaml"), *other = scratch_path(*state, "n.yaml");
    read_good(&reading, path, "version: 1\nsources:\n  okta: {}\n  auth0: {a: " ID_A "}\n  keycloak: {a: " ID_A "}\n");
    scratch_write(other, "version: 1\nconnections: {}\n", 27);
    read_file(&reading, other);
    read_file(&reading, other);
    assert_int_equal(mapping_sources(reading.mapping, &names), 4);
    assert_text(names[0], "auth0");
    assert_text(names[1], "default");
    assert_text(names[2], "keycloak");
    assert_text(names[3], "okta");
    for (size_t i = 0; i < 4; ++i)
        assert_true(mapping_has_source(reading.mapping, names[i]));
    static const char *const others[] = {"", "a", "auth", "auth1", "kezcloak", "okt", "okta1", "z"};
    for (size_t i = 0; i < COUNT_OF(others); ++i)
        assert_false(mapping_has_source(reading.mapping, text_of(others[i])));
    assert_int_equal(mapping_files(reading.mapping, &files), 3);
    assert_string_equal(files[1].path, other);
    assert_int_equal(rowset_count(mapping_rows(reading.mapping)), 2);
    reading_close(&reading);
}

/* In whatever order they come, they are sorted, and each is there once. */
static void many_sources(void **state)
{
    enum { MANY = 997 /* a prime, so that steps of any size visit them all */ };
    struct reading reading;
    const struct text *names = NULL;
    char name[16];
    read_good(&reading, scratch_path(*state, "m.yaml"), "version: 1\nconnections: {}\n");
    for (unsigned i = 0; i < 2 * MANY; ++i) {
        snprintf(name, sizeof name, "s%03u", i * 389 % MANY);
        mapping_add_source(reading.mapping, text_of(name));
    }
    assert_int_equal(mapping_sources(reading.mapping, &names), MANY + 1);
    for (unsigned i = 0; i < MANY; ++i) {
        snprintf(name, sizeof name, "s%03u", i);
        assert_text(names[i + 1], name);
    }
    reading_close(&reading);
}

static void identifiers_twice_across_files(void **state)
{
    struct reading reading;
    const char *first = scratch_path(*state, "a.yaml"), *second = scratch_path(*state, "b.yaml");
    const char yaml[] = "version: 1\nsources:\n  default:\n    acme: " ID_A "\n  auth0:\n    acme: " ID_A "\n";
    const char other[] = "version: 1\nconnections:\n  globex: " ID_A "\n  acme: " ID_B "\n  initech: " ID_A "\n";
    char expected[1024];
    scratch_write(first, yaml, sizeof yaml - 1);
    scratch_write(second, other, sizeof other - 1);
    reading_open(&reading);
    read_file(&reading, first);
    read_file(&reading, second);
    assert_int_equal(faults_errors(reading.faults), 0);
    finish(&reading);
    char *text = faults_text(&reading);
    snprintf(expected, sizeof expected,
             "%s:4:3: error: this identifier is already in %s:4\n      acme: " ID_B "\n      ^~~~\n", second, first);
    assert_string_equal(text, expected);
    free(text);
    reading_close(&reading);
}

static void test_and_live_across_files(void **state)
{
    static const char live[] = "version: 1\nconnections:\n  acme: " ID_A "\n";
    static const char test[] = "version: 1\nconnections:\n  globex: saml-connection-test-0f0d1a0e\n";
    struct reading reading;
    scratch_write(scratch_path(*state, "live.yaml"), live, strlen(live));
    scratch_write(scratch_path(*state, "test.yaml"), test, strlen(test));
    reading_open(&reading);
    assert_int_equal(mapping_stage(reading.mapping), STAGE_NONE);
    read_file(&reading, scratch_path(*state, "live.yaml"));
    assert_int_equal(mapping_stage(reading.mapping), STAGE_LIVE);
    read_file(&reading, scratch_path(*state, "test.yaml"));
    assert_int_equal(mapping_stage(reading.mapping), STAGE_MIXED);
    char *text = faults_text(&reading);
    assert_non_null(strstr(text, "test.yaml:3:11: warning: this connection is of a test project, the one in "));
    assert_non_null(strstr(text, "live.yaml:3 of a live project"));
    free(text);
    reading_close(&reading);
}

/* Good rows are shown with their places, in either form; others are not. */
static void watched_row(void *context, const struct mapping_row *row)
{
    char *said = context;
    sprintf(said + strlen(said), "%.*s %.*s %s %.*s %u:%u+%u\n", TEXT_ARGS(row->source), TEXT_ARGS(row->identifier),
            connection_state_name(row->row->state), TEXT_ARGS(row->row->connection_id), row->line, row->column,
            row->length);
}

static void rows_are_watched(void **state)
{
    static const char yaml[] =
        "version: 1\nsource: auth0\nconnections:\n  acme: " ID_A "\n  short: saml-connection-live-1\n"
        "  bad: nonsense\n  '': " ID_A "\n  old:\n    state: legacy\n  worse:\n    state: gone\n";
    char said[512] = "";
    struct reading reading;
    scratch_write(scratch_path(*state, "watched.yaml"), yaml, strlen(yaml));
    reading_open(&reading);
    mapping_watch(reading.mapping, watched_row, said);
    read_file(&reading, scratch_path(*state, "watched.yaml"));
    assert_string_equal(said, "auth0 acme stytch " ID_A " 4:3+4\n"
                              "auth0 short stytch saml-connection-live-1 5:3+5\n"
                              "auth0 old legacy  8:3+3\n");
    reading_close(&reading);
}

static void many_rows_twice(void **state)
{
    struct reading reading;
    const char *path = scratch_path(*state, "m.yaml");
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    fputs("version: 1\nconnections:\n", out);
    for (unsigned i = 0; i < 3000; i++)
        fprintf(out, "  row-%u: " ID_A "\n", i * 7u % 1500);
    fclose(out);
    reading_open(&reading);
    read_file(&reading, path);
    finish(&reading);
    assert_int_equal(faults_errors(reading.faults), 1500);
    char *text = faults_text(&reading);
    assert_non_null(strstr(text, "1400 more errors are not shown\n"));
    free(text);
    reading_close(&reading);
}

static void unreadable(void **state)
{
    struct reading reading;
    struct error error = {0};
    reading_open(&reading);
    assert_false(mapping_read(reading.mapping, scratch_path(*state, "missing"), reading.faults, NULL, &error));
    assert_int_equal(error.kind, ERROR_INPUT);
    reading_close(&reading);
    mapping_free(NULL);
}

static void on_progress(void *context, uint64_t read, uint64_t total)
{
    uint64_t *last = context;
    assert_true(read >= *last && read <= total);
    *last = read;
}

static void progress_is_told(void **state)
{
    struct reading reading;
    struct error error = {0};
    uint64_t last = 0;
    const struct mapping_progress progress = {on_progress, &last};
    const char *path = scratch_path(*state, "m.yaml");
    scratch_write(path, as_written, sizeof as_written - 1);
    reading_open(&reading);
    assert_done(mapping_read(reading.mapping, path, reading.faults, &progress, &error));
    assert_int_equal(last, sizeof as_written - 1);
    reading_close(&reading);
}

/* -- comparing -- */

struct comparing {
    struct change *change; /* NULL: only look */
    char words[1024];
};

static bool on_difference(void *context, const struct difference *difference, struct error *error)
{
    static const char marks[] = {
        [DIFFERENCE_ADDED] = '+', [DIFFERENCE_CHANGED] = '~', [DIFFERENCE_REMOVED] = '-', [DIFFERENCE_NONE] = '='};
    struct comparing *comparing = context;
    struct text source, identifier;
    size_t used = strlen(comparing->words);
    assert_true(connection_key_split(difference->key, &source, &identifier));
    snprintf(comparing->words + used, sizeof comparing->words - used, "%c%.*s/%.*s ", marks[difference->kind],
             TEXT_ARGS(source), TEXT_ARGS(identifier));
    assert_int_equal(difference->before.size == 0, difference->kind == DIFFERENCE_ADDED);
    assert_int_equal(difference->after.size == 0, difference->kind == DIFFERENCE_REMOVED);
    if (comparing->change == NULL || difference->kind == DIFFERENCE_NONE)
        return true;
    return difference->kind == DIFFERENCE_REMOVED
               ? change_remove(comparing->change, difference->key, error)
               : change_put(comparing->change, difference->key, difference->after, error);
}

/* Compares, writing, with a table, and returns what was told of in words good until the next call. */
static const char *apply(struct table *table, struct mapping *mapping, enum mapping_mode mode,
                         struct comparing *comparing)
{
    struct error error = {0};
    *comparing = (struct comparing){.change = begin(table)};
    assert_done(mapping_compare(mapping, change_snapshot(comparing->change), mode, on_difference, comparing, &error));
    commit(comparing->change);
    return comparing->words;
}

static const struct {
    const char *yaml;
    enum mapping_mode mode;
    const char *differences;
} loads[] = {
    {"version: 1\nconnections:\n  b: " ID_A "\n  a: " ID_A "\n  c: " ID_A "\n", MAPPING_REPLACE,
     "+default/a +default/b +default/c "},
    {"version: 1\nconnections:\n  b: " ID_A "\n  a: " ID_A "\n  c: " ID_A "\n", MAPPING_REPLACE,
     "=default/a =default/b =default/c "},
    {"version: 1\nsource: auth0\nconnections:\n  b: " ID_A "\n", MAPPING_REPLACE,
     "+auth0/b "}, /* other sources are let be */
    {"version: 1\nsource: zeta\nconnections:\n  z: " ID_A "\n", MAPPING_REPLACE, "+zeta/z "},
    {"version: 1\nconnections:\n  d: " ID_A "\n  b: " ID_B "\n", MAPPING_MERGE,
     "=default/a ~default/b =default/c +default/d "},
    {"version: 1\nconnections:\n  d: " ID_A "\n  aa: " ID_B "\n", MAPPING_REPLACE,
     "-default/a +default/aa -default/b -default/c =default/d "},
    {"version: 1\nsources:\n  zeta: {y: " ID_A "}\n  auth0: {}\n  new: {n: " ID_A "}\n", MAPPING_REPLACE,
     "-auth0/b +new/n +zeta/y -zeta/z "},
    {"version: 1\nconnections: {}\n", MAPPING_MERGE, "=default/aa =default/d "},
    {"version: 1\nconnections: {}\n", MAPPING_REPLACE, "-default/aa -default/d "},
    {"version: 1\nconnections: {}\n", MAPPING_REPLACE, ""},
    {"version: 1\nsources: {}\n", MAPPING_REPLACE, ""},
};

static void compared_and_written(void **state)
{
    struct comparing comparing;
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    for (size_t i = 0; i < COUNT_OF(loads); i++) {
        struct reading reading;
        read_good(&reading, scratch_path(*state, "m.yaml"), loads[i].yaml);
        /* Looking says the same as writing. */
        struct error error = {0};
        struct comparing looking = {.change = NULL};
        struct snapshot *snapshot = NULL;
        assert_done(snapshot_open(&snapshot, table, &error));
        assert_done(mapping_compare(reading.mapping, snapshot, loads[i].mode, on_difference, &looking, &error));
        snapshot_close(snapshot);
        assert_string_equal(looking.words, loads[i].differences);
        assert_string_equal(apply(table, reading.mapping, loads[i].mode, &comparing), loads[i].differences);
        reading_close(&reading);
    }
    table_close(table);
}

static bool stop_at_once(void *context, const struct difference *difference, struct error *error)
{
    (void)difference;
    *(unsigned *)context += 1;
    return error_set(error, ERROR_CONFLICT, "enough");
}

static void callers_may_stop(void **state)
{
    struct reading reading;
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    unsigned calls = 0;
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    read_good(&reading, scratch_path(*state, "m.yaml"), loads[0].yaml);
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_false(mapping_compare(reading.mapping, snapshot, MAPPING_REPLACE, stop_at_once, &calls, &error));
    assert_string_equal(error.message, "enough");
    assert_int_equal(calls, 1);
    snapshot_close(snapshot);
    reading_close(&reading);
    table_close(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_files),    cmocka_unit_test(good_files),
        scratch_test(rows_as_written),  scratch_test(fields_as_written),
        scratch_test(sources),          scratch_test(identifiers_twice_across_files),
        scratch_test(many_sources),     scratch_test(identifiers_twice_across_files),
        scratch_test(many_rows_twice),  scratch_test(unreadable),
        scratch_test(progress_is_told), scratch_test(compared_and_written),
        scratch_test(callers_may_stop), scratch_test(test_and_live_across_files),
        scratch_test(rows_are_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
