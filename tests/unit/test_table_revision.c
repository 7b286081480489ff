/* Revisions: their notes, what each changed, and the table taken back, against a model. */
#include "table_fixture.h"

enum { ROWS = 60, HISTORY = 70 };

/* -- notes -- */

static enum lookup_result read_revision(struct table *table, uint64_t number, struct revision *revision)
{
    struct snapshot *snapshot = NULL;
    struct error error = {0};
    assert_done(snapshot_open(&snapshot, table, &error));
    enum lookup_result result = revision_read(snapshot, number, revision, &error);
    snapshot_close(snapshot);
    return result;
}

static void notes(void **state)
{
    struct error error = {0};
    struct revision revision;
    uint64_t number = 0;
    struct revision_file files[2] = {{"a.yaml", ""}, {"some where/b.yaml", ""}};
    memset(files[0].sha256, 'a', 64);
    memset(files[1].sha256, '0', 64);
    const struct revision_note note = {"load", "alice", "moved \"globex\"\n", files, 2};
    const struct revision_note bare = {"set", "", NULL, NULL, 0};
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    assert_int_equal(read_revision(table, 1, &revision), LOOKUP_ABSENT);

    struct change *change = begin(table);
    assert_done(put_row(change, "default", "a", 1, &error));
    assert_done(change_commit(change, &note, &number, &error));
    assert_int_equal(number, 1);
    change = begin(table);
    assert_done(put_row(change, "default", "a", 2, &error));
    assert_done(put_row(change, "default", "b", 2, &error));
    assert_done(change_commit(change, &bare, NULL, &error));

    assert_int_equal(read_revision(table, 1, &revision), LOOKUP_FOUND);
    assert_int_equal(revision.number, 1);
    assert_int_equal(revision.counts.added, 1);
    assert_int_equal(revision.counts.changed, 0);
    assert_string_equal(revision.command, "load");
    assert_string_equal(revision.actor, "alice");
    assert_string_equal(revision.message, "moved \"globex\"\n");
    assert_int_equal(revision.file_count, 2);
    assert_string_equal(revision.files[1].path, "some where/b.yaml");
    assert_string_equal(revision.files[0].sha256, files[0].sha256);
    revision_release(&revision);

    assert_int_equal(read_revision(table, 2, &revision), LOOKUP_FOUND);
    assert_int_equal(revision.changed_at, state_of(table).changed_at);
    assert_int_equal(revision.counts.added, 1);
    assert_int_equal(revision.counts.changed, 1);
    assert_string_equal(revision.actor, "");
    assert_string_equal(revision.message, "");
    assert_int_equal(revision.file_count, 0);
    revision_release(&revision);
    assert_int_equal(read_revision(table, 0, &revision), LOOKUP_ABSENT);
    assert_int_equal(read_revision(table, 3, &revision), LOOKUP_ABSENT);
    revision_release(&revision); /* a zeroed one */
    table_close(table);
}

/* Each byte of a note changed: refused or read, never a wrong access. */
static void damaged_notes(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    struct error error = {0};
    struct revision_file file = {"mapping.yaml", "aa"};
    const struct revision_note note = {"load", "someone", "because", &file, 1};
    struct table *table = open_table(path, TABLE_WRITE, 0);
    struct change *change = begin(table);
    assert_done(put_row(change, "default", "a", 1, &error));
    assert_done(change_commit(change, &note, NULL, &error));
    table_close(table);
    size_t size = 0;
    char *bytes = scratch_read(path, &size);
    char *text = memmem(bytes, size, "\0\0\0\4load\0\0\0\7someone", 19);
    assert_non_null(text);
    for (char *at = text - 33; at < text + 60; at++) {
        struct revision revision;
        char kept = *at;
        *at = (char)(kept ^ 0xff);
        scratch_write(path, bytes, size);
        table = open_table(path, TABLE_READ, 0);
        if (read_revision(table, 1, &revision) == LOOKUP_FOUND) {
            assert_true(at > text - 33); /* one of another version says nothing */
            revision_release(&revision);
        }
        table_close(table);
        *at = kept;
    }
    assert_memory_equal(text + 30, "\0\0\0\1", 4);
    text[33] = 0; /* no file, and yet something follows */
    scratch_write(path, bytes, size);
    table = open_table(path, TABLE_READ, 0);
    struct revision revision;
    assert_int_equal(read_revision(table, 1, &revision), LOOKUP_FAILED);
    table_close(table);
    free(bytes);
}

