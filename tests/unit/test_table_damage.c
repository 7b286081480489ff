/* A store that is damaged while it is open, and files that this user may not use: an error that names the path, and no
 * more. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ssoferry/mapping_file.h"
#include "table_fixture.h"

enum { PAGE = 4096, PAGE_FLAGS = 10 /* where they stand in a page of LMDB's */ };

static void rename_key(int fd, size_t at)
{
    assert_int_equal(pwrite(fd, "STATE", 5, (off_t)at), 5);
}

static void clear_page_flags(int fd, size_t at)
{
    const char none[2] = {0};
    assert_int_equal(pwrite(fd, none, 2, (off_t)(at / PAGE * PAGE + PAGE_FLAGS)), 2);
}

static void assert_names(const struct error *error, const char *path)
{
    assert_int_equal(error->kind, ERROR_FAILED);
    assert_non_null(strstr(error->message, path));
}

static void assert_damaged(const struct error *error, const char *path)
{
    assert_names(error, path);
    assert_non_null(strstr(error->message, "the file is damaged"));
}

static void test_a_state_that_is_gone(void **state)
{
    const char *path = scratch_path(*state, "table");
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct change *change = NULL;
    struct lookup *lookup = NULL;
    struct table_state now;
    struct connection_buffer buffer;
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 2, 0);
    assert_done(lookup_open(&lookup, table, &error));
    tamper(path, TEXT("state"), rename_key);
    assert_false(snapshot_open(&snapshot, table, &error));
    assert_names(&error, path);
    assert_false(lookup_state(lookup, &now, &error));
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("nobody"), &buffer, &error), LOOKUP_FAILED);
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000001"), &buffer, &error), LOOKUP_FOUND);
    assert_false(change_begin(&change, table, &error));
    assert_names(&error, path);
    lookup_close(lookup);
    table_close(table);
}

static void rename_database(int fd, size_t at)
{
    assert_int_equal(pwrite(fd, "CONNECTIONS", 11, (off_t)at), 11);
}

/* After a large change, the rows are in the second database. */
static void test_rows_that_are_nowhere(void **state)
{
    const char *path = scratch_path(*state, "table");
    const struct bulk bulk = {.rewrite = true};
    struct error error = {0};
    struct change *change = NULL;
    struct snapshot *snapshot = NULL;
    struct lookup *lookup = NULL;
    struct connection_buffer buffer;
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    assert_done(change_begin_bulk(&change, table, &bulk, &error));
    assert_done(put_many(change, 2, &error));
    commit(change);
    table_close(table);
    tamper(path, TEXT("connections.other"), rename_database);
    table = open_table(path, TABLE_WRITE, 1 << 20);
    assert_done(lookup_open(&lookup, table, &error));
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000001"), &buffer, &error), LOOKUP_FAILED);
    assert_damaged(&error, path);
    assert_false(snapshot_open(&snapshot, table, &error));
    assert_damaged(&error, path);
    assert_false(change_begin(&change, table, &error));
    assert_damaged(&error, path);
    lookup_close(lookup);
    table_close(table);
}

static void test_a_page_that_is_none(void **state)
{
    const char *path = scratch_path(*state, "table");
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct change *change = NULL;
    struct connection_buffer buffer;
    struct table_row row;
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    struct lookup *lookup = NULL;
    load_rows(table, 1, 2, 0);
    assert_done(lookup_open(&lookup, table, &error));
    assert_done(snapshot_open(&snapshot, table, &error));
    tamper(path, TEXT("row-000001"), clear_page_flags);
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000001"), &buffer, &error), LOOKUP_FAILED);
    assert_names(&error, path);
    assert_int_equal(snapshot_find(snapshot, TEXT("default"), TEXT("row-000001"), &buffer, &error), LOOKUP_FAILED);
    assert_names(&error, path);
    snapshot_seek(snapshot, TEXT(""));
    assert_int_equal(snapshot_next(snapshot, &row, &error), LOOKUP_FAILED);
    assert_names(&error, path);
    assert_false(change_begin(&change, table, &error)); /* what it would prune is damaged, too */
    assert_names(&error, path);
    snapshot_close(snapshot);
    lookup_close(lookup);
    table_close(table);
}

