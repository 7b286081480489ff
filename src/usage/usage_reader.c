#include <stdlib.h>

#include "live.h"
#include "record.h"
#include "lane.h"
#include "ssoferry/guard.h"
#include "ssoferry/memory.h"
#include "usage_fault.h"

struct usage_reader {
    struct usage *live; /* NULL: `own` is used */
    struct usage_file own;
    const struct usage_file *file;
    MDB_txn *txn;
    MDB_cursor *cursor; /* on hits */
    bool placed;        /* the cursor is on the last row returned; otherwise the next one is the first from `from` on */
    size_t from_size;
    char from[CONNECTION_KEY_SIZE_MAX];
    int64_t now;
    uint32_t today;
    struct usage_totals totals;
    char key[CONNECTION_KEY_SIZE_MAX]; /* of the last row returned */
    struct usage_unknown *unknown;     /* NULL: not read yet */
    size_t unknown_count;
    struct arena *names; /* of the unknown */
};

static int read_totals(struct usage_reader *reader)
{
    MDB_val key = val_of(TEXT("totals")), value;
    int code = mdb_get(reader->txn, reader->file->meta, &key, &value);
    if (code == MDB_NOTFOUND)
        return MDB_SUCCESS;
    if (code == MDB_SUCCESS && !totals_decode(text_of_val(value), &reader->totals))
        return MDB_CORRUPTED;
    reader->totals.since = usage_time_believed(reader->totals.since, reader->now);
    return code;
}

static int begin_reading(void *context)
{
    struct usage_reader *reader = context;
    int code = usage_file_begin_read(reader->file, &reader->txn);
    if (code == MDB_SUCCESS)
        code = usage_file_find_roots(reader->file, reader->txn);
    if (code == MDB_SUCCESS)
        code = mdb_cursor_open(reader->txn, reader->file->hits, &reader->cursor);
    return code == MDB_SUCCESS ? read_totals(reader) : code;
}

static bool begin(struct usage_reader *reader, struct error *error)
{
    int code = MDB_PANIC;
    if (reader->file->env != NULL)
        guard_run(begin_reading, reader, &code); /* the code says whether it was left */
    return code == MDB_SUCCESS || usage_fail(reader->file->path, code, "read the usage file", error);
}

bool usage_reader_open(struct usage_reader **opened, const char *store, int64_t now, struct error *error)
{
    struct usage_reader *reader = memory_zeroed(1, sizeof(*reader));
    reader->file = &reader->own;
    reader->now = now;
    reader->today = day_of(now);
    *opened = NULL;
    enum usage_file_result result = usage_file_open(&reader->own, store, false, -1, error);
    if (result == USAGE_FILE_OPEN && begin(reader, error)) {
        *opened = reader;
        return true;
    }
    usage_reader_close(reader);
    return result == USAGE_FILE_ABSENT;
}

bool usage_reader_open_live(struct usage_reader **opened, struct usage *usage, int64_t now, struct error *error)
{
    const struct usage_file *file = usage_share(usage);
    *opened = NULL;
    if (file == NULL)
        return true;
    struct usage_reader *reader = memory_zeroed(1, sizeof(*reader));
    reader->live = usage;
    reader->file = file;
    reader->now = now;
    reader->today = day_of(now);
    if (begin(reader, error)) {
        *opened = reader;
        return true;
    }
    usage_reader_close(reader);
    return false;
}

void usage_reader_close(struct usage_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->cursor != NULL)
        mdb_cursor_close(reader->cursor);
    if (reader->txn != NULL)
        guard_abort(reader->txn);
    if (reader->live != NULL)
        usage_unshare(reader->live);
    else
        usage_file_close(&reader->own);
    free(reader->unknown);
    arena_free(reader->names);
    free(reader);
}

const struct usage_totals *usage_reader_totals(const struct usage_reader *reader)
{
    return &reader->totals;
}

/* -- rows -- */

uint64_t usage_reader_count(const struct usage_reader *reader)
{
    MDB_stat stat;
    return guard_stat(reader->txn, reader->file->hits, &stat) == MDB_SUCCESS ? stat.ms_entries : 0;
}