/* -- a model -- */

/* Row i after a revision: 0 where it is not there, else the number of its connection. */
struct model {
    unsigned rows[HISTORY + 1][ROWS];
    uint64_t newest;
};

static void name_row(char out[32], unsigned row)
{
    snprintf(out, 32, "row-%03u", row);
}

/* A change of some rows, in any order, some of them twice. */
static void change_at_random(struct table *table, struct model *model)
{
    struct error error = {0};
    unsigned now[ROWS];
    char name[32];
    memcpy(now, model->rows[model->newest], sizeof now);
    struct change *change = begin(table);
    for (unsigned edits = (unsigned)rand() % 30 + 1; edits > 0; edits--) {
        unsigned row = (unsigned)rand() % ROWS;
        name_row(name, row);
        now[row] = rand() % 3 == 0 ? 0 : (unsigned)rand() % 4 + 1;
        assert_done(now[row] == 0 ? remove_row(change, "default", name, &error)
                                  : put_row(change, "default", name, now[row], &error));
    }
    uint64_t revision = commit(change);
    if (revision != model->newest) {
        assert_int_equal(revision, model->newest + 1);
        model->newest = revision;
        memcpy(model->rows[revision], now, sizeof now);
    }
}

static void expect_table(struct table *table, const unsigned rows[ROWS])
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct table_row row;
    char name[32], id[64];
    uint64_t count = 0;
    assert_done(snapshot_open(&snapshot, table, &error));
    for (unsigned i = 0; i < ROWS; i++) {
        if (rows[i] == 0)
            continue;
        struct connection_buffer buffer;
        name_row(name, i);
        snprintf(id, sizeof id, LIVE_ID("%08x"), rows[i]);
        assert_int_equal(snapshot_next(snapshot, &row, &error), LOOKUP_FOUND);
        assert_memory_equal(row.key.at + 8, name, strlen(name));
        assert_done(connection_decode(row.record, &buffer, &error));
        assert_text(buffer.row.connection_id, id);
        count++;
    }
    assert_int_equal(snapshot_next(snapshot, &row, &error), LOOKUP_ABSENT);
    assert_int_equal(snapshot_state(snapshot)->rows[CONNECTION_STYTCH], count);
    snapshot_close(snapshot);
}

static bool roll_back(struct table *table, uint64_t number, uint64_t *revision, struct error *error)
{
    struct change *change = begin(table);
    const struct revision_note note = {.command = "rollback", .actor = "tester"};
    if (revision_rollback(change, number, NULL, NULL, error))
        return change_commit(change, &note, revision, error);
    change_abort(change);
    return false;
}

static void taken_back_as_the_model_says(void **state)
{
    struct model *model = calloc(1, sizeof *model);
    struct error error = {0};
    assert_non_null(model);
    srand(11);
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    while (model->newest < HISTORY - 1) {
        change_at_random(table, model);
        expect_table(table, model->rows[model->newest]);
        if (rand() % 3 != 0)
            continue;
        uint64_t oldest = model->newest > TABLE_REVISIONS_KEPT ? model->newest - TABLE_REVISIONS_KEPT : 0;
        uint64_t target = oldest + (uint64_t)rand() % (model->newest - oldest + 1), revision = 0;
        assert_done(roll_back(table, target, &revision, &error));
        expect_table(table, model->rows[target]);
        if (revision != model->newest)
            memcpy(model->rows[++model->newest], model->rows[target], sizeof model->rows[0]);
        assert_int_equal(revision, model->newest);
    }
    table_close(table);
    free(model);
}