static void clear_page(int fd, size_t at)
{
    const char nothing[PAGE] = {0};
    assert_int_equal(pwrite(fd, nothing, PAGE, (off_t)(at / PAGE * PAGE)), PAGE);
}

static void ignore_row(void *context, struct table_row row)
{
    (void)row;
    ++*(unsigned *)context;
}

/* At which LMDB would end the program. */
static void test_a_walk_survives_an_empty_page(void **state)
{
    const char *path = scratch_path(*state, "table");
    struct error error = {0};
    struct lookup *lookup = NULL;
    struct lookup_walk walk = {0};
    struct connection_buffer buffer;
    unsigned shown = 0;
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 1000, 0);
    assert_done(lookup_open(&lookup, table, &error));
    tamper(path, TEXT("row-000900"), clear_page);
    assert_int_equal(lookup_walk(lookup, &walk, 2000, ignore_row, &shown, &error), LOOKUP_FAILED);
    assert_names(&error, path);
    assert_in_range(shown, 500, 899);
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000001"), &buffer, &error), LOOKUP_FOUND);
    lookup_close(lookup);
    table_close(table);
}

/* Where the file is mapped. */
static char *map_of(const char *path)
{
    char line[512], *map = NULL;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (map == NULL && fgets(line, sizeof line, maps) != NULL) {
        if (strstr(line, path) != NULL && strstr(line, "-lock") == NULL)
            map = (char *)(uintptr_t)strtoull(line, NULL, 16); /* NOLINT(performance-no-int-to-ptr) */
    }
    fclose(maps);
    assert_non_null(map);
    return map;
}

/* The end of a file that has none, in the place of all pages of the file with these bytes: what reads them gets SIGBUS,
 * as where the disk fails. */
static void lose_pages_with(const char *path, struct text bytes)
{
    size_t size = 0;
    char *map = map_of(path), *file = scratch_read(path, &size), *end = file + size;
    FILE *empty = tmpfile();
    assert_non_null(empty);
    for (char *at = file; (at = memmem(at, (size_t)(end - at), bytes.at, bytes.size)) != NULL; ++at) {
        char *page = map + (at - file) / PAGE * PAGE;
        assert_ptr_equal(mmap(page, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fileno(empty), 0), page);
    }
    fclose(empty);
    free(file);
}

static void assert_io_error(const struct error *error, const char *path)
{
    assert_names(error, path);
    assert_non_null(strstr(error->message, "Input/output error"));
}

static void assert_unreadable(enum lookup_result result, const struct error *error, const char *path)
{
    assert_int_equal(result, LOOKUP_FAILED);
    assert_io_error(error, path);
}

static unsigned count_rows(struct snapshot *snapshot, enum lookup_result *last, struct error *error)
{
    struct table_row row;
    unsigned rows = 0;
    snapshot_seek(snapshot, TEXT(""));
    while ((*last = snapshot_next(snapshot, &row, error)) == LOOKUP_FOUND)
        ++rows;
    return rows;
}

