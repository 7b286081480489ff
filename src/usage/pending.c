#include "pending.h"

#include <stdlib.h>

#include "record.h"
#include "ssoferry/memory.h"

/* How far ahead to prefetch: slots of what is added; entries, and then keys, of what is written. */
enum { SLOTS_AHEAD = 16, ENTRIES_AHEAD = 16, KEYS_AHEAD = 8 };

void pending_init(struct pending *pending, const struct hash_key *hash_key, int64_t now)
{
    *pending =
        (struct pending){.hash_key = *hash_key, .latest = now, .noted_day = UINT32_MAX, .weeded_day = UINT32_MAX};
    tally_init(&pending->known, PENDING_MAX, PENDING_BYTES_MAX);
    pending->kept = kept_new();
    pending->spare = kept_new();
    pending->kept->changed = true; /* the file may have more */
}

void pending_release(struct pending *pending)
{
    tally_release(&pending->known);
    free(pending->places);
    sketch_release(&pending->sketch);
    free(pending->kept);
    free(pending->spare);
}

/* -- collecting -- */

static void add_known(struct pending *pending, const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->known.count; ++i) {
        const struct tally_entry *from = &batch->known.entries[i];
        if (i + SLOTS_AHEAD < batch->known.count)
            tally_expect(&pending->known, from[SLOTS_AHEAD].hash);
        struct tally_entry *to = tally_find(&pending->known, tally_key(&batch->known, from), from->hash, from->day);
        if (to != NULL) {
            tally_entry_add(to, from->hits, from->first, from->last);
            continue;
        }
        for (int outcome = 0; outcome < USAGE_OUTCOMES; ++outcome)
            pending->totals.unnamed += from->hits[outcome];
    }
}

static void add_totals(struct usage_totals *to, const struct usage_totals *from)
{
    for (int i = 0; i < USAGE_OUTCOMES; ++i)
        to->hits[i] += from->hits[i];
    to->unnamed += from->unnamed;
    to->unknown_hits += from->unknown_hits;
}

void pending_add(struct pending *pending, const struct batch *batch)
{
    add_known(pending, batch);
    for (uint32_t i = 0; i < batch->unknown.count; ++i) {
        const struct tally_entry *entry = &batch->unknown.entries[i];
        kept_count(pending->kept, &pending->sketch, tally_key(&batch->unknown, entry), entry->hash, entry->hits[0],
                   entry->first, entry->last);
    }
    add_totals(&pending->totals, &batch->totals);
    pending->latest = batch->latest > pending->latest ? batch->latest : pending->latest;
}

void pending_note_day(struct pending *pending, int64_t now)
{
    static const uint32_t once[USAGE_OUTCOMES] = {1};
    const struct text key = COUNTED_DAYS_KEY;
    const uint32_t day = day_of(now);
    if (day == pending->noted_day)
        return;
    struct tally_entry *entry = tally_find(&pending->known, key, keyed_hash(&pending->hash_key, key), day);
    if (entry == NULL)
        return; /* full, because flushes fail */
    tally_entry_add(entry, once, now, now);
    pending->noted_day = day;
}

bool pending_is_empty(const struct pending *pending)
{
    uint64_t sum = pending->totals.unknown_hits;
    for (int i = 0; i < USAGE_OUTCOMES; ++i)
        sum += pending->totals.hits[i];
    return sum == 0;
}

bool pending_is_written(const struct pending *pending)
{
    return pending_is_empty(pending) && pending->known.count == 0;
}

bool pending_is_large(const struct pending *pending)
{
    return pending->known.count >= PENDING_MAX / 2 || pending->known.bytes >= PENDING_BYTES_MAX / 2;
}

static void forget_places(struct pending *pending)
{
    free(pending->places);
    pending->places = NULL;
}

void pending_begin_anew(struct pending *pending)
{
    forget_places(pending);
    pending->noted_day = pending->weeded_day = UINT32_MAX;
    pending->corrected = false;
    pending_forget_unknown(pending);
}

/* -- writing -- */

static struct text key_of_place(const void *tally, uint32_t index)
{
    return tally_key(tally, &((const struct tally *)tally)->entries[index]);
}

/* Number of leading bytes that all keys share. */
static size_t shared_by_all(const struct tally *tally)
{
    struct text shared = tally->count > 0 ? key_of_place(tally, 0) : (struct text){0};
    for (uint32_t i = 1; i < tally->count; ++i)
        shared.size = text_shared(shared, key_of_place(tally, i));
    return shared.size;
}

/* Sorts the entries' places by key, so that each page is visited once and a key's days are together. To be freed. */
static struct row_place *sorted_places(const struct tally *tally)
{
    struct row_place *places = memory_zeroed(tally->count, sizeof(*places));
    for (uint32_t i = 0; i < tally->count; ++i)
        places[i].offset = i;
    row_order_sort(places, tally->count, shared_by_all(tally), key_of_place, tally);
    return places;
}

/* Writes the entries of one key, one per day; *count gets their number. */
static int write_row(MDB_cursor *cursor, const struct tally *tally, const struct row_place *places, size_t left,
                     int64_t clock, size_t *count)
{
    char bytes[RECORD_SIZE_MAX];
    struct usage_record record = {.first = 0};
    const struct text name = key_of_place(tally, places[0].offset);
    MDB_val key = val_of(name), value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET);
    if (code != MDB_SUCCESS && code != MDB_NOTFOUND)
        return code;
    const bool found = code == MDB_SUCCESS;
    /* If a record cannot be read, begin a new one. */
    if (found && !usage_record_decode(text_of_val(value), &record))
        record = (struct usage_record){.first = 0};
    usage_record_pull_back(&record, clock);
    size_t at = 0;
    do {
        const struct tally_entry *entry = &tally->entries[places[at].offset];
        usage_record_add(&record, entry->day, entry->hits, entry->first, entry->last);
        ++at;
    } while (at < left && text_equal(key_of_place(tally, places[at].offset), name));
    *count = at;
    key = val_of(name);
    value = (MDB_val){usage_record_encode(&record, bytes), bytes};
    return mdb_cursor_put(cursor, &key, &value, found ? MDB_CURRENT : 0);
}

