#include <stdlib.h>

#include "ssoferry/leb128.h"
#include "ssoferry/memory.h"
#include "undo.h"

enum {
    RAW_SIZE = 512 * 1024,
    ENTRY_HEAD = 4, /* 2 bytes of key size, 2 of 1 + record size */
    ENTRY_MAX = ENTRY_HEAD + CONNECTION_KEY_SIZE_MAX + CONNECTION_RECORD_SIZE_MAX,
    NUMBERS_MAX = 6,                           /* most bytes that an entry's three numbers take */
    ENTRIES_MAX = RAW_SIZE / (ENTRY_HEAD + 1), /* a key has at least one byte */
    CHUNK_HEAD = 2,
};

struct undo_writer {
    MDB_txn *txn;
    MDB_dbi undo;
    uint64_t revision;
    uint32_t chunks;
    uint64_t written;     /* bytes in chunks */
    bool ascending;       /* the chunk being filled, so far */
    size_t used, count;   /* bytes of raw, number of entries */
    size_t last_key_size; /* of the previous chunk */
    unsigned char last_key[CONNECTION_KEY_SIZE_MAX];
    unsigned char raw[RAW_SIZE];
    uint32_t entries[ENTRIES_MAX]; /* offsets into raw */
    unsigned char chunk[CHUNK_HEAD + RAW_SIZE + ENTRIES_MAX * (NUMBERS_MAX - ENTRY_HEAD)];
};

struct undo_writer *undo_writer_new(MDB_txn *txn, MDB_dbi undo, uint64_t revision)
{
    struct undo_writer *writer =
        memory_allocate(sizeof *writer); /* pages that a small change does not touch cost nothing */
    writer->txn = txn;
    writer->undo = undo;
    writer->revision = revision;
    writer->chunks = 0;
    writer->written = 0;
    writer->ascending = true;
    writer->used = writer->count = writer->last_key_size = 0;
    return writer;
}

void undo_writer_free(struct undo_writer *writer)
{
    free(writer);
}

void undo_writer_turn(struct undo_writer *writer, MDB_txn *txn)
{
    writer->txn = txn;
}

uint64_t undo_writer_size(const struct undo_writer *writer)
{
    return writer->written;
}

static struct text entry_key(const unsigned char *entry)
{
    return text_slice((const char *)entry + ENTRY_HEAD, number_read(entry, 2));
}

void undo_writer_note(struct undo_writer *writer, MDB_val key, const MDB_val *before)
{
    unsigned char *entry = writer->raw + writer->used;
    number_write(entry, key.mv_size, 2);
    number_write(entry + 2, before == NULL ? 0 : before->mv_size + 1, 2);
    memcpy(entry + ENTRY_HEAD, key.mv_data, key.mv_size);
    if (before != NULL)
        memcpy(entry + ENTRY_HEAD + key.mv_size, before->mv_data, before->mv_size);
    if (writer->count > 0 &&
        text_compare(entry_key(writer->raw + writer->entries[writer->count - 1]), entry_key(entry)) >= 0)
        writer->ascending = false;
    writer->entries[writer->count++] = (uint32_t)writer->used;
    writer->used += ENTRY_HEAD + key.mv_size + (before == NULL ? 0 : before->mv_size);
}

/* -- writing a chunk -- */

static int compare_entries(const void *a, const void *b, void *raw)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    int order = text_compare(entry_key((unsigned char *)raw + first), entry_key((unsigned char *)raw + second));
    return order != 0 ? order : (first > second) - (first < second);
}

/* `shared` leading bytes of its key are those of the previous one. */
static unsigned char *put_entry(unsigned char *at, const unsigned char *entry, size_t shared)
{
    struct text key = entry_key(entry);
    size_t before = number_read(entry + 2, 2);
    at = leb128_put(at, shared);
    at = leb128_put(at, key.size - shared);
    at = leb128_put(at, before);
    memcpy(at, key.at + shared, key.size - shared);
    at += key.size - shared;
    if (before > 1)
        memcpy(at, key.at + key.size, before - 1);
    return at + (before > 1 ? before - 1 : 0);
}

/* Encodes what was noted into writer->chunk; returns the size. */
static size_t encode_chunk(struct undo_writer *writer)
{
    struct text previous = {(const char *)writer->last_key, writer->last_key_size};
    struct text first = entry_key(writer->raw + writer->entries[0]);
    unsigned char *at = writer->chunk;
    *at++ = 1;
    *at++ = writer->chunks > 0 && text_compare(previous, first) < 0;
    previous = TEXT("");
    for (size_t i = 0; i < writer->count; i++) {
        const unsigned char *entry = writer->raw + writer->entries[i];
        struct text key = entry_key(entry);
        size_t shared = text_shared(previous, key);
        if (shared == key.size && shared == previous.size)
            continue; /* the first entry is the one from before the revision */
        at = put_entry(at, entry, shared);
        previous = key;
    }
    writer->last_key_size = previous.size;
    memcpy(writer->last_key, previous.at, previous.size);
    return (size_t)(at - writer->chunk);
}

static int write_chunk(struct undo_writer *writer)
{
    unsigned char number[12];
    if (!writer->ascending)
        qsort_r(writer->entries, writer->count, sizeof writer->entries[0], compare_entries, writer->raw);
    number_write(number, writer->revision, 8);
    number_write(number + 8, writer->chunks, 4);
    MDB_val key = {sizeof number, number}, value = {encode_chunk(writer), writer->chunk};
    writer->chunks++;
    writer->written += value.mv_size;
    writer->ascending = true;
    writer->used = writer->count = 0;
    return mdb_put(writer->txn, writer->undo, &key, &value, 0);
}

int undo_writer_settle(struct undo_writer *writer)
{
    return RAW_SIZE - writer->used < ENTRY_MAX ? write_chunk(writer) : MDB_SUCCESS;
}

int undo_writer_finish(struct undo_writer *writer)
{
    return writer->count > 0 ? write_chunk(writer) : MDB_SUCCESS;
}