static void test_a_page_that_cannot_be_read(void **state)
{
    const char *path = scratch_path(*state, "table");
    struct error error = {0};
    struct lookup *lookup = NULL;
    struct snapshot *snapshot = NULL;
    struct lookup_walk walk = {0};
    struct connection_buffer buffer;
    enum lookup_result last;
    unsigned shown = 0;
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 1000, 0);
    assert_done(lookup_open(&lookup, table, &error));
    assert_done(snapshot_open(&snapshot, table, &error));
    lose_pages_with(path, TEXT("row-000900"));
    for (int i = 0; i < 2; ++i) { /* and again: the signal is not to be left blocked */
        walk = (struct lookup_walk){0};
        assert_unreadable(lookup_walk(lookup, &walk, 2000, ignore_row, &shown, &error), &error, path);
        assert_in_range(count_rows(snapshot, &last, &error), 500, 899);
        assert_unreadable(last, &error, path);
        assert_unreadable(snapshot_find(snapshot, TEXT("default"), TEXT("row-000900"), &buffer, &error), &error, path);
        assert_unreadable(lookup_find(lookup, TEXT("default"), TEXT("row-000900"), &buffer, &error), &error, path);
        assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000001"), &buffer, &error), LOOKUP_FOUND);
    }
    snapshot_close(snapshot);
    lookup_close(lookup);
    table_close(table);
}

static void ignore_key(void *context, struct text key, bool is_new)
{
    (void)context, (void)key, (void)is_new;
}

static bool ignore_difference(void *context, const struct difference *difference, struct error *error)
{
    (void)context, (void)difference, (void)error;
    return true;
}

/* Nobody else reads them, but the admin page and its report do. */
static void test_a_history_that_cannot_be_read(void **state)
{
    static const struct revision_note note = {.command = "set", .actor = "tester", .message = "the newest note"};
    const char *path = scratch_path(*state, "table");
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct revision revision;
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 1000, 0);
    struct change *change = begin(table);
    assert_done(put_row(change, "default", "row-000900", 1, &error));
    assert_done(change_commit(change, &note, NULL, &error));
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_done(revision_differences(snapshot, 2, ignore_difference, NULL, &error));
    lose_pages_with(path, text_of(note.message));
    assert_unreadable(revision_read(snapshot, 2, &revision, &error), &error, path);
    lose_pages_with(path, TEXT("row-000900"));
    assert_false(revision_newcomers(snapshot, 1, ignore_key, NULL, &error));
    assert_io_error(&error, path);
    assert_false(revision_distance(snapshot, 1, ignore_difference, NULL, &error));
    assert_io_error(&error, path);
    snapshot_close(snapshot);
    table_close(table);
}

/* What the admin page reads by. */
static void test_a_snapshot_survives_an_empty_page(void **state)
{
    const char *path = scratch_path(*state, "table");
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    enum lookup_result last;
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 1000, 0);
    assert_done(snapshot_open(&snapshot, table, &error));
    tamper(path, TEXT("row-000900"), clear_page);
    assert_in_range(count_rows(snapshot, &last, &error), 500, 899);
    assert_int_equal(last, LOOKUP_FAILED);
    assert_names(&error, path);
    snapshot_close(snapshot);
    table_close(table);
}

/* Rows that cannot be read are not rows that are missing: what a load would change cannot be said. */
static void test_a_comparison_ends_at_an_empty_page(void **state)
{
    static const char yaml[] = "version: 1\nconnections: {a: " LIVE_ID("00000001") ", z: " LIVE_ID("00000002") "}\n";
    const char *path = scratch_path(*state, "table"), *file = scratch_path(*state, "m.yaml");
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct allowed_hosts *none = allowed_hosts_new();
    const struct connection_rules rules = {.stytch = none, .legacy = none};
    struct faults *faults = faults_new();
    struct mapping *mapping = mapping_new(&rules);
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 1000, 0);
    scratch_write(file, yaml, sizeof yaml - 1);
    assert_done(mapping_read(mapping, file, faults, NULL, &error));
    assert_done(mapping_finish(mapping, faults, &error));
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_done(mapping_compare(mapping, snapshot, MAPPING_REPLACE, ignore_difference, NULL, &error));
    tamper(path, TEXT("row-000900"), clear_page);
    assert_false(mapping_compare(mapping, snapshot, MAPPING_REPLACE, ignore_difference, NULL, &error));
    assert_names(&error, path);
    snapshot_close(snapshot);
    mapping_free(mapping);
    faults_free(faults);
    allowed_hosts_free(none);
    table_close(table);
}

