/* Export: the same rows always give the same bytes, and those bytes give the same rows. */
#include "load_fixture.h"

#define ID_A  "saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be9"
#define ACS_A "https://api.stytch.com/v1/b2b/sso/callback/" ID_A

/* Loads YAML by way of a file at `path`. */
static void load_yaml(struct table *table, const char *path, const char *yaml)
{
    scratch_write(path, yaml, strlen(yaml));
    load_file(table, path, MAPPING_REPLACE);
}

/* -- how it looks -- */

static const struct {
    const char *yaml, *source, *expected;
} exports[] = {
    {"version: 1\nconnections: {}\n", "", "version: 1\nsource: default\nconnections: {}\n"},
    {"version: 1\nconnections: {}\n", "auth0", "version: 1\nsource: auth0\nconnections: {}\n"},
    {"version: 1\nconnections: {b: " ID_A ", 'a b': " ID_A ", \"yes\": " ID_A ", 12: " ID_A ", é: " ID_A "}\n", "",
     "version: 1\nsource: default\nconnections:\n  \"12\": " ID_A "\n  a b: " ID_A "\n  b: " ID_A "\n  \"yes\": " ID_A
     "\n  \"é\": " ID_A "\n"},
    {"version: 1\nconnections: {\"\\ufeff\\u2028\\ufffe\\u202e\\\"\\\\\": " ID_A "}\n", "",
     "version: 1\nsource: default\nconnections:\n  \"\\ufeff\\u2028\\ufffe\\u202e\\\"\\\\\": " ID_A "\n"},
    {"version: 1\nconnections: {Null: {state: legacy}, \"a: b\": {state: legacy}, a:b: {state: legacy}}\n", "",
     "version: 1\nsource: default\nconnections:\n  \"Null\":\n    state: legacy\n  \"a: b\":\n    state: legacy\n"
     "  a:b:\n    state: legacy\n"},
    {"version: 1\nsource: auth0\nconnections: {b: " ID_A "}\n", "",
     "version: 1\nsource: auth0\nconnections:\n  b: " ID_A "\n"},
    {"version: 1\nsources: {auth0: {b: " ID_A "}, 0x: {}, auth0-eu: {c: {state: legacy}}}\n", "",
     "version: 1\nsources:\n  auth0:\n    b: " ID_A "\n  auth0-eu:\n    c:\n      state: legacy\n"},
    {"version: 1\nsources: {auth0: {b: " ID_A "}, auth0-eu: {c: {state: legacy}}}\n", "auth0-eu",
     "version: 1\nsource: auth0-eu\nconnections:\n  c:\n    state: legacy\n"},
    {"version: 1\nsources: {9: {b: " ID_A "}, no: {c: {state: legacy}}}\n", "",
     "version: 1\nsources:\n  \"9\":\n    b: " ID_A "\n  \"no\":\n    c:\n      state: legacy\n"},
    {"version: 1\nconnections:\n  g:\n    label: 'Globex: #1'\n    organization_id: organization-live-1\n"
     "    legacy_url: https://legacy.example.net/a?b=c&d\n    state: disabled\n    redirect: 303\n    acs_url: " ACS_A
     "\n    connection_id: " ID_A "\n",
     "",
     "version: 1\nsource: default\nconnections:\n  g:\n    connection_id: " ID_A "\n    acs_url: " ACS_A
     "\n    redirect: 303\n    state: disabled\n"
     "    legacy_url: https://legacy.example.net/a?b=c&d\n    organization_id: organization-live-1\n    label: "
     "\"Globex: #1\"\n"},
};

static void as_expected(void **state)
{
    for (size_t i = 0; i < COUNT_OF(exports); i++) {
        const char *path = scratch_path(*state, "t.mdb"), *lock = scratch_path(*state, "t.mdb-lock");
        struct table *table = open_table(path, TABLE_WRITE, 0);
        load_yaml(table, scratch_path(*state, "m.yaml"), exports[i].yaml);
        char *text = export_table(table, exports[i].source);
        assert_string_equal(text, exports[i].expected);
        free(text);
        table_close(table);
        assert_int_equal(unlink(path) | unlink(lock), 0);
    }
}

/* -- there and back -- */

/* What identifiers and labels are put together from: what YAML, libyaml or a person could take for something else. */
static const char *const pieces[] = {
    "a",
    "Z",
    "0",
    "acme",
    " ",
    "  ",
    "-",
    "- ",
    "? ",
    "?",
    ": ",
    ":",
    "#",
    " #",
    "'",
    "\"",
    "\\",
    "\\n",
    "&",
    "*",
    "!",
    "|",
    ">",
    "%",
    "@",
    "`",
    "{",
    "}",
    "[",
    "]",
    ",",
    "<<",
    "=",
    "~",
    "null",
    "yes",
    "no",
    "true",
    "0x1",
    "1e3",
    ".inf",
    "2024-01-01",
    "---",
    "...",
    "/",
    "\xc3\xa9",
    "\xc2\xa0",
    "\xe2\x80\xa8",
    "\xe2\x80\xa9",
    "\xef\xbb\xbf",
    "\xef\xbf\xbe",
    "\xef\xbf\xbf",
    "\xf0\x9f\x98\x80",
    "\xe2\x80\xae",
    "\xe2\x80\x8b",
    "\xef\xbf\xbd",
    "\xf4\x8f\xbf\xbf",
    "\xf0\x9f\xbf\xbe",
    "\xed\x9f\xbf",
    "\xee\x80\x80",
    "\xe0\xa0\x80",
};