/* -- differences -- */

struct expectation {
    const unsigned *before, *after;
    unsigned row;   /* the next that may differ */
    unsigned equal; /* rows told that do not */
};

static unsigned number_of(struct text record)
{
    struct connection_buffer buffer;
    struct error error = {0};
    if (record.size == 0)
        return 0;
    assert_done(connection_decode(record, &buffer, &error));
    char digits[9] = "";
    memcpy(digits, buffer.row.connection_id.at + buffer.row.connection_id.size - 8, 8);
    return (unsigned)strtoul(digits, NULL, 16);
}

static bool on_difference(void *context, const struct difference *difference, struct error *error)
{
    struct expectation *expected = context;
    char name[32];
    (void)error;
    while (expected->row < ROWS && expected->before[expected->row] == expected->after[expected->row])
        expected->row++;
    assert_true(expected->row < ROWS);
    unsigned before = expected->before[expected->row], after = expected->after[expected->row];
    name_row(name, expected->row++);
    assert_memory_equal(difference->key.at + 8, name, strlen(name));
    assert_int_equal(number_of(difference->before), before);
    assert_int_equal(number_of(difference->after), after);
    assert_int_equal(difference->kind, before == 0  ? DIFFERENCE_ADDED
                                       : after == 0 ? DIFFERENCE_REMOVED
                                                    : DIFFERENCE_CHANGED);
    return true;
}

/* Also called for rows that were changed and changed back. */
static bool on_distance(void *context, const struct difference *difference, struct error *error)
{
    struct expectation *expected = context;
    if (difference->kind != DIFFERENCE_NONE)
        return on_difference(context, difference, error);
    assert_true(text_equal(difference->before, difference->after));
    expected->equal++;
    return true;
}

static void differences_as_the_model_says(void **state)
{
    unsigned equal = 0;
    struct model *model = calloc(1, sizeof *model);
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    assert_non_null(model);
    srand(5);
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    while (model->newest < HISTORY - 1)
        change_at_random(table, model);
    assert_done(snapshot_open(&snapshot, table, &error));
    for (uint64_t number = model->newest - TABLE_REVISIONS_KEPT + 1; number <= model->newest; number++) {
        struct expectation expected = {model->rows[number - 1], model->rows[number], 0, 0};
        assert_done(revision_differences(snapshot, number, on_difference, &expected, &error));
        for (; expected.row < ROWS; expected.row++)
            assert_int_equal(expected.before[expected.row], expected.after[expected.row]);
    }
    for (uint64_t number = model->newest - TABLE_REVISIONS_KEPT; number <= model->newest; number++) {
        struct expectation expected = {model->rows[model->newest], model->rows[number], 0, 0};
        assert_done(revision_distance(snapshot, number, on_distance, &expected, &error));
        equal += expected.equal;
        for (; expected.row < ROWS; expected.row++)
            assert_int_equal(expected.before[expected.row], expected.after[expected.row]);
    }
    assert_true(equal > 0);
    snapshot_close(snapshot);
    table_close(table);
    free(model);
}

struct row_expectation {
    const struct model *model;
    unsigned row;
    uint64_t number; /* no revision above this one is still to come */
};

static bool differs(const struct row_expectation *expected, uint64_t number)
{
    return expected->model->rows[number][expected->row] != expected->model->rows[number - 1][expected->row];
}

static bool on_revision(void *context, const struct revision *revision, const struct difference *difference)
{
    struct row_expectation *expected = context;
    struct error error = {0};
    while (expected->number > 0 && !differs(expected, expected->number))
        expected->number--;
    assert_int_equal(revision->number, expected->number);
    struct expectation pair = {expected->model->rows[expected->number - 1], expected->model->rows[expected->number],
                               expected->row, 0};
    assert_done(on_difference(&pair, difference, &error));
    assert_string_equal(revision->command, "load");
    expected->number--;
    return true;
}