enum {
    NODE_HEAD = 8,                                             /* NODE_: of LMDB's */
    NODE_VALUE_SIZE = __BYTE_ORDER == __LITTLE_ENDIAN ? 0 : 2, /* the lower half */
    NODE_FLAGS = 4,
    NODE_KEY_SIZE = 6,
    KEY_HEAD = SOURCE_SIZE_MAX + 1,
    RECORD_HEAD = 3
};

/* The head of the record becomes part of the key, whose last byte is then the same in all rows. */
static void lengthen_key(int fd, size_t at)
{
    const size_t node = at - KEY_HEAD - NODE_HEAD;
    const uint16_t value_size = 19 - RECORD_HEAD, key_size = CONNECTION_KEY_SIZE_MAX + RECORD_HEAD;
    assert_int_equal(pwrite(fd, &value_size, sizeof value_size, (off_t)(node + NODE_VALUE_SIZE)), sizeof value_size);
    assert_int_equal(pwrite(fd, &key_size, sizeof key_size, (off_t)(node + NODE_KEY_SIZE)), sizeof key_size);
    assert_int_equal(pwrite(fd, "0", 1, (off_t)(at + IDENTIFIER_SIZE_MAX - 1)), 1);
}

static void scribble(char *page, unsigned kind)
{
    static const struct {
        unsigned from, until, bytes; /* how many, in the part of the page from .. until */
    } kinds[] = {{0, PAGE, 10 * PAGE}, {16, PAGE, 10 * PAGE}, {16, PAGE, 40}, {8, 100, 3}};
    for (unsigned i = 0; i < kinds[kind].bytes; ++i)
        page[kinds[kind].from + (unsigned)random() % (kinds[kind].until - kinds[kind].from)] = (char)random();
}

/* Counts how the calls end. */
static void read_all(struct table *table, struct lookup *lookup, unsigned done[2])
{
    char name[16];
    struct error error = {0};
    struct connection_buffer buffer;
    struct snapshot *snapshot = NULL;
    struct lookup_walk walk = {0};
    struct revision revision;
    enum lookup_result last;
    unsigned shown = 0, steps = 0;
    for (unsigned i = 1; i <= 1000; i += 3) {
        snprintf(name, sizeof name, "row-%06u", i);
        ++done[lookup_find(lookup, TEXT("default"), text_of(name), &buffer, &error) == LOOKUP_FOUND];
    }
    while (lookup_walk(lookup, &walk, 100, ignore_row, &shown, &error) == LOOKUP_FOUND)
        assert_true(++steps < 1000);
    if (!snapshot_open(&snapshot, table, &error))
        return;
    count_rows(snapshot, &last, &error);
    if (revision_read(snapshot, 1, &revision, &error) == LOOKUP_FOUND) {
        revision_release(&revision);
        ++done[revision_differences(snapshot, 1, ignore_difference, NULL, &error)];
    }
    ++done[revision_newcomers(snapshot, 1, ignore_key, NULL, &error)];
    snapshot_close(snapshot);
}

/* Whatever stands in it: what was read may fail or be wrong, but the reader goes on, and finds all rows once the page
 * is right again. */
