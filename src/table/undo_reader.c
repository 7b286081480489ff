#include <stdlib.h>

#include "heap.h"
#include "ssoferry/guard.h"
#include "ssoferry/leb128.h"
#include "ssoferry/memory.h"
#include "undo.h"

enum {
    CHUNK_HEAD = 2,
    ROW_NUMBERS_MAX = 9, /* bytes of a row's three numbers */
    FIRST_ROW_MAX = CHUNK_HEAD + ROW_NUMBERS_MAX + CONNECTION_KEY_SIZE_MAX + CONNECTION_RECORD_SIZE_MAX,
};

/* An ascending run of chunks of one revision. */
struct stream {
    uint64_t revision;
    uint32_t chunk;      /* being read */
    void *bytes;         /* of the chunk */
    struct text rest;    /* of the chunk, behind the current row */
    struct undo_row row; /* the stream owns its key */
    char key[CONNECTION_KEY_SIZE_MAX];
    int code; /* LMDB's, if a chunk could not be read */
};

struct undo_reader {
    const struct table *table;
    MDB_txn *txn;
    struct heap heap; /* streams, ordered by their rows */
    size_t capacity;
    struct text last; /* the last key returned; points into last_key */
    char last_key[CONNECTION_KEY_SIZE_MAX];
};

enum step { STEP_ROW, STEP_END, STEP_DAMAGED };

static bool damaged(const struct undo_reader *reader, int code, struct error *error)
{
    return store_fail(reader->table->path, code != MDB_SUCCESS ? code : MDB_CORRUPTED, "read what a revision changed",
                      error);
}

/* -- one stream -- */

static bool take_size(struct stream *stream, size_t *size)
{
    uint64_t number;
    if (!leb128_take(&stream->rest, &number) || number > UINT16_MAX)
        return false;
    *size = (size_t)number;
    return true;
}

static enum step read_row(struct stream *stream)
{
    size_t shared = 0, more = 0, before = 0;
    if (stream->rest.size == 0)
        return STEP_END;
    if (!take_size(stream, &shared) || !take_size(stream, &more) || !take_size(stream, &before) ||
        shared > stream->row.key.size || shared + more > sizeof stream->key || shared + more == 0)
        return STEP_DAMAGED;
    const size_t record_size = before > 0 ? before - 1 : 0;
    if (stream->rest.size < more + record_size)
        return STEP_DAMAGED;
    memcpy(stream->key + shared, stream->rest.at, more);
    stream->row = (struct undo_row){.key = text_slice(stream->key, shared + more),
                                    .was_there = before > 0,
                                    .record = text_slice(stream->rest.at + more, record_size)};
    stream->rest = text_from(stream->rest, more + record_size);
    return STEP_ROW;
}

/* Opens a chunk, or its first `most` bytes. STEP_END if the revision has no such chunk. *continues: it goes on where
 * the previous one ended. */
static enum step open_chunk(const struct undo_reader *reader, struct stream *stream, uint32_t chunk, size_t most,
                            bool *continues)
{
    unsigned char number[12];
    number_write(number, stream->revision, 8);
    number_write(number + 8, chunk, 4);
    MDB_val key = {sizeof number, number}, value;
    int code = guard_get_history(reader->txn, reader->table->undo, &key, &value, most);
    if (code == MDB_NOTFOUND)
        return STEP_END;
    free(stream->bytes);
    stream->bytes = value.mv_data;
    stream->code = code;
    const unsigned char *bytes = value.mv_data;
    if (code != MDB_SUCCESS || value.mv_size < CHUNK_HEAD || bytes[0] != 1 || bytes[1] > 1)
        return STEP_DAMAGED;
    *continues = bytes[1] == 1;
    stream->chunk = chunk;
    stream->rest = text_slice((const char *)bytes + CHUNK_HEAD, value.mv_size - CHUNK_HEAD);
    stream->row.key = text_slice(stream->key, 0);
    return STEP_ROW;
}

static enum step next_row(const struct undo_reader *reader, struct stream *stream)
{
    bool continues = false;
    enum step step = read_row(stream);
    if (step != STEP_END)
        return step;
    step = open_chunk(reader, stream, stream->chunk + 1, SIZE_MAX, &continues);
    if (step != STEP_ROW)
        return step;
    return continues ? read_row(stream) : STEP_END;
}

/* -- one row -- */

/* Opens a chunk, or its first `most` bytes, and compares its first key with `key`. *order is set if it exists. */
static enum step look_at_chunk(const struct undo_reader *reader, struct stream *stream, uint32_t chunk, size_t most,
                               struct text key, bool *continues, int *order)
{
    enum step step = open_chunk(reader, stream, chunk, most, continues);
    if (step != STEP_ROW)
        return step;
    if (read_row(stream) != STEP_ROW)
        return STEP_DAMAGED; /* a chunk has at least one row */
    *order = text_compare(stream->row.key, key);
    return STEP_ROW;
}

static enum step find_in_chunk(const struct undo_reader *reader, struct stream *stream, uint32_t chunk, struct text key)
{
    bool continues = false;
    int order = 0;
    enum step step = look_at_chunk(reader, stream, chunk, SIZE_MAX, key, &continues, &order);
    while (step == STEP_ROW && order < 0) {
        step = read_row(stream);
        order = step == STEP_ROW ? text_compare(stream->row.key, key) : 0;
    }
    return step == STEP_ROW && order > 0 ? STEP_END : step;
}

/* In an ascending run of chunks, only the last that does not begin after the key can have it. If there are several
 * runs, the first has the record from before the revision. */
