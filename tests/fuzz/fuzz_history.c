/* Input: a byte that says which part of a table's revisions the rest is:
 *     n   the note of a revision, as bytes
 *     c   chunks of undo, as bytes: for each, its revision ('1' to '4'), two bytes of length, and its bytes
 *     w   rows that a revision changes, one per line: what each was before. If the line starts with '-', it was absent.
 * The reader must return what the writer wrote: each row once, in order, with its first record. */
#include "undo.h"

#include "ssoferry/revision.h"
#include "file.h"

enum { REVISIONS = 4, ROWS_MAX = 256 };

static MDB_val take_bytes(struct text *rest, size_t size)
{
    MDB_val value = {size < rest->size ? size : rest->size, (void *)rest->at};
    *rest = text_slice(rest->at + value.mv_size, rest->size - value.mv_size);
    return value;
}

/* Stores a value under a number of `key_size` bytes. */
static void put(MDB_txn *txn, MDB_dbi where, uint64_t high, uint32_t low, size_t key_size, MDB_val value)
{
    unsigned char number[12];
    number_write(number, high, 8);
    number_write(number + 8, low, 4);
    MDB_val key = {key_size, number};
    MUST(mdb_put(txn, where, &key, &value, 0) == MDB_SUCCESS);
}

/* -- notes -- */

static void check_note(struct table *table, MDB_txn *txn, struct text bytes)
{
    struct error error;
    struct revision revision;
    const struct snapshot snapshot = {.table = table, .txn = txn};
    put(txn, table->revisions, 1, 0, 8, val_of(bytes));
    enum lookup_result result = revision_read(&snapshot, 1, &revision, &error);
    MUST(result == LOOKUP_FOUND || result == LOOKUP_FAILED);
    if (result != LOOKUP_FOUND)
        return;
    size_t size = strlen(revision.command) + strlen(revision.actor) + strlen(revision.message);
    for (size_t i = 0; i < revision.file_count; i++)
        size += strlen(revision.files[i].path) + strlen(revision.files[i].sha256);
    MUST(size <= bytes.size);
    revision_release(&revision);
}

/* -- undo -- */

static void put_chunks(const struct table *table, MDB_txn *txn, struct text rest)
{
    uint32_t chunks[REVISIONS] = {0};
    while (rest.size > 3) {
        uint64_t revision = (unsigned char)rest.at[0] % REVISIONS + 1;
        size_t size = number_read((const unsigned char *)rest.at + 1, 2);
        take_bytes(&rest, 3);
        put(txn, table->undo, revision, chunks[revision - 1]++, 12, take_bytes(&rest, size));
    }
}

static void check_chunks(struct table *table, MDB_txn *txn, struct text rest)
{
    struct error error = {ERROR_NONE, ""};
    struct undo_reader *reader = NULL;
    struct undo_row row;
    size_t given = 0, size = rest.size;
    enum lookup_result result;
    put_chunks(table, txn, rest);
    if (!undo_reader_open(&reader, table, txn, 1, REVISIONS, &error)) {
        MUST(error.kind != ERROR_NONE);
        return;
    }
    while ((result = undo_reader_next(reader, &row, &error)) == LOOKUP_FOUND) {
        MUST(row.key.size > 0 && row.key.size <= CONNECTION_KEY_SIZE_MAX && row.record.size <= size);
        MUST(++given <= size); /* a row takes at least three bytes */
    }
    MUST(result == LOOKUP_ABSENT || error.kind != ERROR_NONE);
    undo_reader_close(reader);
}

struct touched {
    struct text key, record;
    bool was_there;
};

/* Adds a row unless it is there already, keeping them in order. */
static size_t add_touched(struct touched *rows, size_t count, const struct touched *row)
{
    size_t at = 0;
    while (at < count && text_compare(rows[at].key, row->key) < 0)
        at++;
    if (at < count && text_equal(rows[at].key, row->key))
        return count;
    memmove(rows + at + 1, rows + at, (count - at) * sizeof *rows);
    rows[at] = *row;
    return count + 1;
}

static struct touched take_touched(struct text line)
{
    struct touched row = {.was_there = line.at[0] != '-', .record = TEXT("")};
    size_t space = text_find(line, ' ', 0);
    row.key = text_slice(line.at, space < CONNECTION_KEY_SIZE_MAX ? space : CONNECTION_KEY_SIZE_MAX);
    if (row.was_there && space < line.size)
        row.record = text_slice(line.at + space, line.size - space);
    if (row.record.size > CONNECTION_RECORD_SIZE_MAX)
        row.record.size = CONNECTION_RECORD_SIZE_MAX;
    return row;
}

static size_t write_undo(const struct table *table, MDB_txn *txn, struct text lines, struct touched *rows)
{
    size_t count = 0;
    struct undo_writer *writer = undo_writer_new(txn, table->undo, 1);
    while (lines.size > 0 && count < ROWS_MAX) {
        struct text line = take_line(&lines);
        if (line.size == 0 || line.at[0] == ' ')
            continue;
        struct touched row = take_touched(line);
        MDB_val before = val_of(row.record);
        count = add_touched(rows, count, &row);
        undo_writer_note(writer, val_of(row.key), row.was_there ? &before : NULL);
        MUST(undo_writer_settle(writer) == MDB_SUCCESS);
    }
    MUST(undo_writer_finish(writer) == MDB_SUCCESS);
    undo_writer_free(writer);
    return count;
}

static void check_written(struct table *table, MDB_txn *txn, struct text lines)
{
    struct touched rows[ROWS_MAX + 1];
    struct error error;
    struct undo_reader *reader = NULL;
    struct undo_row row;
    size_t count = write_undo(table, txn, lines, rows);
    MUST(undo_reader_open(&reader, table, txn, 1, 1, &error));
    for (size_t i = 0; i < count; i++) {
        MUST(undo_reader_next(reader, &row, &error) == LOOKUP_FOUND);
        MUST(text_equal(row.key, rows[i].key) && row.was_there == rows[i].was_there);
        MUST(text_equal(row.record, rows[i].record));
    }
    MUST(undo_reader_next(reader, &row, &error) == LOOKUP_ABSENT);
    undo_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct table *table;
    if (size < 2)
        return 0;
    table = table != NULL ? table : nameless_table();
    struct error error;
    MDB_txn *txn = NULL;
    struct text rest = text_slice((const char *)data + 1, size - 1);
    MUST(store_begin(table, 0, &txn, &error));
    if (data[0] == 'n')
        check_note(table, txn, rest);
    else if (data[0] == 'c')
        check_chunks(table, txn, rest);
    else if (data[0] == 'w')
        check_written(table, txn, rest);
    mdb_txn_abort(txn);
    store_done(table);
    return 0;
}