void usage_reader_seek(struct usage_reader *reader, struct text key)
{
    reader->placed = false;
    reader->from_size = key.size < sizeof(reader->from) ? key.size : sizeof(reader->from);
    if (reader->from_size > 0)
        memcpy(reader->from, key.at, reader->from_size);
}

static int next(struct usage_reader *reader, MDB_val *key, MDB_val *value)
{
    if (reader->placed)
        return mdb_cursor_get(reader->cursor, key, value, MDB_NEXT);
    reader->placed = true;
    *key = (MDB_val){reader->from_size, reader->from};
    return mdb_cursor_get(reader->cursor, key, value, reader->from_size > 0 ? MDB_SET_RANGE : MDB_FIRST);
}

/* Fills in what the record says. */
static int read_record(const struct usage_reader *reader, MDB_val value, struct usage_row *row)
{
    struct usage_record record;
    if (!usage_record_decode(text_of_val(value), &record))
        return MDB_CORRUPTED;
    memcpy(row->hits, record.hits, sizeof(row->hits));
    row->first_seen = usage_time_believed(record.first, reader->now);
    row->last_seen = usage_time_believed(record.last, reader->now);
    days_ending_with(record.days, record.newest, reader->today, row->days);
    return MDB_SUCCESS;
}

struct reading {
    struct usage_reader *reader;
    struct usage_row *row; /* to be filled */
    MDB_cursor *cursor;    /* of its own */
    uint32_t *days;
};

static enum lookup_result read_guarded(int (*read)(void *context), struct reading *reading, struct error *error)
{
    int code;
    guard_run(read, reading, &code);
    if (code == MDB_SUCCESS)
        return LOOKUP_FOUND;
    if (code == MDB_NOTFOUND)
        return LOOKUP_ABSENT;
    usage_fail(reading->reader->file->path, code, "read the usage file", error);
    return LOOKUP_FAILED;
}

static int read_next(void *context)
{
    const struct reading *reading = context;
    struct usage_reader *reader = reading->reader;
    MDB_val key = {0, NULL}, value = {0, NULL};
    int code;
    do
        code = next(reader, &key, &value);
    while (code == MDB_SUCCESS && text_equal(text_of_val(key), COUNTED_DAYS_KEY));
    if (code != MDB_SUCCESS)
        return code;
    if (key.mv_size > sizeof(reader->key))
        return MDB_CORRUPTED;
    memcpy(reader->key, key.mv_data, key.mv_size);
    reading->row->key = text_slice(reader->key, key.mv_size);
    return read_record(reader, value, reading->row);
}

enum lookup_result usage_reader_next(struct usage_reader *reader, struct usage_row *row, struct error *error)
{
    return read_guarded(read_next, &(struct reading){.reader = reader, .row = row}, error);
}

static int read_one(void *context)
{
    const struct reading *reading = context;
    MDB_val key = val_of(reading->row->key), value = {0, NULL};
    int code = mdb_get(reading->reader->txn, reading->reader->file->hits, &key, &value);
    return code == MDB_SUCCESS ? read_record(reading->reader, value, reading->row) : code;
}

enum lookup_result usage_reader_find(struct usage_reader *reader, struct text key, struct usage_row *row,
                                     struct error *error)
{
    row->key = key;
    return read_guarded(read_one, &(struct reading){.reader = reader, .row = row}, error);
}