static bool stop_at_revision(void *context, const struct revision *revision, const struct difference *difference)
{
    (void)revision;
    (void)difference;
    *(unsigned *)context += 1;
    return false;
}

static void the_history_of_a_row_as_the_model_says(void **state)
{
    struct model *model = calloc(1, sizeof *model);
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    char name[32], key[CONNECTION_KEY_SIZE_MAX];
    unsigned calls = 0;
    assert_non_null(model);
    srand(7);
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    while (model->newest < HISTORY - 1)
        change_at_random(table, model);
    assert_done(snapshot_open(&snapshot, table, &error));
    for (unsigned row = 0; row < ROWS; row++) {
        struct row_expectation expected = {model, row, model->newest};
        name_row(name, row);
        struct text wanted = text_slice(key, connection_key(TEXT("default"), text_of(name), key));
        assert_done(revision_walk_row(snapshot, wanted, on_revision, &expected, &error));
        for (; expected.number > model->newest - TABLE_REVISIONS_KEPT; expected.number--)
            assert_false(differs(&expected, expected.number));
        calls = 0;
        assert_done(revision_walk_row(snapshot, wanted, stop_at_revision, &calls, &error));
        assert_int_equal(calls, 1);
    }
    calls = 0;
    assert_done(revision_walk_row(snapshot, TEXT("default\0row-1"), stop_at_revision, &calls, &error));
    assert_int_equal(calls, 0);
    snapshot_close(snapshot);
    table_close(table);
    free(model);
}

static bool stop_at_once(void *context, const struct difference *difference, struct error *error)
{
    (void)difference;
    *(unsigned *)context += 1;
    return error_set(error, ERROR_CONFLICT, "enough");
}

static void callers_may_stop(void **state)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    unsigned calls = 0;
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_done(revision_distance(snapshot, 0, stop_at_once, &calls, &error)); /* it is there already */
    snapshot_close(snapshot);
    load_rows(table, 1, 9, 0);
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_false(revision_differences(snapshot, 1, stop_at_once, &calls, &error));
    assert_int_equal(calls, 1);
    assert_string_equal(error.message, "enough");
    assert_false(revision_distance(snapshot, 0, stop_at_once, &calls, &error));
    assert_int_equal(calls, 2);
    assert_string_equal(error.message, "enough");
    snapshot_close(snapshot);
    table_close(table);
}

/* -- limits -- */

static void only_so_many_are_kept(void **state)
{
    struct error error = {0};
    struct revision revision;
    struct snapshot *snapshot = NULL;
    uint64_t made = 0;
    unsigned calls = 0;
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    for (unsigned i = 1; i <= TABLE_REVISIONS_KEPT + 5; i++)
        made = load_rows(table, 1, 3, 16 * i);
    assert_int_equal(made, TABLE_REVISIONS_KEPT + 5);
    assert_int_equal(read_revision(table, 5, &revision), LOOKUP_ABSENT);
    assert_int_equal(read_revision(table, 6, &revision), LOOKUP_FOUND);
    revision_release(&revision);

    assert_done(snapshot_open(&snapshot, table, &error));
    assert_false(revision_differences(snapshot, 5, stop_at_once, &calls, &error));
    assert_int_equal(error.kind, ERROR_INPUT);
    assert_string_equal(error.message, "revision 5 is not kept any more: the last 50 are");
    assert_false(revision_differences(snapshot, 0, stop_at_once, &calls, &error));
    assert_int_equal(error.kind, ERROR_INPUT);
    assert_false(revision_differences(snapshot, 56, stop_at_once, &calls, &error));
    assert_string_equal(error.message, "there is no revision 56: the table is at revision 55");
    assert_false(revision_distance(snapshot, 4, stop_at_once, &calls, &error));
    assert_string_equal(error.message, "revision 5 is not kept any more: the last 50 are");
    assert_false(revision_distance(snapshot, 56, stop_at_once, &calls, &error));
    assert_string_equal(error.message, "there is no revision 56: the table is at revision 55");
    assert_done(revision_distance(snapshot, 55, stop_at_once, &calls, &error));
    assert_int_equal(calls, 0);
    snapshot_close(snapshot);

    assert_false(roll_back(table, 4, &made, &error)); /* 5 would have to be undone, and is not kept */
    assert_int_equal(error.kind, ERROR_INPUT);
    assert_false(roll_back(table, 56, &made, &error));
    assert_int_equal(error.kind, ERROR_INPUT);
    assert_int_equal(state_of(table).revision, 55);
    assert_done(roll_back(table, 5, &made, &error));
    assert_int_equal(made, 56);
    assert_done(roll_back(table, 56, &made, &error)); /* nothing to take back, no revision */
    assert_int_equal(made, 56);
    table_close(table);
}

