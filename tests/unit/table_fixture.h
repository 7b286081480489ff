/* Short words for what every test of the table does. */
#ifndef SSOFERRY_TESTS_TABLE_FIXTURE_H
#define SSOFERRY_TESTS_TABLE_FIXTURE_H

#include <fcntl.h>

#include "scratch.h"
#include "ssoferry/revision.h"

#define LIVE_ID(last_digits) "saml-connection-live-51861cbc-d3b9-428b-9761-2222" last_digits

/* Fails with the error's message. */
#define assert_done(call)                                                                                              \
    do {                                                                                                               \
        if (!(call))                                                                                                   \
            fail_msg("%s: %s", #call, error.message);                                                                  \
    } while (0)

static const struct revision_note note_load = {.command = "load", .actor = "tester"};

static inline struct table *open_table(const char *path, enum table_mode mode, uint64_t map_size)
{
    struct table *table = NULL;
    struct error error = {0};
    const struct table_options options = {.mode = mode, .map_size = map_size};
    assert_done(table_open(&table, path, &options, &error));
    return table;
}

/* Puts a row whose connection id ends in `number`. */
static inline bool put_row(struct change *change, const char *source, const char *identifier, unsigned number,
                           struct error *error)
{
    char id[64], key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
    snprintf(id, sizeof id, LIVE_ID("%08x"), number);
    struct connection row = {.connection_id = text_of(id)};
    size_t key_size = connection_key(text_of(source), text_of(identifier), key);
    return change_put(change, text_slice(key, key_size), text_slice(record, connection_encode(&row, record)), error);
}

static inline bool remove_row(struct change *change, const char *source, const char *identifier, struct error *error)
{
    char key[CONNECTION_KEY_SIZE_MAX];
    size_t size = connection_key(text_of(source), text_of(identifier), key);
    return change_remove(change, text_slice(key, size), error);
}

static inline struct change *begin(struct table *table)
{
    struct change *change = NULL;
    struct error error = {0};
    assert_done(change_begin(&change, table, &error));
    return change;
}

static inline uint64_t commit(struct change *change)
{
    struct error error = {0};
    uint64_t revision = 0;
    assert_done(change_commit(change, &note_load, &revision, &error));
    return revision;
}

/* Puts rows "row-FIRST" to "row-LAST" of source default in one revision. */
static inline uint64_t load_rows(struct table *table, unsigned first, unsigned last, unsigned number)
{
    char identifier[32];
    struct error error = {0};
    struct change *change = begin(table);
    for (unsigned i = first; i <= last; i++) {
        snprintf(identifier, sizeof identifier, "row-%06u", i);
        assert_done(put_row(change, "default", identifier, number + i, &error));
    }
    return commit(change);
}

static inline bool put_many(struct change *change, unsigned count, struct error *error)
{
    char identifier[32];
    for (unsigned i = 1; i <= count; i++) {
        snprintf(identifier, sizeof identifier, "row-%06u", i);
        if (!put_row(change, "default", identifier, i, error))
            return false;
    }
    return true;
}

static inline enum lookup_result find_row(struct table *table, const char *source, const char *identifier)
{
    struct lookup *lookup = NULL;
    struct connection_buffer buffer;
    struct error error = {0};
    assert_done(lookup_open(&lookup, table, &error));
    enum lookup_result result = lookup_find(lookup, text_of(source), text_of(identifier), &buffer, &error);
    lookup_close(lookup);
    return result;
}

static inline struct table_state state_of(struct table *table)
{
    struct snapshot *snapshot = NULL;
    struct error error = {0};
    assert_done(snapshot_open(&snapshot, table, &error));
    struct table_state state = *snapshot_state(snapshot);
    snapshot_close(snapshot);
    return state;
}

/* That there are so many rows, all with one and the same record. Returns the table's revision. */
static inline uint64_t expect_one_kind(struct table *table, unsigned count)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct table_row row, first = {{NULL, 0}, {NULL, 0}};
    unsigned seen = 0;
    assert_done(snapshot_open(&snapshot, table, &error));
    for (; snapshot_next(snapshot, &row, &error) == LOOKUP_FOUND; seen++) {
        first = seen == 0 ? row : first;
        assert_true(text_equal(first.record, row.record));
    }
    assert_int_equal(seen, count);
    const uint64_t revision = snapshot_state(snapshot)->revision;
    snapshot_close(snapshot);
    return revision;
}

/* Calls `change` for each place in the file that holds `bytes`. LMDB's map shows it at once. */
static inline void tamper(const char *path, struct text bytes, void (*change)(int fd, size_t at))
{
    size_t size = 0, found = 0;
    char *file = scratch_read(path, &size);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (char *at = file; (at = memmem(at, size - (size_t)(at - file), bytes.at, bytes.size)) != NULL; at++, found++)
        change(fd, (size_t)(at - file));
    assert_true(found > 0);
    close(fd);
    free(file);
}

#endif