static void test_pages_of_anything(void **state)
{
    const char *path = scratch_path(*state, "table");
    struct error error = {0};
    struct lookup *lookup = NULL;
    struct snapshot *snapshot = NULL;
    enum lookup_result last;
    size_t size = 0;
    char page[PAGE];
    unsigned done[2] = {0};
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 1000, 0);
    load_rows(table, 1, 1000, 1);
    assert_done(lookup_open(&lookup, table, &error));
    char *whole = scratch_read(path, &size);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    srandom(1);
    for (size_t at = 2 * PAGE; at < size; at += PAGE) { /* behind the meta pages */
        for (unsigned kind = 0; kind < 4; ++kind) {
            memcpy(page, whole + at, PAGE);
            scribble(page, kind);
            assert_int_equal(pwrite(fd, page, PAGE, (off_t)at), PAGE);
            read_all(table, lookup, done);
        }
        assert_int_equal(pwrite(fd, whole + at, PAGE, (off_t)at), PAGE);
    }
    assert_true(done[false] > 0 && done[true] > 0);
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_int_equal(count_rows(snapshot, &last, &error), 1000);
    snapshot_close(snapshot);
    close(fd);
    free(whole);
    lookup_close(lookup);
    table_close(table);
}

/* That the row has several values: LMDB then looks for something that this database has not. */
static void say_there_are_more(int fd, size_t at)
{
    const uint16_t several = 0x04;
    const size_t node = at - (sizeof("default") + NODE_HEAD);
    assert_int_equal(pwrite(fd, &several, sizeof several, (off_t)(node + NODE_FLAGS)), sizeof several);
}

static void test_a_row_that_leads_nowhere(void **state)
{
    const char *path = scratch_path(*state, "table");
    struct error error = {0};
    struct lookup *lookup = NULL;
    struct connection_buffer buffer;
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 2, 0);
    assert_done(lookup_open(&lookup, table, &error));
    tamper(path, TEXT("row-000001"), say_there_are_more);
    for (int i = 0; i < 2; ++i) /* and again: the signal is not to be left blocked */
        assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000001"), &buffer, &error), LOOKUP_FAILED);
    assert_damaged(&error, path);
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000002"), &buffer, &error), LOOKUP_FOUND);
    lookup_close(lookup);
    table_close(table);
}

/* Keys that are longer than ours and differ only there. */
static void test_a_walk_ends_after_keys_too_long(void **state)
{
    static const char *const ids[] = {"saml-connection-live-51861cbc-d3b9-428b-9761-222200000000",
                                      "saml-connection-test-51861cbc-d3b9-428b-9761-222200000000",
                                      "oidc-connection-live-51861cbc-d3b9-428b-9761-222200000000"};
    const char *path = scratch_path(*state, "table");
    char source[SOURCE_SIZE_MAX], name[IDENTIFIER_SIZE_MAX], key[CONNECTION_KEY_SIZE_MAX];
    char record[CONNECTION_RECORD_SIZE_MAX];
    struct error error = {0};
    struct lookup *lookup = NULL;
    struct lookup_walk walk = {0};
    unsigned shown = 0, calls = 0;
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    struct change *change = begin(table);
    memset(source, 'a', sizeof source);
    memset(name, 'a', sizeof name);
    for (unsigned i = 0; i < COUNT_OF(ids); i++) {
        const struct connection row = {.connection_id = text_of(ids[i])};
        name[sizeof name - 1] = (char)('0' + i);
        size_t size = connection_key(text_slice(source, sizeof source), text_slice(name, sizeof name), key);
        struct text value = {record, connection_encode(&row, record)};
        assert_done(change_put(change, text_slice(key, size), value, &error));
    }
    commit(change);
    for (unsigned i = 0; i < COUNT_OF(ids); i++) {
        name[sizeof name - 1] = (char)('0' + i);
        tamper(path, text_slice(name, sizeof name), lengthen_key);
    }
    assert_done(lookup_open(&lookup, table, &error));
    while (lookup_walk(lookup, &walk, 1, ignore_row, &shown, &error) == LOOKUP_FOUND)
        assert_true(++calls < 10);
    assert_int_equal(shown, COUNT_OF(ids));
    lookup_close(lookup);
    table_close(table);
}

static unsigned reader_slots(struct table *table)
{
    struct error error = {0};
    struct table_stat stat;
    assert_done(table_stat(table, &stat, &error));
    return stat.readers;
}