static uint64_t undo_after(struct table *table, unsigned revisions)
{
    struct error error = {0};
    struct table_stat stat;
    while (state_of(table).revision < revisions)
        load_rows(table, 1, 200, (unsigned)state_of(table).revision * 256);
    assert_done(table_stat(table, &stat, &error));
    return stat.undo_size;
}

static void undo_is_forgotten(void **state)
{
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    uint64_t full = undo_after(table, TABLE_REVISIONS_KEPT + 1);
    assert_true(full >= TABLE_REVISIONS_KEPT * 4096);
    assert_in_range(undo_after(table, 2 * TABLE_REVISIONS_KEPT), full - 4 * 4096, full + 4 * 4096);
    table_close(table);
}

static void before_the_first(void **state)
{
    struct error error = {0};
    uint64_t made = 0;
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    load_rows(table, 1, 3, 0);
    load_rows(table, 2, 9, 50);
    assert_done(roll_back(table, 0, &made, &error));
    assert_int_equal(made, 3);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 0);
    assert_int_equal(find_row(table, "default", "row-000001"), LOOKUP_ABSENT);
    assert_done(roll_back(table, 2, &made, &error)); /* and a rollback is taken back as anything else */
    assert_int_equal(made, 4);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 9);
    table_close(table);
}

static void a_used_change_takes_nothing_back(void **state)
{
    struct error error = {0};
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    load_rows(table, 1, 3, 0);
    struct change *change = begin(table);
    assert_done(put_row(change, "default", "x", 1, &error));
    assert_false(revision_rollback(change, 0, NULL, NULL, &error));
    assert_int_equal(error.kind, ERROR_FAILED);
    change_abort(change);
    table_close(table);
}

/* -- many rows -- */

enum { MANY = 40000 };

/* Fills some chunks of undo: rows in falling order, then in leaps, so that the runs overlap. */
static void change_many(struct table *table, unsigned number)
{
    struct error error = {0};
    char name[32];
    struct change *change = begin(table);
    for (unsigned i = MANY; i > 0; i--) {
        snprintf(name, sizeof name, "row-%06u", number % 2 == 0 ? i : i * 7919u % MANY + 1);
        assert_done(put_row(change, "default", name, number, &error));
    }
    commit(change);
}

static bool count_difference(void *context, const struct difference *difference, struct error *error)
{
    unsigned *count = context;
    assert_int_equal(difference->kind, DIFFERENCE_CHANGED);
    assert_int_equal(number_of(difference->before), 2);
    assert_int_equal(number_of(difference->after), 3);
    (void)error;
    ++*count;
    return true;
}

static bool count_revision(void *context, const struct revision *revision, const struct difference *difference)
{
    unsigned *next = context;
    assert_int_equal(revision->number, *next);
    assert_int_equal(difference->kind, *next == 1 ? DIFFERENCE_ADDED : DIFFERENCE_CHANGED);
    assert_int_equal(number_of(difference->after), *next);
    if (*next > 1)
        assert_int_equal(number_of(difference->before), *next - 1);
    --*next;
    return true;
}

