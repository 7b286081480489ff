#include <stdlib.h>

#include "ssoferry/guard.h"
#include "ssoferry/memory.h"
#include "ssoferry/row_cache.h"
#include "store.h"

bool lookup_open(struct lookup **opened, struct table *table, struct error *error)
{
    MDB_txn *txn = NULL;
    if (!store_begin(table, MDB_RDONLY, &txn, error))
        return false;
    guard_reset(txn);
    struct lookup *lookup = memory_zeroed(1, sizeof *lookup);
    lookup->table = table;
    lookup->txn = txn;
    pthread_mutex_init(&lookup->mutex, NULL);
    pthread_mutex_lock(&table->lock);
    table->transactions--; /* from now on the lookup's mutex protects it */
    lookup->next = table->lookups;
    table->lookups = lookup;
    pthread_mutex_unlock(&table->lock);
    *opened = lookup;
    return true;
}

void lookup_close(struct lookup *lookup)
{
    if (lookup == NULL)
        return;
    pthread_mutex_lock(&lookup->table->lock);
    struct lookup **at = &lookup->table->lookups;
    while (*at != lookup)
        at = &(*at)->next;
    *at = lookup->next;
    pthread_mutex_unlock(&lookup->table->lock);
    guard_abort(lookup->txn);
    pthread_mutex_destroy(&lookup->mutex);
    row_cache_free(lookup->cache);
    free(lookup);
}

/* Finds out where the rows are, since a change may have moved them. Returns an LMDB code. */
static int find_rows(struct lookup *lookup)
{
    size_t transaction = mdb_txn_id(lookup->txn);
    unsigned rows = 0;
    if (transaction == lookup->rows_as_of)
        return MDB_SUCCESS;
    int code = store_find_rows(lookup->table, lookup->txn, &rows);
    if (code == MDB_SUCCESS) {
        lookup->rows = lookup->table->rows[rows];
        lookup->rows_as_of = transaction;
    }
    return code;
}

/* Renews the transaction. The caller holds the mutex; it is released while the map is replaced or a database opened. */
static bool renew(struct lookup *lookup, struct error *error)
{
    int code = MDB_MAP_RESIZED;
    for (int tries = 0; tries < FOLLOW_TRIES; tries++) {
        code = guard_renew(lookup->txn);
        if (code == MDB_SUCCESS && (code = find_rows(lookup)) == MDB_SUCCESS)
            return true;
        if (code != MDB_MAP_RESIZED && code != MDB_BAD_DBI)
            break;
        guard_reset(lookup->txn);
        pthread_mutex_unlock(&lookup->mutex);
        const int mended = code == MDB_BAD_DBI ? store_open_rows(lookup->table) : store_follow_size(lookup->table);
        pthread_mutex_lock(&lookup->mutex);
        if (mended != MDB_SUCCESS && mended != MDB_MAP_RESIZED) {
            code = mended;
            break;
        }
    }
    return store_fail(lookup->table->path, code, "read", error);
}

static void reset(struct lookup *lookup)
{
    guard_reset(lookup->txn);
    pthread_mutex_unlock(&lookup->mutex);
}

/* Called if nothing is under the key: has anything ever been loaded? */
static enum lookup_result find_nothing(struct lookup *lookup, struct error *error)
{
    struct table_state state;
    if (!store_state_read(lookup->table, lookup->txn, &state, error))
        return LOOKUP_FAILED;
    return state.revision == 0 ? LOOKUP_NOT_LOADED : LOOKUP_ABSENT;
}

static enum lookup_result find(struct lookup *lookup, MDB_val key, struct connection_buffer *out, struct error *error)
{
    MDB_val value;
    struct guard_row copy;
    int code = guard_get(lookup->txn, lookup->rows, &key, &value, &copy);
    if (code == MDB_NOTFOUND)
        return find_nothing(lookup, error);
    if (code != MDB_SUCCESS) {
        store_fail(lookup->table->path, code, "read", error);
        return LOOKUP_FAILED;
    }
    if (!connection_decode(text_of_val(value), out, error))
        return LOOKUP_FAILED;
    if (lookup->cache == NULL)
        lookup->cache = row_cache_new(lookup->table->lookup_memory);
    row_cache_offer(lookup->cache, text_of_val(key), text_of_val(value), mdb_txn_id(lookup->txn));
    return LOOKUP_FOUND;
}