/* With an unreadable page, or with one of zeros in place of what was cut off it. */
static void assert_failed(enum lookup_result result, const struct error *error, const char *path)
{
    assert_int_equal(result, LOOKUP_FAILED);
    assert_names(error, path);
}

/* As `cp` does that writes over it, and `: > FILE`: the pages that each transaction begins by are gone, too. */
static void test_a_file_that_is_cut_short_and_put_right(void **state)
{
    static const off_t sizes[] = {0, 1, PAGE, 2 * PAGE};
    const char *path = scratch_path(*state, "table");
    struct error error = {0};
    struct lookup *lookup = NULL;
    struct snapshot *before = NULL, *snapshot = NULL;
    struct connection_buffer buffer;
    struct table_state now;
    struct table_stat stat;
    struct table_row row;
    enum lookup_result last;
    unsigned shown = 0;
    size_t size = 0;
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 1000, 0);
    assert_done(lookup_open(&lookup, table, &error));
    const unsigned slots = reader_slots(table);
    char *whole = scratch_read(path, &size);
    for (unsigned i = 0; i < 2 * COUNT_OF(sizes); ++i) {
        struct lookup_walk walk = {0};
        for (int times = 0; times < 3; ++times) /* the second is remembered by the third */
            assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000001"), &buffer, &error), LOOKUP_FOUND);
        assert_done(snapshot_open(&before, table, &error));
        snapshot_seek(before, TEXT(""));
        assert_int_equal(snapshot_next(before, &row, &error), LOOKUP_FOUND);
        assert_int_equal(truncate(path, sizes[i / 2]), 0);
        assert_true(text_equal(row.key, text_slice("default\0row-000001", 18))); /* and not in the file any more */
        assert_done(connection_decode(row.record, &buffer, &error));
        if (sizes[i / 2] <= PAGE) /* the meta pages tell of the newest transaction, which says what is remembered */
            assert_failed(lookup_find(lookup, TEXT("default"), TEXT("row-000001"), &buffer, &error), &error, path);
        assert_failed(lookup_find(lookup, TEXT("default"), TEXT("row-000900"), &buffer, &error), &error, path);
        assert_failed(lookup_find(lookup, TEXT("default"), TEXT("nobody"), &buffer, &error), &error, path);
        assert_failed(lookup_walk(lookup, &walk, 2000, ignore_row, &shown, &error), &error, path);
        assert_false(lookup_state(lookup, &now, &error));
        assert_names(&error, path);
        assert_false(snapshot_open(&snapshot, table, &error));
        assert_names(&error, path);
        assert_false(table_stat(table, &stat, &error));
        assert_names(&error, path);
        count_rows(before, &last, &error);
        assert_failed(last, &error, path);
        snapshot_close(before);
        scratch_write(path, whole, size);
        assert_int_equal(reader_slots(table), slots);
        assert_done(lookup_state(lookup, &now, &error));
    }
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000900"), &buffer, &error), LOOKUP_FOUND);
    assert_int_equal(now.revision, 1);
    free(whole);
    lookup_close(lookup);
    table_close(table);
}

