/* Changes: what they write, what they leave alone, and what is left when they end badly. */
#include "table_fixture.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SMALL_MAP = 256 << 10 };

static void counts_and_states(void **state)
{
    struct error error = {0};
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    char key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
    struct connection legacy = {.state = CONNECTION_LEGACY};
    struct change *change = begin(table);
    assert_done(put_row(change, "default", "b", 1, &error));
    assert_done(put_row(change, "default", "a", 1, &error));
    assert_done(put_row(change, "auth0", "a", 1, &error));
    assert_done(put_row(change, "auth0", "a", 1, &error)); /* equal already */
    struct text legacy_key = {key, connection_key(TEXT("default"), TEXT("l"), key)};
    assert_done(change_put(change, legacy_key, text_slice(record, connection_encode(&legacy, record)), &error));
    assert_int_equal(change_counts(change).added, 4);
    assert_int_equal(change_counts(change).changed, 0);
    assert_int_equal(snapshot_state(change_snapshot(change))->rows[CONNECTION_STYTCH], 3);
    assert_int_equal(commit(change), 1);

    struct table_state first = state_of(table);
    assert_int_equal(first.revision, 1);
    assert_true(first.changed_at > 1600000000ll * 1000000);
    assert_int_equal(first.rows[CONNECTION_STYTCH], 3);
    assert_int_equal(first.rows[CONNECTION_LEGACY], 1);
    assert_int_equal(table_state_total(&first), 4);

    change = begin(table);
    assert_done(put_row(change, "default", "b", 2, &error));
    assert_done(remove_row(change, "auth0", "a", &error));
    assert_done(remove_row(change, "auth0", "nobody", &error));
    assert_done(put_row(change, "default", "l", 1, &error)); /* legacy becomes stytch */
    assert_int_equal(change_counts(change).added, 0);
    assert_int_equal(change_counts(change).changed, 2);
    assert_int_equal(change_counts(change).removed, 1);
    assert_int_equal(commit(change), 2);
    struct table_state second = state_of(table);
    assert_int_equal(second.rows[CONNECTION_STYTCH], 3);
    assert_int_equal(second.rows[CONNECTION_LEGACY], 0);
    assert_true(second.changed_at >= first.changed_at);
    assert_int_equal(find_row(table, "auth0", "a"), LOOKUP_ABSENT);
    assert_int_equal(find_row(table, "default", "a"), LOOKUP_FOUND);
    assert_int_equal(find_row(table, "default", "l"), LOOKUP_FOUND);
    table_close(table);
}

static time_t stands_at; /* the machine's clock, if not 0 */

/* In libc's place. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, time);
    if (clock == CLOCK_REALTIME && stands_at != 0)
        *time = (struct timespec){.tv_sec = stands_at};
    return failed;
}

/* Who asks what has changed since the last revision that he saw would miss those of a clock that went back a little.
 * One that was far ahead dates none but its own. */
static void a_clock_that_went_back(void **state)
{
    enum { NOW = 1700000000, YEAR = 365 * 86400 };
    static const struct {
        time_t now, dated;
    } changes[] = {{NOW, NOW},
                   {NOW + 120, NOW + 120},
                   {NOW, NOW + 120},
                   {NOW + 10 * YEAR, NOW + 10 * YEAR},
                   {NOW + 180, NOW + 180}};
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        stands_at = changes[i].now;
        load_rows(table, i, i, 1);
        assert_int_equal(state_of(table).changed_at, changes[i].dated * INT64_C(1000000));
    }
    stands_at = 0;
    table_close(table);
}

/* LMDB does not write pages that came and went within one transaction, not even at the file's end; but a file that ends
 * before its last page was cut short, and is refused. */