/* Whatever chunk a row is in, and between which it is not. */
static void check_histories(struct snapshot *snapshot, unsigned revisions)
{
    struct error error = {0};
    char name[32], key[CONNECTION_KEY_SIZE_MAX];
    for (unsigned i = 0; i <= MANY + 1; i += i < 2 || i >= MANY - 1 ? 1 : 97) {
        unsigned next = revisions;
        bool there = i > 0 && i <= MANY;
        snprintf(name, sizeof name, "row-%06u", i);
        struct text wanted = text_slice(key, connection_key(TEXT("default"), text_of(name), key));
        assert_done(revision_walk_row(snapshot, wanted, count_revision, &next, &error));
        assert_int_equal(next, there ? 0 : revisions);
        key[wanted.size] = '-';
        next = revisions;
        assert_done(revision_walk_row(snapshot, text_slice(key, wanted.size + 1), count_revision, &next, &error));
        assert_int_equal(next, revisions);
    }
}

static void many_rows_in_any_order(void **state)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct table_row row;
    uint64_t made = 0;
    unsigned count = 0;
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    for (unsigned number = 1; number <= 4; number++)
        change_many(table, number);
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_done(revision_differences(snapshot, 3, count_difference, &count, &error));
    assert_int_equal(count, MANY);
    check_histories(snapshot, 4);
    snapshot_close(snapshot);
    assert_done(roll_back(table, 2, &made, &error));
    assert_done(snapshot_open(&snapshot, table, &error));
    for (count = 0; snapshot_next(snapshot, &row, &error) == LOOKUP_FOUND; count++)
        assert_int_equal(number_of(row.record), 2);
    assert_int_equal(count, MANY);
    snapshot_close(snapshot);
    table_close(table);
}

static bool changed_at_both_ends(void *context, const struct revision *revision, const struct difference *difference)
{
    assert_int_equal(revision->number, 2);
    assert_int_equal(number_of(difference->before), 1);
    assert_int_equal(number_of(difference->after), 8);
    *(bool *)context = true;
    return false;
}

/* One row changed at both ends of a large change: its first record is the one from before. */
static void one_row_in_two_chunks(void **state)
{
    struct error error = {0};
    uint64_t made = 0;
    char name[32];
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    load_rows(table, 1, 2, 0);
    struct change *change = begin(table);
    assert_done(put_row(change, "default", "row-000001", 7, &error));
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "a-row-%06u", i);
        assert_done(put_row(change, "default", name, i, &error));
    }
    assert_done(put_row(change, "default", "row-000001", 8, &error));
    assert_int_equal(commit(change), 2);
    struct snapshot *snapshot = NULL;
    bool told = false;
    assert_done(snapshot_open(&snapshot, table, &error));
    assert_done(revision_walk_row(snapshot, TEXT("default\0row-000001"), changed_at_both_ends, &told, &error));
    assert_true(told);
    snapshot_close(snapshot);
    assert_done(roll_back(table, 1, &made, &error));
    struct lookup *lookup = NULL;
    struct connection_buffer buffer;
    assert_done(lookup_open(&lookup, table, &error));
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000001"), &buffer, &error), LOOKUP_FOUND);
    assert_text(buffer.row.connection_id, LIVE_ID("00000001"));
    lookup_close(lookup);
    assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 2);
    table_close(table);
}

/* Each byte at the start of a chunk of undo changed: refused or read, never a wrong access. */
enum { LETTERS = 4 };

struct row_room {
    char key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
};

/* Identifiers of every size, and records from small ones to large. */
static struct table_row row_of_size(unsigned letter, unsigned size, char label, struct row_room *room)
{
    char bytes[URL_SIZE_MAX];
    memset(bytes, label, sizeof bytes);
    const struct connection row = {.acs_url = text_slice(bytes, size * 4),
                                   .legacy_url = text_slice(bytes, size < 100 ? 0 : size * 4),
                                   .label = text_slice(bytes, size < LABEL_SIZE_MAX ? size : LABEL_SIZE_MAX)};
    size_t record_size = connection_encode(&row, room->record);
    memset(bytes, (int)('a' + letter), size);
    return (struct table_row){
        text_slice(room->key, connection_key(TEXT("default"), text_slice(bytes, size), room->key)),
        text_slice(room->record, record_size)};
}