/* Reads no page of the table, so it needs no transaction; only the newest one's id, from the meta pages. */
static bool find_cached(const struct lookup *lookup, struct text key, struct connection_buffer *out,
                        struct error *error)
{
    MDB_envinfo info;
    if (lookup->cache == NULL)
        return false;
    const struct row_cache_place place = row_cache_expect(lookup->cache, key);
    if (guard_info(lookup->table->env, &info) != MDB_SUCCESS)
        return false;
    struct text record = row_cache_find(lookup->cache, place, key, info.me_last_txnid);
    return record.size > 0 && connection_decode(record, out, error);
}

enum lookup_result lookup_find(struct lookup *lookup, struct text source, struct text identifier,
                               struct connection_buffer *out, struct error *error)
{
    char key[CONNECTION_KEY_SIZE_MAX];
    enum lookup_result result = LOOKUP_FAILED;
    /* A longer key is in no table, but the caller still needs to know whether anything is loaded. */
    bool possible = source.size <= SOURCE_SIZE_MAX && identifier.size <= IDENTIFIER_SIZE_MAX;
    size_t size = possible ? connection_key(source, identifier, key) : 0;
    pthread_mutex_lock(&lookup->mutex);
    if (possible && find_cached(lookup, text_slice(key, size), out, error)) {
        pthread_mutex_unlock(&lookup->mutex);
        return LOOKUP_FOUND;
    }
    if (renew(lookup, error))
        result = possible ? find(lookup, (MDB_val){size, key}, out, error) : find_nothing(lookup, error);
    reset(lookup);
    return result;
}

bool lookup_state(struct lookup *lookup, struct table_state *state, struct error *error)
{
    pthread_mutex_lock(&lookup->mutex);
    bool good = renew(lookup, error) && store_state_read(lookup->table, lookup->txn, state, error);
    reset(lookup);
    return good;
}

/* -- walking -- */

static enum lookup_result show(struct snapshot *snapshot, struct lookup_walk *walk, size_t most,
                               void (*visit)(void *context, struct table_row row), void *context, struct error *error)
{
    struct table_row row;
    enum lookup_result result = LOOKUP_FOUND;
    snapshot_seek(snapshot, text_slice(walk->key, walk->key_size));
    for (size_t shown = 0; shown < most && (result = snapshot_next(snapshot, &row, error)) == LOOKUP_FOUND;) {
        if (text_equal(row.key, text_slice(walk->key, walk->key_size)))
            continue; /* it was the last row of the previous call */
        visit(context, row);
        walk->key_size = row.key.size;
        memcpy(walk->key, row.key.at, row.key.size);
        ++shown;
    }
    return result;
}

enum lookup_result lookup_walk(struct lookup *lookup, struct lookup_walk *walk, size_t most,
                               void (*visit)(void *context, struct table_row row), void *context, struct error *error)
{
    struct snapshot snapshot = {0};
    enum lookup_result result = LOOKUP_FAILED;
    unsigned rows = 0;
    pthread_mutex_lock(&lookup->mutex);
    if (renew(lookup, error)) {
        int code = store_find_rows(lookup->table, lookup->txn, &rows);
        if (code != MDB_SUCCESS) {
            store_fail(lookup->table->path, code, "read", error);
        } else if (snapshot_attach(&snapshot, lookup->table, lookup->txn, rows, error)) {
            walk->revision = snapshot.state.revision;
            result = show(&snapshot, walk, most, visit, context, error);
            snapshot_detach(&snapshot);
        }
    }
    reset(lookup);
    return result;
}