static int correct_row(MDB_cursor *cursor, MDB_val key, MDB_val value, int64_t clock)
{
    char bytes[RECORD_SIZE_MAX], name[TABLE_KEY_SIZE_MAX];
    struct usage_record record;
    if (key.mv_size > sizeof(name) || !usage_record_decode(text_of_val(value), &record))
        return MDB_SUCCESS;
    usage_record_pull_back(&record, clock);
    struct text corrected = text_slice(bytes, usage_record_encode(&record, bytes));
    if (text_equal(corrected, text_of_val(value)))
        return MDB_SUCCESS;
    memcpy(name, key.mv_data, key.mv_size); /* the key is in the page that changes */
    key.mv_data = name;
    value = val_of(corrected);
    return mdb_cursor_put(cursor, &key, &value, MDB_CURRENT);
}

/* Otherwise, rows that nobody uses again would stay in the future for ever. */
static int correct_rows(struct usage_file *file, MDB_txn *txn, int64_t clock)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    int code = mdb_cursor_open(txn, file->hits, &cursor);
    if (code != MDB_SUCCESS)
        return code;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
        if ((code = correct_row(cursor, key, value, clock)) != MDB_SUCCESS)
            break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

static int write_known(struct pending *pending, struct usage_file *file, MDB_txn *txn)
{
    MDB_cursor *cursor = NULL;
    int code = mdb_cursor_open(txn, file->hits, &cursor);
    if (code != MDB_SUCCESS)
        return code;
    const struct tally *known = &pending->known;
    const struct row_place *places = pending->places = sorted_places(known);
    for (size_t at = 0, count = 0; at < known->count && code == MDB_SUCCESS; at += count) {
        /* In key order the entries are all over memory. */
        if (at + ENTRIES_AHEAD < known->count)
            __builtin_prefetch(&known->entries[places[at + ENTRIES_AHEAD].offset]);
        if (at + KEYS_AHEAD < known->count)
            __builtin_prefetch(key_of_place(known, places[at + KEYS_AHEAD].offset).at);
        code = write_row(cursor, known, places + at, known->count - at, pending->clock, &count);
    }
    forget_places(pending);
    mdb_cursor_close(cursor);
    return code;
}

static int write_totals(const struct pending *pending, struct usage_file *file, MDB_txn *txn)
{
    char bytes[RECORD_SIZE_MAX];
    struct usage_totals totals = {.since = 0};
    MDB_val key = val_of(TEXT("totals")), value;
    int code = mdb_get(txn, file->meta, &key, &value);
    if (code != MDB_SUCCESS && code != MDB_NOTFOUND)
        return code;
    if (code == MDB_SUCCESS && !totals_decode(text_of_val(value), &totals))
        totals = (struct usage_totals){.since = 0};
    add_totals(&totals, &pending->totals);
    if (totals.since == 0)
        totals.since = pending->latest;
    totals.since = usage_time_believed(totals.since, pending->clock);
    struct text record = text_slice(bytes, totals_encode(&totals, bytes));
    if (code == MDB_SUCCESS && text_equal(text_of_val(value), record))
        return MDB_SUCCESS; /* nothing to add, as at the start */
    value = val_of(record);
    return mdb_put(txn, file->meta, &key, &value, 0);
}

static bool must_correct(const struct pending *pending)
{
    return pending->clock > 0 && !pending->corrected;
}

/* Not at each flush: it takes a walk through all of them. */
static bool must_write_unknown(const struct pending *pending)
{
    return pending->kept->changed || must_correct(pending) ||
           (pending->clock > 0 && pending->weeded_day != day_of(pending->clock));
}

static int write_all(struct pending *pending, struct usage_file *file, MDB_txn *txn)
{
    int code = must_correct(pending) ? correct_rows(file, txn, pending->clock) : MDB_SUCCESS;
    if (code == MDB_SUCCESS)
        code = write_known(pending, file, txn);
    if (code == MDB_SUCCESS && must_write_unknown(pending))
        code = pending_write_unknown(pending, file, txn);
    return code == MDB_SUCCESS ? write_totals(pending, file, txn) : code;
}

int pending_write(struct pending *pending, struct usage_file *file, int64_t now, bool steady)
{
    MDB_txn *txn = NULL;
    int dead = 0;
    mdb_reader_check(file->env, &dead); /* a killed reader would keep pages from being reused */
    int code = mdb_txn_begin(file->env, NULL, 0, &txn);
    if (code != MDB_SUCCESS)
        return code;
    pending->latest = usage_time_believed(pending->latest, now);
    pending->clock = steady ? now : 0;
    code = usage_file_find_roots(file, txn);
    if (code == MDB_SUCCESS)
        code = write_all(pending, file, txn);
    if (code != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return code;
    }
    code = mdb_txn_commit(txn);
    if (code != MDB_SUCCESS)
        return code;
    if (must_write_unknown(pending))
        pending_settle_unknown(pending);
    pending->corrected = steady;
    tally_clear(&pending->known);
    pending->totals = (struct usage_totals){.since = 0};
    return MDB_SUCCESS;
}