static void rows_that_come_and_go_in_one_change(void **state)
{
    enum { SEVERAL = 20, URL = 2000 };
    const char *path = scratch_path(*state, "t.mdb");
    char url[URL], key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
    struct error error = {0};
    struct connection large = {.state = CONNECTION_LEGACY, .acs_url = {url, URL}, .legacy_url = {url, URL}};
    struct table *table = open_table(path, TABLE_WRITE, 0);
    memset(url, 'x', URL);
    for (unsigned i = 1; i <= 4; i++) /* some pages are free by then */
        assert_int_equal(load_rows(table, 1, 200, i << 16), i);
    struct change *change = begin(table);
    const struct text value = {record, connection_encode(&large, record)};
    const struct text name = {key, connection_key(TEXT("default"), TEXT("-"), key)};
    char *last = &key[name.size - 1];
    for (*last = 'a'; *last < 'a' + SEVERAL; ++*last)
        assert_done(change_put(change, name, value, &error));
    while (--*last >= 'a')
        assert_done(change_remove(change, name, &error));
    assert_done(put_row(change, "default", "row-000001", 9, &error));
    assert_int_equal(commit(change), 5);
    table_close(table);
    table = open_table(path, TABLE_READ, 0);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 200);
    table_close(table);
}

static void changes_of_nothing(void **state)
{
    struct error error = {0};
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    assert_int_equal(commit(begin(table)), 1); /* an empty load is a load */
    assert_int_equal(find_row(table, "default", "a"), LOOKUP_ABSENT);
    assert_int_equal(commit(begin(table)), 1); /* but the next is none */
    struct change *change = begin(table);
    assert_done(put_row(change, "default", "a", 1, &error));
    change_abort(change);
    change_abort(NULL);
    assert_int_equal(state_of(table).revision, 1);
    assert_int_equal(find_row(table, "default", "a"), LOOKUP_ABSENT);
    table_close(table);
}

static void keys_and_records_that_cannot_be(void **state)
{
    struct error error = {0};
    char key[CONNECTION_KEY_SIZE_MAX + 1] = "x";
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    struct change *change = begin(table);
    const struct text good = {"\1\1\0", 3}; /* legacy, no id */
    assert_false(change_put(change, TEXT(""), good, &error));
    assert_false(change_put(change, text_slice(key, sizeof key), good, &error));
    char record[CONNECTION_RECORD_SIZE_MAX + 1] = "\1\1";
    assert_false(change_put(change, TEXT("default\0a"), text_slice(record, sizeof record), &error));
    assert_false(change_put(change, TEXT("default\0a"), TEXT(""), &error));
    assert_false(change_put(change, TEXT("default\0a"), TEXT("\7\0\0"), &error));
    assert_false(change_remove(change, text_slice(key, sizeof key), &error));
    assert_done(change_put(change, text_slice(key, sizeof key - 1), good, &error)); /* none of that spoilt the change */
    assert_int_equal(commit(change), 1);
    table_close(table);
}

/* -- readers beside a change -- */

static void readers_see_whole_revisions(void **state)
{
    struct error error = {0};
    const char *path = scratch_path(*state, "t.mdb");
    struct table *table = open_table(path, TABLE_WRITE, 0);
    load_rows(table, 1, 100, 0);
    struct snapshot *before = NULL;
    assert_done(snapshot_open(&before, table, &error));
    struct change *change = begin(table);
    assert_done(put_row(change, "default", "new", 1, &error));
    assert_done(remove_row(change, "default", "row-000001", &error));
    assert_int_equal(find_row(table, "default", "new"), LOOKUP_ABSENT);
    commit(change);
    assert_int_equal(find_row(table, "default", "new"), LOOKUP_FOUND);
    struct connection_buffer buffer;
    assert_int_equal(snapshot_find(before, TEXT("default"), TEXT("new"), &buffer, &error), LOOKUP_ABSENT);
    assert_int_equal(snapshot_find(before, TEXT("default"), TEXT("row-000001"), &buffer, &error), LOOKUP_FOUND);
    assert_int_equal(snapshot_state(before)->revision, 1);
    snapshot_close(before);
    snapshot_close(NULL);
    table_close(table);
}