static void put_all_sizes(struct table *table, char label)
{
    struct error error = {0};
    struct row_room room;
    struct change *change = begin(table);
    for (unsigned letter = 0; letter < LETTERS; letter++) {
        for (unsigned size = 1; size <= IDENTIFIER_SIZE_MAX; size++) {
            const struct table_row row = row_of_size(letter, size, label, &room);
            assert_done(change_put(change, row.key, row.record, &error));
        }
    }
    commit(change);
}

/* What a revision changed is kept in chunks, with sizes that take a byte or more. */
static void rows_of_all_sizes(void **state)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct table_row row;
    uint64_t revision = 0;
    struct row_room room;
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    put_all_sizes(table, 'l');
    put_all_sizes(table, 'm');
    assert_done(roll_back(table, 1, &revision, &error));
    assert_done(snapshot_open(&snapshot, table, &error));
    for (unsigned letter = 0; letter < LETTERS; letter++) {
        for (unsigned size = 1; size <= IDENTIFIER_SIZE_MAX; size++) {
            const struct table_row expected = row_of_size(letter, size, 'l', &room);
            assert_int_equal(snapshot_next(snapshot, &row, &error), LOOKUP_FOUND);
            assert_true(text_equal(row.key, expected.key) && text_equal(row.record, expected.record));
        }
    }
    snapshot_close(snapshot);
    table_close(table);
}

static void damaged_undo(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    struct error error = {0};
    struct table *table = open_table(path, TABLE_WRITE, 0);
    load_rows(table, 1, 3, 0);
    load_rows(table, 2, 4, 50);
    table_close(table);
    size_t size = 0, refused = 0;
    char *bytes = scratch_read(path, &size);
    char *chunk = memmem(bytes, size,
                         "\1\0\0\x12\x14"
                         "default\0row-000002",
                         23);
    assert_non_null(chunk);
    for (char *at = chunk; at < chunk + 60; at++) {
        char kept = *at;
        uint64_t made = 0;
        for (unsigned flip = 1; flip < 256; flip = flip * 2 + 1) {
            *at = (char)(kept ^ (char)flip);
            scratch_write(path, bytes, size);
            table = open_table(path, TABLE_WRITE, 0);
            refused += !roll_back(table, 1, &made, &error);
            table_close(table);
        }
        *at = kept;
    }
    assert_true(refused > 0);
    free(bytes);
}

/* What of a chunk is damaged, by its place: its head (version, whether it goes on), then of its second row how many
 * bytes of the key are the first one's, how many follow, and one more than the record has. */
static const struct {
    size_t at;
    char bytes[3];
    size_t size;
} damages[] = {
    {0, "\2", 1}, {1, "\2", 1}, {42, "\x7f", 1}, {43, "\x7f", 1}, {44, "\x7f", 1}, {42, "\0\0", 2}, {42, "\x11\0", 2},
};

static bool take_any(void *context, const struct difference *difference, struct error *error)
{
    (void)context, (void)difference, (void)error;
    return true;
}