static int read_days(void *context)
{
    const struct reading *reading = context;
    MDB_val key, value;
    struct usage_record record;
    uint32_t more[USAGE_DAYS];
    int code;
    while ((code = mdb_cursor_get(reading->cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
        if (!usage_record_decode(text_of_val(value), &record))
            continue; /* reported when that row is read */
        days_ending_with(record.days, record.newest, reading->reader->today, more);
        for (unsigned i = 0; i < USAGE_DAYS; ++i)
            reading->days[i] |= more[i];
    }
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

/* Marks the days on which any row had hits. */
static bool mark_days_of_hits(struct usage_reader *reader, uint32_t days[USAGE_DAYS], struct error *error)
{
    struct reading reading = {.reader = reader, .days = days};
    int code = mdb_cursor_open(reader->txn, reader->file->hits, &reading.cursor);
    if (code != MDB_SUCCESS)
        return usage_fail(reader->file->path, code, "read the usage file", error);
    const bool good = read_guarded(read_days, &reading, error) == LOOKUP_FOUND;
    mdb_cursor_close(reading.cursor);
    return good;
}

static unsigned count_days_without(const uint32_t days[USAGE_DAYS], unsigned last)
{
    unsigned without = 0;
    for (unsigned back = 0; back < last; ++back)
        without += days[USAGE_DAYS - 1 - back] == 0;
    return without;
}

bool usage_reader_uncounted(struct usage_reader *reader, unsigned days, unsigned *uncounted, struct error *error)
{
    struct usage_row row;
    *uncounted = 0;
    enum lookup_result result = usage_reader_find(reader, COUNTED_DAYS_KEY, &row, error);
    if (result != LOOKUP_FOUND || reader->today < day_of(row.first_seen))
        return result != LOOKUP_FAILED;
    const uint32_t known = reader->today - day_of(row.first_seen) + 1;
    days = days < USAGE_DAYS ? days : USAGE_DAYS;
    days = days < known ? days : known;
    *uncounted = count_days_without(row.days, days);
    if (*uncounted == 0)
        return true;
    /* A former release, to which one may go back for a while, does not note these days; nor is there room for them
     * before the day of a clock that was far ahead. */
    if (!mark_days_of_hits(reader, row.days, error))
        return false;
    *uncounted = count_days_without(row.days, days);
    return true;
}

/* -- unknown identifiers -- */

static int compare_unknown(const void *a, const void *b)
{
    const struct usage_unknown *left = a, *right = b;
    if (left->hits != right->hits)
        return left->hits > right->hits ? -1 : 1;
    return text_compare(left->key, right->key);
}

static int read_unknown(void *context)
{
    const struct reading *reading = context;
    struct usage_reader *reader = reading->reader;
    MDB_val key, value;
    struct unknown_record record;
    int code = mdb_cursor_get(reading->cursor, &key, &value, MDB_FIRST);
    while (code == MDB_SUCCESS && reader->unknown_count < USAGE_UNKNOWN_MAX) {
        if (!unknown_record_decode(text_of_val(value), &record))
            return MDB_CORRUPTED;
        reader->unknown[reader->unknown_count++] = (struct usage_unknown){
            text_copy(text_of_val(key), arena_memory(reader->names)), record.hits, record.error,
            usage_time_believed(record.first, reader->now), usage_time_believed(record.last, reader->now)};
        code = mdb_cursor_get(reading->cursor, &key, &value, MDB_NEXT);
    }
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

static bool read_all_unknown(struct usage_reader *reader, struct error *error)
{
    struct reading reading = {.reader = reader};
    int code = mdb_cursor_open(reader->txn, reader->file->unknown, &reading.cursor);
    if (code != MDB_SUCCESS)
        return usage_fail(reader->file->path, code, "read the usage file", error);
    reader->unknown_count = 0;
    const bool good = read_guarded(read_unknown, &reading, error) == LOOKUP_FOUND;
    mdb_cursor_close(reading.cursor);
    return good;
}

bool usage_reader_unknown(struct usage_reader *reader, const struct usage_unknown **unknown, size_t *count,
                          struct error *error)
{
    if (reader->unknown == NULL) {
        reader->unknown = memory_zeroed(USAGE_UNKNOWN_MAX, sizeof(reader->unknown[0]));
        reader->names = reader->names != NULL ? reader->names : arena_new();
        if (!read_all_unknown(reader, error)) {
            free(reader->unknown);
            reader->unknown = NULL;
            return false;
        }
        qsort(reader->unknown, reader->unknown_count, sizeof(reader->unknown[0]), compare_unknown);
    }
    *unknown = reader->unknown;
    *count = reader->unknown_count;
    return true;
}