static void lookups(void **state)
{
    struct error error = {0};
    struct lookup *lookup = NULL;
    struct connection_buffer buffer;
    struct table_state now;
    char longest[IDENTIFIER_SIZE_MAX + 1];
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    assert_done(lookup_open(&lookup, table, &error));
    memset(longest, 'i', sizeof longest);
    assert_int_equal(lookup_find(lookup, TEXT("default"), text_slice(longest, sizeof longest), &buffer, &error),
                     LOOKUP_NOT_LOADED);
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000007"), &buffer, &error), LOOKUP_NOT_LOADED);
    load_rows(table, 1, 10, 0);
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000007"), &buffer, &error), LOOKUP_FOUND);
    assert_text(buffer.row.connection_id, LIVE_ID("00000007"));
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-00000"), &buffer, &error), LOOKUP_ABSENT);
    assert_int_equal(lookup_find(lookup, TEXT("other"), TEXT("row-000007"), &buffer, &error), LOOKUP_ABSENT);
    assert_int_equal(lookup_find(lookup, TEXT(""), TEXT(""), &buffer, &error), LOOKUP_ABSENT);
    assert_int_equal(lookup_find(lookup, TEXT("default"), text_slice(longest, sizeof longest), &buffer, &error),
                     LOOKUP_ABSENT);
    load_rows(table, 7, 7, 0x100);
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000007"), &buffer, &error), LOOKUP_FOUND);
    assert_text(buffer.row.connection_id, LIVE_ID("00000107"));
    assert_done(lookup_state(lookup, &now, &error));
    assert_int_equal(now.revision, 2);
    assert_int_equal(now.rows[CONNECTION_STYTCH], 10);
    lookup_close(lookup);
    lookup_close(NULL);
    table_close(table);
}

static void damaged_record_is_told(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    struct error error = {0};
    struct table *table = open_table(path, TABLE_WRITE, 0);
    load_rows(table, 1, 3, 0);
    table_close(table);
    size_t size = 0;
    char *bytes = scratch_read(path, &size);
    char *row = memmem(bytes, size, "row-000002\1\0\2", 13);
    assert_non_null(row);
    row[10] = 9; /* a version nobody has written yet */
    scratch_write(path, bytes, size);
    free(bytes);

    table = open_table(path, TABLE_WRITE, 0);
    struct lookup *lookup = NULL;
    struct connection_buffer buffer;
    assert_done(lookup_open(&lookup, table, &error));
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000002"), &buffer, &error), LOOKUP_FAILED);
    assert_non_null(strstr(error.message, "version 9"));
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000003"), &buffer, &error), LOOKUP_FOUND);
    /* A load repairs it, and the rows are counted right again. */
    load_rows(table, 1, 3, 0);
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000002"), &buffer, &error), LOOKUP_FOUND);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 3);
    /* What nobody could read is nothing that could be brought back, and does not keep the rest from it. */
    struct change *change = begin(table);
    assert_done(revision_rollback(change, 1, NULL, NULL, &error));
    assert_int_equal(commit(change), 3);
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000002"), &buffer, &error), LOOKUP_ABSENT);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 2);
    lookup_close(lookup);
    table_close(table);
}

/* -- walking -- */

static void expect_next(struct snapshot *snapshot, const char *identifier)
{
    struct table_row row;
    struct error error = {0};
    struct text source, found;
    enum lookup_result result = snapshot_next(snapshot, &row, &error);
    if (identifier == NULL) {
        assert_int_equal(result, LOOKUP_ABSENT);
        return;
    }
    assert_int_equal(result, LOOKUP_FOUND);
    assert_true(connection_key_split(row.key, &source, &found));
    assert_text(found, identifier);
}

