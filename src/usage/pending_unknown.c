#include "pending.h"
#include "record.h"

static const int64_t kept_for = INT64_C(86400000000) * USAGE_DAYS; /* microseconds */

static int forget(struct usage_file *file, MDB_txn *txn, struct text key)
{
    MDB_val val = val_of(key);
    int code = mdb_del(txn, file->unknown, &val, NULL);
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

/* Puts an entry into `spare`; what it displaces is deleted from the file, too. */
static int offer(struct pending *pending, struct text key, const struct kept_entry *entry, struct usage_file *file,
                 MDB_txn *txn)
{
    char gone_bytes[CONNECTION_KEY_SIZE_MAX];
    struct text gone;
    bool taken = kept_offer(pending->spare, key, entry, &gone, gone_bytes);
    int code = gone.size > 0 ? forget(file, txn, gone) : MDB_SUCCESS;
    return code == MDB_SUCCESS && !taken && entry->stored ? forget(file, txn, key) : code;
}

/* How long an identifier has been silent. `latest` stands still while nothing is counted. */
static int64_t silence_since(const struct pending *pending, int64_t last)
{
    return (pending->clock > pending->latest ? pending->clock : pending->latest) - last;
}

static bool read_entry(const struct pending *pending, struct text key, struct text value, struct kept_entry *entry)
{
    struct unknown_record record;
    if (!unknown_record_decode(value, &record) || key.size > CONNECTION_KEY_SIZE_MAX)
        return false;
    const int64_t first = usage_time_believed(record.first, pending->clock);
    const int64_t last = usage_time_believed(record.last, pending->clock);
    *entry = (struct kept_entry){
        .hash = keyed_hash(&pending->hash_key, key),
        .hits = record.hits,
        .error = record.error,
        .weight = kept_weight(record.hits, silence_since(pending, last)),
        .first = first,
        .last = last,
        .stored = true,
        .corrected = first != record.first || last != record.last,
    };
    return silence_since(pending, last) < kept_for;
}

/* Reads the file's entries into `spare`, and deletes those that are too old or unreadable. */
static int load(struct pending *pending, struct usage_file *file, MDB_txn *txn)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    struct kept_entry entry;
    kept_clear(pending->spare);
    int code = mdb_cursor_open(txn, file->unknown, &cursor);
    if (code != MDB_SUCCESS)
        return code;
    code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (code == MDB_SUCCESS) {
        if (read_entry(pending, text_of_val(key), text_of_val(value), &entry))
            code = offer(pending, text_of_val(key), &entry, file, txn);
        else
            code = mdb_cursor_del(cursor, 0);
        if (code == MDB_SUCCESS)
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

static int merge(struct pending *pending, struct usage_file *file, MDB_txn *txn)
{
    int code = MDB_SUCCESS;
    for (size_t i = 0; i < pending->kept->count && code == MDB_SUCCESS; ++i) {
        struct kept_entry entry = pending->kept->entries[i];
        struct text key = kept_key(pending->kept, &pending->kept->entries[i]);
        if (entry.fresh == 0)
            continue;
        entry.first = usage_time_believed(entry.first, pending->clock);
        entry.last = usage_time_believed(entry.last, pending->clock);
        struct kept_entry *there = kept_find(pending->spare, key, entry.hash);
        if (there != NULL) {
            kept_add(pending->spare, there, entry.fresh, entry.first, entry.last);
            continue;
        }
        entry.stored = false;
        entry.weight = kept_weight(entry.hits, silence_since(pending, entry.last));
        code = offer(pending, key, &entry, file, txn);
    }
    return code;
}

static int write_entry(const struct kept *kept, const struct kept_entry *entry, struct usage_file *file, MDB_txn *txn)
{
    char bytes[RECORD_SIZE_MAX];
    const struct unknown_record record = {entry->hits, entry->error, entry->first, entry->last};
    MDB_val key = val_of(kept_key(kept, entry)), value = {unknown_record_encode(&record, bytes), bytes};
    return mdb_put(txn, file->unknown, &key, &value, 0);
}

int pending_write_unknown(struct pending *pending, struct usage_file *file, MDB_txn *txn)
{
    int code = load(pending, file, txn);
    if (code == MDB_SUCCESS)
        code = merge(pending, file, txn);
    for (size_t i = 0; i < pending->spare->count && code == MDB_SUCCESS; ++i) {
        const struct kept_entry *entry = &pending->spare->entries[i];
        if (entry->fresh > 0 || entry->corrected)
            code = write_entry(pending->spare, entry, file, txn);
    }
    return code;
}

void pending_settle_unknown(struct pending *pending)
{
    struct kept *settled = pending->spare;
    for (size_t i = 0; i < settled->count; ++i) {
        settled->entries[i].fresh = 0;
        settled->entries[i].stored = true;
        settled->entries[i].corrected = false;
    }
    settled->changed = false;
    if (pending->clock > 0)
        pending->weeded_day = day_of(pending->clock);
    pending->spare = pending->kept;
    pending->kept = settled;
}

/* For an entry that the file also had, the time of the first new hit is unknown; the last is usually a moment ago. */
static struct kept_entry fresh_part(const struct kept_entry *entry)
{
    struct kept_entry part = *entry;
    part.hits = part.weight = entry->fresh;
    part.error = entry->stored ? 0 : entry->error;
    part.first = entry->stored ? entry->last : entry->first;
    part.stored = false;
    return part;
}

void pending_forget_unknown(struct pending *pending)
{
    struct kept *old = pending->kept, *fresh = pending->spare;
    char gone_bytes[CONNECTION_KEY_SIZE_MAX];
    struct text gone;
    kept_clear(fresh);
    for (size_t i = 0; i < old->count; ++i) {
        const struct kept_entry part = fresh_part(&old->entries[i]);
        bool there = part.fresh > 0 && kept_offer(fresh, kept_key(old, &old->entries[i]), &part, &gone, gone_bytes);
        (void)there; /* there is room for all */
    }
    fresh->changed = true; /* the next file may have some */
    pending->spare = old;
    pending->kept = fresh;
    sketch_release(&pending->sketch); /* otherwise a newcomer would be credited with earlier hits */
}
