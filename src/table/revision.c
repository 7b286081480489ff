/* The note of a revision.
 *
 * Database `revisions`: key = revision (8 bytes, big-endian). The value; numbers are big-endian:
 *     1 byte    the version, 1
 *     8 bytes   microseconds UTC since 1970
 *     3 * 8     rows added, changed, removed
 *     texts     command, actor, message: for each 4 bytes of length, then the bytes
 *     4 bytes   number of files; for each, two texts: path, sha256 */
#include "ssoferry/revision.h"

#include <stdlib.h>

#include "history.h"
#include "ssoferry/guard.h"
#include "ssoferry/memory.h"

enum { NOTE_VERSION = 1, NOTE_HEAD = 1 + 8 + 3 * 8 };

/* -- writing -- */

static size_t text_room(const char *string)
{
    return 4 + (string == NULL ? 0 : strlen(string));
}

static unsigned char *put_text(unsigned char *at, const char *string)
{
    size_t size = text_room(string) - 4;
    number_write(at, size, 4);
    if (size > 0)
        memcpy(at + 4, string, size);
    return at + 4 + size;
}

static unsigned char *put_head(unsigned char *at, const struct history_entry *entry)
{
    *at = NOTE_VERSION;
    number_write(at + 1, (uint64_t)entry->changed_at, 8);
    number_write(at + 9, entry->counts.added, 8);
    number_write(at + 17, entry->counts.changed, 8);
    number_write(at + 25, entry->counts.removed, 8);
    return at + NOTE_HEAD;
}

int history_write(MDB_txn *txn, MDB_dbi revisions, const struct history_entry *entry, const struct revision_note *note)
{
    unsigned char number[8];
    size_t size = NOTE_HEAD + text_room(note->command) + text_room(note->actor) + text_room(note->message) + 4;
    for (size_t i = 0; i < note->file_count; i++)
        size += text_room(note->files[i].path) + text_room(note->files[i].sha256);
    unsigned char *bytes = memory_allocate(size), *at = put_head(bytes, entry);
    at = put_text(at, note->command);
    at = put_text(at, note->actor);
    at = put_text(at, note->message);
    number_write(at, note->file_count, 4);
    at += 4;
    for (size_t i = 0; i < note->file_count; i++) {
        at = put_text(at, note->files[i].path);
        at = put_text(at, note->files[i].sha256);
    }
    number_write(number, entry->number, sizeof number);
    MDB_val key = {sizeof number, number}, value = {size, bytes};
    int code = mdb_put(txn, revisions, &key, &value, 0);
    free(bytes);
    return code;
}

int history_delete(MDB_txn *txn, MDB_dbi database, MDB_cursor_op end, uint64_t from, uint64_t to)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    int code = mdb_cursor_open(txn, database, &cursor);
    if (code != MDB_SUCCESS)
        return code;
    while ((code = mdb_cursor_get(cursor, &key, &value, end)) == MDB_SUCCESS && key.mv_size >= 8 &&
           number_read(key.mv_data, 8) >= from && number_read(key.mv_data, 8) <= to) {
        if ((code = mdb_cursor_del(cursor, 0)) != MDB_SUCCESS)
            break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

int history_forget(MDB_txn *txn, MDB_dbi revisions, uint64_t last)
{
    return history_delete(txn, revisions, MDB_FIRST, 0, last);
}

/* -- reading -- */

/* A note being decoded. Its strings are copied to `out` with a NUL each, for which their 4 bytes of length make room.
 */
struct reader {
    const unsigned char *at, *end;
    char *out;
};

static bool take_text(struct reader *reader, const char **string)
{
    if (reader->end - reader->at < 4)
        return false;
    size_t size = number_read(reader->at, 4);
    reader->at += 4;
    if ((size_t)(reader->end - reader->at) < size)
        return false;
    memcpy(reader->out, reader->at, size);
    reader->out[size] = '\0';
    *string = reader->out;
    reader->out += size + 1;
    reader->at += size;
    return true;
}

static bool take_files(struct reader *reader, struct revision_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *sha256 = NULL;
        if (!take_text(reader, &files[i].path) || !take_text(reader, &sha256) ||
            strlen(sha256) >= sizeof files[i].sha256)
            return false;
        memcpy(files[i].sha256, sha256, strlen(sha256) + 1);
    }
    return reader->at == reader->end;
}

static bool decode_note(MDB_val value, struct revision *revision)
{
    const unsigned char *bytes = value.mv_data;
    struct reader reader = {bytes + NOTE_HEAD, bytes + value.mv_size, NULL};
    if (value.mv_size < NOTE_HEAD || bytes[0] != NOTE_VERSION)
        return false;
    revision->changed_at = (int64_t)number_read(bytes + 1, 8);
    revision->counts =
        (struct change_counts){number_read(bytes + 9, 8), number_read(bytes + 17, 8), number_read(bytes + 25, 8)};
    revision->block = reader.out = memory_allocate(value.mv_size);
    if (!take_text(&reader, &revision->command) || !take_text(&reader, &revision->actor) ||
        !take_text(&reader, &revision->message) || reader.end - reader.at < 4)
        return false;
    size_t count = number_read(reader.at, 4);
    reader.at += 4;
    if (count > (size_t)(reader.end - reader.at) / 8) /* each file has two lengths */
        return false;
    revision->file_count = count;
    revision->files = memory_zeroed(count + 1, sizeof(struct revision_file));
    return take_files(&reader, revision->files, count);
}

enum lookup_result revision_read(const struct snapshot *snapshot, uint64_t number, struct revision *revision,
                                 struct error *error)
{
    unsigned char bytes[8];
    number_write(bytes, number, sizeof bytes);
    MDB_val key = {sizeof bytes, bytes}, value;
    memset(revision, 0, sizeof *revision);
    int code = guard_get_history(snapshot->txn, snapshot->table->revisions, &key, &value, SIZE_MAX);
    if (code == MDB_NOTFOUND)
        return LOOKUP_ABSENT;
    revision->number = number;
    const bool good = code == MDB_SUCCESS && decode_note(value, revision);
    free(value.mv_data);
    if (good)
        return LOOKUP_FOUND;
    revision_release(revision);
    store_fail(snapshot->table->path, code == MDB_SUCCESS ? MDB_CORRUPTED : code, "read the history", error);
    return LOOKUP_FAILED;
}

void revision_release(struct revision *revision)
{
    free(revision->block);
    free(revision->files);
    memset(revision, 0, sizeof *revision);
}