static void walks(void **state)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    assert_done(snapshot_open(&snapshot, table, &error));
    expect_next(snapshot, NULL);
    snapshot_close(snapshot);
    load_rows(table, 1, 3, 0);
    assert_done(snapshot_open(&snapshot, table, &error));
    expect_next(snapshot, "row-000001"); /* without a seek: from the first */
    snapshot_seek(snapshot, text_slice("default\0row-000002", 18));
    expect_next(snapshot, "row-000002");
    expect_next(snapshot, "row-000003");
    expect_next(snapshot, NULL);
    expect_next(snapshot, NULL);
    snapshot_seek(snapshot, text_slice("default\0row-0000021", 19));
    expect_next(snapshot, "row-000003");
    snapshot_seek(snapshot, TEXT("e"));
    expect_next(snapshot, NULL);
    snapshot_seek(snapshot, TEXT(""));
    expect_next(snapshot, "row-000001");
    snapshot_close(snapshot);
    table_close(table);
}

static void walks_while_writing(void **state)
{
    struct error error = {0};
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    load_rows(table, 1, 2000, 0);
    struct change *change = begin(table);
    struct snapshot *snapshot = change_snapshot(change);
    struct table_row row;
    unsigned seen = 0;
    while (snapshot_next(snapshot, &row, &error) == LOOKUP_FOUND) {
        char identifier[32];
        seen++;
        snprintf(identifier, sizeof identifier, "row-%06u", seen);
        assert_memory_equal(row.key.at + 8, identifier, 10);
        if (seen % 3 == 0) {
            assert_done(change_remove(change, row.key, &error));
        } else if (seen % 3 == 1) {
            assert_done(put_row(change, "default", identifier, 0xffff, &error));
        } else {
            assert_done(put_row(change, "aaa", identifier, seen, &error));
        }
    }
    assert_int_equal(seen, 2000);
    commit(change);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 2000 - 666 + 667);
    table_close(table);
}

/* -- a map that is too small -- */

static void map_full_at_put(void **state)
{
    struct error error = {0};
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, SMALL_MAP);
    load_rows(table, 1, 10, 0);
    struct change *change = begin(table);
    assert_false(put_many(change, 20000, &error));
    assert_int_equal(error.kind, ERROR_MAP_FULL);
    assert_false(put_row(change, "default", "again", 1, &error));
    assert_int_equal(error.kind, ERROR_MAP_FULL);
    assert_false(table_grow(table, &error)); /* not while a change is open */
    assert_false(change_commit(change, &note_load, NULL, &error));
    assert_int_equal(error.kind, ERROR_MAP_FULL);
    assert_int_equal(state_of(table).revision, 1);
    assert_int_equal(table_state_total(&(struct table_state){.rows = {state_of(table).rows[0]}}), 10);
    uint64_t revision = 0;
    for (unsigned grown = 0; revision == 0; grown++) {
        assert_true(grown < 8);
        assert_done(table_grow(table, &error));
        change = begin(table);
        if (!put_many(change, 20000, &error))
            change_abort(change);
        else if (change_commit(change, &note_load, &revision, &error))
            break;
        assert_int_equal(error.kind, ERROR_MAP_FULL);
    }
    assert_int_equal(revision, 2);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 20000);
    assert_int_equal(find_row(table, "default", "row-020000"), LOOKUP_FOUND);
    table_close(table);
}

