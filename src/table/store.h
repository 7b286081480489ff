/* The LMDB environment behind a table: transactions that survive a map that grew, and errors that name the path. For
 * this folder only. */
#ifndef SSOFERRY_TABLE_STORE_H
#define SSOFERRY_TABLE_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "ssoferry/environment.h"
#include "ssoferry/table.h"

/* Two databases are there for rows. One has the table's; the other is empty, or a rewrite is filling it (rewrite.h), or
 * one that died has left something in it. */
enum { ROW_DATABASES = 2 };

/* Another process may make the map larger than ours; the next transaction then begins with MDB_MAP_RESIZED, and the map
 * may only be replaced while this process has no transaction at all. Lookups come and go without a word to each other,
 * so each has a mutex, held for one lookup and seldom contended; who replaces the map holds `lock` and all of theirs.
 * Snapshots and changes are counted instead: they last, and nobody waits for them. */
struct table {
    MDB_env *env;
    char *path;
    int lock_file; /* held; -1: none */
    enum table_mode mode;
    uint64_t transaction_size;
    size_t lookup_memory; /* bytes */
    void (*on_wait)(const char *path);
    MDB_dbi meta, revisions, undo;
    _Atomic(MDB_dbi) rows[ROW_DATABASES]; /* 0: not there when it was last looked for */
    pthread_mutex_t writer;               /* held for a change */
    pthread_mutex_t lock;                 /* guards what follows, and the opening of databases */
    struct lookup *lookups;               /* linked */
    unsigned transactions;                /* open snapshots and changes */
};

struct lookup {
    struct table *table;
    pthread_mutex_t mutex; /* held while txn is not reset */
    MDB_txn *txn;
    MDB_dbi rows;            /* the table's, as of that transaction */
    size_t rows_as_of;       /* 0: not looked for yet */
    struct row_cache *cache; /* NULL until a row was found */
    struct lookup *next;
};

enum snapshot_position { SNAPSHOT_BEFORE_KEY, SNAPSHOT_AT_KEY, SNAPSHOT_AT_END };

struct snapshot {
    struct table *table;
    MDB_txn *txn;
    MDB_dbi rows;       /* the table's */
    MDB_cursor *cursor; /* on them */
    struct table_state state;
    enum snapshot_position position;
    bool moved; /* the change wrote since, so the cursor must be placed again */
    size_t key_size;
    char key[CONNECTION_KEY_SIZE_MAX];
};

/* How LMDB holds numbers in keys and values of ours: big-endian. */
static inline void number_write(unsigned char *at, uint64_t number, unsigned size)
{
    for (unsigned i = size; i-- > 0; number >>= 8)
        at[i] = (unsigned char)(number & 0xff);
}

static inline uint64_t number_read(const unsigned char *at, unsigned size)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < size; i++)
        number = number << 8 | at[i];
    return number;
}

/* Sets *error from an LMDB code or an errno and returns false: "PATH: cannot DOING: CAUSE: what to do". */
bool store_fail(const char *path, int code, const char *doing, struct error *error);

/* Begins a transaction and counts it; store_done() when it has ended. `flags` is 0 or MDB_RDONLY. */
bool store_begin(struct table *table, unsigned flags, MDB_txn **txn, struct error *error)
    __attribute__((warn_unused_result));
void store_done(struct table *table);

/* As store_begin(), and *rows becomes the number of the database that has the table's rows, which is open then. */
bool store_begin_rows(struct table *table, unsigned flags, MDB_txn **txn, unsigned *rows, struct error *error)
    __attribute__((warn_unused_result));

/* Which database has the table's rows, as of `txn`. Returns an LMDB code: MDB_BAD_DBI where this process has not opened
 * it yet. store_open_rows() opens what is there, in a transaction of its own. */
int store_find_rows(const struct table *table, MDB_txn *txn, unsigned *rows);
int store_open_rows(struct table *table);

/* Makes database number `rows` the table's. Returns an LMDB code. */
int store_choose_rows(const struct table *table, MDB_txn *txn, unsigned rows);

/* "connections", or what the other one is called. */
const char *store_rows_name(unsigned rows);

/* Waits until no other writer, of this process or another, is between change_begin() and the end of its change: a
 * change may be several transactions. */
bool store_lock_writer(struct table *table, struct error *error) __attribute__((warn_unused_result));
void store_unlock_writer(struct table *table);

/* Takes over the size that another process gave the map. Returns an LMDB code. The caller has no transaction and holds
 * no lookup's mutex. */
int store_follow_size(struct table *table);

/* Maps `size` bytes. ERROR_FAILED where a snapshot or a change is open. */
bool store_set_size(struct table *table, uint64_t size, struct error *error) __attribute__((warn_unused_result));

/* How many bytes the file must have for its last page to be in it. */
uint64_t store_length(const struct table *table);

/* The "state" entry of meta. */
bool store_state_read(const struct table *table, MDB_txn *txn, struct table_state *state, struct error *error)
    __attribute__((warn_unused_result));
int store_state_write(MDB_txn *txn, MDB_dbi meta, const struct table_state *state); /* returns an LMDB code */

/* The "schema" entry. Returns an LMDB code. */
int store_schema_write(MDB_txn *txn, MDB_dbi meta, unsigned version);

/* Prepares a snapshot of database number `rows` over a transaction that somebody else ends. */
bool snapshot_attach(struct snapshot *snapshot, struct table *table, MDB_txn *txn, unsigned rows, struct error *error)
    __attribute__((warn_unused_result));
void snapshot_detach(struct snapshot *snapshot); /* before the transaction ends */

#endif