/* Joins pieces at random, at most `max` bytes. */
static struct text random_text(char *out, size_t max, unsigned most_pieces)
{
    size_t used = 0;
    for (unsigned count = (unsigned)rand() % most_pieces + 1; count > 0; count--) {
        const char *piece = pieces[(size_t)rand() % COUNT_OF(pieces)];
        if (used + strlen(piece) > max)
            break;
        memcpy(out + used, piece, strlen(piece));
        used += strlen(piece);
    }
    return text_slice(out, used);
}

static struct connection random_row(char label[LABEL_SIZE_MAX])
{
    static const char *const ids[] = {ID_A, "oidc-connection-test-00000000-0000-0000-0000-000000000000",
                                      "external-connection-live-x-1"};
    struct connection row = {.connection_id = text_of(ids[rand() % 3]), .redirect = (enum redirect_kind)(rand() % 4)};
    if (rand() % 2 == 0) /* half of them short */
        return (struct connection){.connection_id = row.connection_id};
    row.state = (enum connection_state)(rand() % CONNECTION_STATES);
    if (row.state != CONNECTION_STYTCH && rand() % 2 == 0)
        row.connection_id = TEXT("");
    else if (text_equal(row.connection_id, TEXT(ID_A)) && rand() % 2 == 0)
        row.acs_url = TEXT(ACS_A);
    if (rand() % 2 == 0)
        row.legacy_url = rand() % 2 == 0 ? TEXT("https://legacy.example.net/a:")
                                         : TEXT("https://legacy.example.net/a%20b?c='d'&e=!$,;(*)~:@/?");
    if (rand() % 2 == 0)
        row.organization_id = TEXT("organization-test-0");
    if (rand() % 2 == 0)
        row.label = random_text(label, LABEL_SIZE_MAX, 12);
    return row;
}

static void put_random_rows(struct table *table, unsigned count, unsigned most_pieces, unsigned sources)
{
    static const char *const names[] = {"default", "auth0", "a", "auth0-eu"};
    char identifier[IDENTIFIER_SIZE_MAX], label[LABEL_SIZE_MAX], key[CONNECTION_KEY_SIZE_MAX],
        record[CONNECTION_RECORD_SIZE_MAX];
    struct error error = {0};
    struct change *change = begin(table);
    for (unsigned i = 0; i < count; i++) {
        struct text name = random_text(identifier, sizeof identifier, most_pieces);
        struct connection row = random_row(label);
        size_t size = connection_key(text_of(names[(unsigned)rand() % sources]), name, key);
        assert_done(
            change_put(change, text_slice(key, size), text_slice(record, connection_encode(&row, record)), &error));
    }
    commit(change);
}

static void assert_same_rows(struct table *a, struct table *b)
{
    struct error error = {0};
    struct snapshot *first = NULL, *second = NULL;
    struct table_row row, other;
    assert_done(snapshot_open(&first, a, &error));
    assert_done(snapshot_open(&second, b, &error));
    while (snapshot_next(first, &row, &error) == LOOKUP_FOUND) {
        assert_int_equal(snapshot_next(second, &other, &error), LOOKUP_FOUND);
        assert_true(text_equal(row.key, other.key));
        assert_true(text_equal(row.record, other.record));
    }
    assert_int_equal(snapshot_next(second, &other, &error), LOOKUP_ABSENT);
    snapshot_close(first);
    snapshot_close(second);
}

static void there_and_back(struct scratch *scratch, unsigned count, unsigned most_pieces, unsigned sources)
{
    const char *paths[] = {scratch_path(scratch, "a.mdb"), scratch_path(scratch, "a.mdb-lock"),
                           scratch_path(scratch, "b.mdb"), scratch_path(scratch, "b.mdb-lock")};
    struct table *first = open_table(paths[0], TABLE_WRITE, 0), *second = open_table(paths[2], TABLE_WRITE, 0);
    put_random_rows(first, count, most_pieces, sources);
    char *once = export_table(first, "");
    load_yaml(second, scratch_path(scratch, "m.yaml"), once);
    assert_same_rows(first, second);
    char *twice = export_table(second, "");
    assert_string_equal(once, twice);
    free(once);
    free(twice);
    table_close(first);
    table_close(second);
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        assert_int_equal(unlink(paths[i]), 0);
}

static void random_rows(void **state)
{
    srand(3);
    there_and_back(*state, 400, 1, 1); /* each piece alone */
    for (unsigned round = 0; round < 12; round++)
        there_and_back(*state, 150, 2 + round * 30, 1 + round % 4);
}

/* Identifiers of 440 bytes in which every character takes more room when written: libyaml has keys of 1,024 characters.
 */