/* Whether a load of `count` rows into a fresh table with a map of `size` fails at its commit, all its puts done. */
static bool fails_at_commit(struct scratch *scratch, uint64_t size, unsigned count)
{
    struct error error = {0};
    const char *path = scratch_path(scratch, "t.mdb"), *lock = scratch_path(scratch, "t.mdb-lock");
    struct table *table = open_table(path, TABLE_WRITE, size);
    struct change *change = begin(table);
    bool all_put = put_many(change, count, &error), failed = false;
    if (all_put) {
        failed = !change_commit(change, &note_load, NULL, &error);
        assert_int_equal(state_of(table).revision, failed ? 0 : 1);
        assert_int_equal(find_row(table, "default", "row-000001"), failed ? LOOKUP_NOT_LOADED : LOOKUP_FOUND);
    } else {
        change_abort(change);
    }
    if (failed) {
        assert_int_equal(error.kind, ERROR_MAP_FULL);
        assert_done(table_grow(table, &error)); /* and the same load goes through */
        change = begin(table);
        assert_true(put_many(change, count, &error));
        assert_int_equal(commit(change), 1);
    }
    table_close(table);
    assert_int_equal(unlink(path) | unlink(lock), 0);
    return failed;
}

static void map_full_at_commit(void **state)
{
    unsigned at_commit = 0;
    for (uint64_t pages = 12; pages < 40; pages++)
        at_commit += fails_at_commit(*state, pages * 4096, 500);
    assert_true(at_commit > 0);
}

/* -- the whole of it -- */

static void facts(void **state)
{
    struct error error = {0};
    struct table_stat stat;
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 8 << 20);
    load_rows(table, 1, 3000, 0);
    assert_done(table_stat(table, &stat, &error));
    assert_int_equal(stat.state.revision, 1);
    assert_int_equal(stat.map_size, 8 << 20);
    assert_int_equal(stat.schema_version, TABLE_SCHEMA_OLDEST);
    assert_in_range(stat.used_size, 3000 * 30, stat.file_size);
    assert_in_range(stat.undo_size, 4096, stat.used_size);
    assert_in_range(stat.depth, 2, 4);
    assert_int_equal(stat.readers_max, 510);
    assert_done(table_grow(table, &error));
    assert_done(table_stat(table, &stat, &error));
    assert_int_equal(stat.map_size, 16 << 20);
    table_close(table);
}

static void backups(void **state)
{
    struct error error = {0};
    struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "t.mdb"), *copy = scratch_path(scratch, "copy.mdb"),
               *nowhere = scratch_path(scratch, "missing/copy.mdb");
    struct table *table = open_table(path, TABLE_WRITE, 0);
    load_rows(table, 1, 5000, 0);
    struct change *change = begin(table);
    assert_done(
        put_row(change, "default", "not yet", 1, &error)); /* a change under way does not hinder, and is not in it */
    assert_done(table_backup(table, copy, &error));
    commit(change);
    assert_false(table_backup(table, copy, &error));
    assert_non_null(strstr(error.message, "the file exists already"));
    assert_false(table_backup(table, nowhere, &error));
    assert_non_null(strstr(error.message, "does not exist: mount its disk or make it"));
    assert_false(table_backup(table, scratch->directory, &error));
    table_close(table);
    table = open_table(copy, TABLE_READ, 0);
    assert_int_equal(state_of(table).revision, 1);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 5000);
    assert_int_equal(find_row(table, "default", "row-005000"), LOOKUP_FOUND);
    assert_int_equal(find_row(table, "default", "not yet"), LOOKUP_ABSENT);
    table_close(table);
    /* Nothing is left of the temporary name, and the copy can be gone on with. */
    assert_int_equal(scratch_count(copy, ".new-*"), 0);
    table = open_table(copy, TABLE_WRITE, 0);
    assert_int_equal(load_rows(table, 1, 1, 9), 2);
    table_close(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(counts_and_states),
        scratch_test(a_clock_that_went_back),
        scratch_test(rows_that_come_and_go_in_one_change),
        scratch_test(changes_of_nothing),
        scratch_test(keys_and_records_that_cannot_be),
        scratch_test(readers_see_whole_revisions),
        scratch_test(lookups),
        scratch_test(damaged_record_is_told),
        scratch_test(walks),
        scratch_test(walks_while_writing),
        scratch_test(map_full_at_put),
        scratch_test(map_full_at_commit),
        scratch_test(facts),
        scratch_test(backups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