static enum step find_row(const struct undo_reader *reader, struct stream *stream, struct text key)
{
    bool may_have = false; /* whether the previous chunk may have it */
    for (uint32_t chunk = 0;; chunk++) {
        bool continues = false;
        int order = 0;
        enum step step = look_at_chunk(reader, stream, chunk, FIRST_ROW_MAX, key, &continues, &order);
        if (may_have && step != STEP_DAMAGED && !(step == STEP_ROW && continues && order <= 0)) {
            enum step found = find_in_chunk(reader, stream, chunk - 1, key);
            if (found != STEP_END)
                return found;
        }
        if (step != STEP_ROW)
            return step;
        may_have = order <= 0;
    }
}

enum lookup_result undo_find(const struct table *table, MDB_txn *txn, uint64_t revision, struct text key,
                             struct undo_row *row, char *record, struct error *error)
{
    const struct undo_reader reader = {.table = table, .txn = txn};
    struct stream stream = {.revision = revision};
    const enum step step = find_row(&reader, &stream, key);
    const bool good = step != STEP_DAMAGED && stream.row.record.size <= CONNECTION_RECORD_SIZE_MAX;
    if (good && step == STEP_ROW) {
        *row = stream.row;
        row->key = key;
        row->record.at = record;
        if (row->record.size > 0)
            memcpy(record, stream.row.record.at, row->record.size);
    }
    free(stream.bytes);
    if (good)
        return step == STEP_ROW ? LOOKUP_FOUND : LOOKUP_ABSENT;
    (void)damaged(&reader, stream.code, error);
    return LOOKUP_FAILED;
}

/* -- all rows -- */

static bool comes_first(const void *first, const void *second)
{
    const struct stream *a = first, *b = second;
    int order = text_compare(a->row.key, b->row.key);
    if (order != 0)
        return order < 0;
    return a->revision != b->revision ? a->revision < b->revision : a->chunk < b->chunk;
}

static void free_stream(struct stream *stream)
{
    free(stream->bytes);
    free(stream);
}

static void add_stream(struct undo_reader *reader, struct stream *stream)
{
    struct heap *heap = &reader->heap;
    if (heap->count == reader->capacity) {
        reader->capacity = reader->capacity ? reader->capacity * 2 : 16;
        heap->at = memory_resize(heap->at, reader->capacity * sizeof heap->at[0]);
    }
    heap->at[heap->count++] = stream;
}

/* Adds a stream for each run of a revision. */
static bool add_revision(struct undo_reader *reader, uint64_t revision, struct error *error)
{
    for (uint32_t chunk = 0;; chunk++) {
        bool continues = false;
        struct stream *stream = memory_zeroed(1, sizeof *stream);
        stream->revision = revision;
        enum step step = open_chunk(reader, stream, chunk, CHUNK_HEAD, &continues);
        if (step == STEP_ROW && (!continues || chunk == 0)) {
            if (open_chunk(reader, stream, chunk, SIZE_MAX, &continues) == STEP_ROW && read_row(stream) == STEP_ROW) {
                add_stream(reader, stream);
                continue;
            }
            step = STEP_DAMAGED; /* a chunk has at least one row */
        }
        const int code = stream->code;
        free_stream(stream);
        if (step == STEP_DAMAGED)
            return damaged(reader, code, error);
        if (step == STEP_END)
            return true;
    }
}

bool undo_reader_open(struct undo_reader **opened, const struct table *table, MDB_txn *txn, uint64_t first,
                      uint64_t last, struct error *error)
{
    struct undo_reader *reader = memory_zeroed(1, sizeof *reader);
    reader->table = table;
    reader->txn = txn;
    for (uint64_t revision = first; revision <= last; revision++) {
        if (!add_revision(reader, revision, error)) {
            undo_reader_close(reader);
            return false;
        }
    }
    heap_order(&reader->heap, comes_first);
    *opened = reader;
    return true;
}

void undo_reader_close(struct undo_reader *reader)
{
    if (reader == NULL)
        return;
    for (size_t i = 0; i < reader->heap.count; i++)
        free_stream(reader->heap.at[i]);
    free(reader->heap.at);
    free(reader);
}

static bool stands_on(const struct undo_reader *reader, struct text key)
{
    const struct stream *stream = reader->heap.count > 0 ? reader->heap.at[0] : NULL;
    return stream != NULL && text_equal(stream->row.key, key);
}

/* Advances the first stream, and drops it at its end. */
static bool advance(struct undo_reader *reader, struct error *error)
{
    struct stream *stream = reader->heap.at[0];
    switch (next_row(reader, stream)) {
    case STEP_ROW:
        heap_sink(&reader->heap, 0, comes_first);
        return true;
    case STEP_END:
        heap_drop(&reader->heap, comes_first);
        free_stream(stream);
        return true;
    case STEP_DAMAGED:
        break;
    }
    return damaged(reader, stream->code, error);
}

enum lookup_result undo_reader_next(struct undo_reader *reader, struct undo_row *row, struct error *error)
{
    /* Skip later revisions' records of the same key, which are from after `first`. */
    while (reader->last.size > 0 && stands_on(reader, reader->last)) {
        if (!advance(reader, error))
            return LOOKUP_FAILED;
    }
    if (reader->heap.count == 0)
        return LOOKUP_ABSENT;
    const struct stream *stream = reader->heap.at[0];
    *row = stream->row;
    memcpy(reader->last_key, row->key.at, row->key.size);
    row->key = reader->last = text_slice(reader->last_key, row->key.size);
    return LOOKUP_FOUND;
}