/* A part of a revision that is taken back would be a table that never was. */
static void nothing_is_taken_back_in_part(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    struct error error = {0};
    struct table *table = open_table(path, TABLE_WRITE, 0);
    load_rows(table, 1, 3, 0);
    load_rows(table, 1, 4, 50);
    table_close(table);
    size_t size = 0;
    char *bytes = scratch_read(path, &size);
    char *chunk = memmem(bytes, size,
                         "\1\0\0\x12\x14"
                         "default\0row-000001",
                         23);
    assert_non_null(chunk);
    assert_memory_equal(chunk + 42, "\x11\1\x14", 3);
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        uint64_t made = 0;
        char kept[3];
        memcpy(kept, chunk + damages[i].at, damages[i].size);
        memcpy(chunk + damages[i].at, damages[i].bytes, damages[i].size);
        scratch_write(path, bytes, size);
        memcpy(chunk + damages[i].at, kept, damages[i].size);
        table = open_table(path, TABLE_WRITE, 0);
        if (roll_back(table, 1, &made, &error))
            fail_msg("damage %zu was not seen", i);
        assert_non_null(strstr(error.message, "damaged"));
        assert_int_equal(state_of(table).revision, 2);
        assert_int_equal(state_of(table).rows[CONNECTION_STYTCH], 4);
        struct snapshot *snapshot = NULL; /* nor is a part of it told as if it were all */
        assert_done(snapshot_open(&snapshot, table, &error));
        assert_false(revision_differences(snapshot, 2, take_any, NULL, &error));
        assert_false(revision_distance(snapshot, 1, take_any, NULL, &error));
        snapshot_close(snapshot);
        table_close(table);
    }
    scratch_write(path, bytes, size);
    free(bytes);
    uint64_t made = 0;
    table = open_table(path, TABLE_WRITE, 0);
    assert_done(roll_back(table, 1, &made, &error)); /* as it was written, it can be read */
    table_close(table);
}

enum { LARGE = 250 };

static void put_large_rows(struct table *table, char fill)
{
    char url[URL_SIZE_MAX], identifier[IDENTIFIER_SIZE_MAX], key[CONNECTION_KEY_SIZE_MAX],
        record[CONNECTION_RECORD_SIZE_MAX];
    struct error error = {0};
    struct change *change = begin(table);
    memset(url, fill, sizeof url);
    memset(identifier, 'i', sizeof identifier);
    const struct connection row = {.connection_id = TEXT(LIVE_ID("00000001")),
                                   .acs_url = {url, sizeof url},
                                   .legacy_url = {url, sizeof url},
                                   .label = {url, LABEL_SIZE_MAX - 12}}; /* some fill a chunk but for most of one */
    const size_t size = connection_encode(&row, record);
    for (unsigned i = 0; i < LARGE; i++) {
        identifier[0] = (char)('a' + i % 16);
        identifier[1] = (char)('a' + i / 16);
        size_t key_size = connection_key(TEXT("default"), text_slice(identifier, sizeof identifier), key);
        assert_done(change_put(change, text_slice(key, key_size), text_slice(record, size), &error));
    }
    commit(change);
}

/* Of which more than one chunk's are noted, in no order. */
static void large_rows(void **state)
{
    struct error error = {0};
    uint64_t made = 0;
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_WRITE, 0);
    put_large_rows(table, 'a');
    put_large_rows(table, 'b');
    put_large_rows(table, 'c');
    assert_done(roll_back(table, 1, &made, &error));
    assert_int_equal(made, 4);
    struct snapshot *snapshot = NULL;
    struct table_row row;
    struct connection_buffer buffer;
    unsigned count = 0;
    assert_done(snapshot_open(&snapshot, table, &error));
    for (; snapshot_next(snapshot, &row, &error) == LOOKUP_FOUND; count++) {
        assert_done(connection_decode(row.record, &buffer, &error));
        assert_int_equal(buffer.row.acs_url.at[URL_SIZE_MAX - 1], 'a');
    }
    assert_int_equal(count, LARGE);
    snapshot_close(snapshot);
    table_close(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(notes),
        scratch_test(damaged_notes),
        scratch_test(taken_back_as_the_model_says),
        scratch_test(differences_as_the_model_says),
        scratch_test(the_history_of_a_row_as_the_model_says),
        scratch_test(callers_may_stop),
        scratch_test(only_so_many_are_kept),
        scratch_test(undo_is_forgotten),
        scratch_test(before_the_first),
        scratch_test(a_used_change_takes_nothing_back),
        scratch_test(many_rows_in_any_order),
        scratch_test(one_row_in_two_chunks),
        scratch_test(rows_of_all_sizes),
        scratch_test(damaged_undo),
        scratch_test(nothing_is_taken_back_in_part),
        scratch_test(large_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