/* LMDB's own copying cannot be left in the middle. */
static void test_a_backup_of_pages_that_cannot_be_read(void **state)
{
    int status = 0;
    const char *path = scratch_path(*state, "table"), *copy = scratch_path(*state, "copy");
    const char *said = scratch_path(*state, "said");
    pid_t child = fork();
    if (child == 0) {
        struct error error = {0};
        struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
        load_rows(table, 1, 2000, 0);
        lose_pages_with(path, TEXT("row-000900"));
        _exit(freopen(said, "w", stderr) != NULL && table_backup(table, copy, &error) ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
    size_t size = 0;
    char *line = scratch_read(said, &size);
    assert_non_null(memmem(line, size, "error: the store's file is damaged, was cut short, ", 51));
    assert_int_equal(access(copy, F_OK), -1);
    free(line);
}

/* They are no part of reading the table. */
static void test_other_faults_end_the_program(void **state)
{
    static const int signals[] = {SIGBUS, SIGSEGV};
    struct table *table = open_table(scratch_path(*state, "table"), TABLE_WRITE, 1 << 20);
    for (unsigned i = 0; i < COUNT_OF(signals); ++i) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            raise(signals[i]);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
    }
    table_close(table);
}

static void test_names_past_their_limits_are_absent(void **state)
{
    char long_name[IDENTIFIER_SIZE_MAX + 2];
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct connection_buffer buffer;
    struct table *table = open_table(scratch_path(*state, "table"), TABLE_WRITE, 1 << 20);
    struct lookup *lookup = NULL;
    const struct text name = {long_name, IDENTIFIER_SIZE_MAX + 1};
    memset(long_name, 'a', sizeof long_name);
    load_rows(table, 1, 1, 0);
    assert_done(lookup_open(&lookup, table, &error));
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_int_equal(snapshot_find(snapshot, TEXT("default"), name, &buffer, &error), LOOKUP_ABSENT);
    assert_int_equal(snapshot_find(snapshot, name, TEXT("a"), &buffer, &error), LOOKUP_ABSENT);
    assert_int_equal(lookup_find(lookup, TEXT("default"), name, &buffer, &error), LOOKUP_ABSENT);
    snapshot_close(snapshot);
    lookup_close(lookup);
    table_close(table);
}

/* -- rights -- */

/* Opens as a user who is not root. */
static void assert_refused(const char *path, enum table_mode mode, const char *because)
{
    struct error error = {0};
    struct table *table = NULL;
    const struct table_options options = {.mode = mode, .map_size = 1 << 20};
    bool root = geteuid() == 0;
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    bool opened = table_open(&table, path, &options, &error);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_false(opened);
    assert_names(&error, path);
    assert_non_null(strstr(error.message, because));
}

static void test_rights_that_are_missing(void **state)
{
    struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "table"), *lock = scratch_path(scratch, "table-lock");
    struct table *table = open_table(path, TABLE_WRITE, 1 << 20);
    load_rows(table, 1, 1, 0);
    table_close(table);
    assert_int_equal(chmod(scratch->directory, 0555), 0);
    assert_int_equal(chmod(path, 0) | chmod(lock, 0444), 0);
    assert_refused(path, TABLE_READ, "for reading: give this user the right");
    assert_int_equal(chmod(path, 0444), 0);
    assert_refused(path, TABLE_WRITE, "for writing: give this user the right");
    assert_refused(path, TABLE_READ, "cannot write the lock file");
    assert_int_equal(chmod(scratch->directory, 0755) | unlink(lock) | chmod(scratch->directory, 0555), 0);
    assert_refused(path, TABLE_READ, "cannot make the lock file");
    assert_refused(scratch_path(scratch, "other"), TABLE_WRITE, "cannot make the table");
    assert_int_equal(chmod(scratch->directory, 0700), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_a_state_that_is_gone),
        scratch_test(test_rows_that_are_nowhere),
        scratch_test(test_a_page_that_is_none),
        scratch_test(test_a_walk_survives_an_empty_page),
        scratch_test(test_a_snapshot_survives_an_empty_page),
        scratch_test(test_a_comparison_ends_at_an_empty_page),
        scratch_test(test_a_row_that_leads_nowhere),
        scratch_test(test_pages_of_anything),
        scratch_test(test_a_walk_ends_after_keys_too_long),
        scratch_test(test_a_page_that_cannot_be_read),
        scratch_test(test_a_history_that_cannot_be_read),
        scratch_test(test_a_file_that_is_cut_short_and_put_right),
        scratch_test(test_a_backup_of_pages_that_cannot_be_read),
        scratch_test(test_other_faults_end_the_program),
        scratch_test(test_names_past_their_limits_are_absent),
        scratch_test(test_rights_that_are_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