static void longest_keys(void **state)
{
    static const char *const fillers[] = {
        "\"",       "\\",       "\xe2\x80\xa8", "\xef\xbb\xbf",    "\xc2\xa0", "\xf0\x9f\x98\x80",
        "\xcd\x8f", "\xd8\x9c", "\xef\xbf\xbf", "\xf3\xa0\x81\x81"};
    struct error error = {0};
    char identifier[IDENTIFIER_SIZE_MAX + 1];
    struct table *first = open_table(scratch_path(*state, "a.mdb"), TABLE_WRITE, 0);
    struct table *second = open_table(scratch_path(*state, "b.mdb"), TABLE_WRITE, 0);
    struct change *change = begin(first);
    for (size_t i = 0; i < COUNT_OF(fillers); i++) {
        size_t size = strlen(fillers[i]), count = IDENTIFIER_SIZE_MAX / size;
        for (size_t j = 0; j < count; j++)
            memcpy(identifier + j * size, fillers[i], size);
        identifier[count * size] = '\0';
        assert_done(put_row(change, "default", identifier, 1, &error));
    }
    commit(change);
    char *text = export_table(first, "");
    load_yaml(second, scratch_path(*state, "m.yaml"), text);
    assert_same_rows(first, second);
    free(text);
    table_close(first);
    table_close(second);
}

/* -- what cannot be written -- */

static void failing_output(void **state)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    uint64_t rows = 0;
    FILE *full = fopen("/dev/full", "we");
    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    load_rows(table, 1, 10, 0);
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_false(mapping_export(snapshot, TEXT(""), full, NULL, &rows, &error));
    assert_true(rows == 1); /* nothing more is read */
    assert_int_equal(error.kind, ERROR_FAILED);
    assert_non_null(strstr(error.message, "No space left on device"));
    snapshot_close(snapshot);
    table_close(table);
    fclose(full);
}

static size_t errors_of(const char *path, const char *yaml)
{
    struct error error = {0};
    struct allowed_hosts *none = allowed_hosts_new();
    const struct connection_rules rules = {.stytch = none, .legacy = none};
    struct faults *faults = faults_new();
    struct mapping *mapping = mapping_new(&rules);
    scratch_write(path, yaml, strlen(yaml));
    assert_done(mapping_read(mapping, path, faults, NULL, &error));
    size_t errors = faults_errors(faults);
    mapping_free(mapping);
    faults_free(faults);
    allowed_hosts_free(none);
    return errors;
}

static bool two_rows_only(void *context, uint64_t rows, struct error *error)
{
    uint64_t *told = context;
    *told = rows;
    return rows < 2 || error_set(error, ERROR_FAILED, "that is enough");
}

/* What was written until then is no mapping file. */
static void ended_early(void **state)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    char *text = NULL;
    size_t size = 0;
    uint64_t told = 0, rows = 0;
    const struct mapping_export_watch watch = {two_rows_only, &told};
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    load_rows(table, 1, 10, 0);
    assert_done(snapshot_open(&snapshot, table, &error));
    FILE *out = open_memstream(&text, &size);
    assert_false(mapping_export(snapshot, TEXT(""), out, &watch, &rows, &error));
    assert_string_equal(error.message, "that is enough");
    assert_true(told == 2 && rows == 2);
    fclose(out);
    assert_int_equal(errors_of(scratch_path(*state, "m.yaml"), text), 1);
    free(text);
    snapshot_close(snapshot);
    table_close(table);
}

/* What was written until then is no mapping file: loading it would remove all rows behind the damaged one. */
static void damaged_rows(void **state)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    char *text = NULL;
    size_t size = 0;
    const struct text bad_key = {"default\0\xff", 9}, legacy = {"\1\1\0", 3}, no_record = {"\1\1\0x", 4};
    const struct text rows[][2] = {
        {bad_key, legacy}, {TEXT("default\0a"), no_record}, {TEXT("no zero"), legacy}, {TEXT("Bad\0a"), legacy}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *path = scratch_path(*state, "t.mdb"), *lock = scratch_path(*state, "t.mdb-lock");
        struct table *table = open_table(path, TABLE_WRITE, 0);
        struct change *change = begin(table);
        assert_done(put_row(change, "a-good-one", "acme", 1, &error));
        assert_done(put_row(change, "default", "Acme", 1, &error));
        assert_done(change_put(change, rows[i][0], rows[i][1], &error));
        commit(change);
        assert_done(snapshot_open(&snapshot, table, &error));
        FILE *out = open_memstream(&text, &size);
        assert_false(mapping_export(snapshot, TEXT(""), out, NULL, NULL, &error));
        assert_non_null(strstr(error.message, "damaged"));
        fclose(out);
        assert_int_equal(errors_of(scratch_path(*state, "m.yaml"), text), 1);
        free(text);
        snapshot_close(snapshot);
        table_close(table);
        assert_int_equal(unlink(path) | unlink(lock), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(as_expected),    scratch_test(random_rows), scratch_test(longest_keys),
        scratch_test(failing_output), scratch_test(ended_early), scratch_test(damaged_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
