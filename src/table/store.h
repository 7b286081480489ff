/* The LMDB environment behind a table: transactions that cope with a map that grew, and errors that name the path. For
 * this folder only. */
#ifndef SSOFERRY_TABLE_STORE_H
#define SSOFERRY_TABLE_STORE_H

#include <pthread.h>

#include "ssoferry/environment.h"
#include "ssoferry/guard.h"
#include "ssoferry/table.h"

/* There are two databases for rows. One has the table's. The other is empty, or being filled by a rewrite (rewrite.h),
 * or has what a rewrite left that died. */
enum { ROW_DATABASES = 2 };

/* Another process may enlarge the map. Our next transaction then begins with MDB_MAP_RESIZED, and the map can be
 * replaced only while this process has no transaction at all. Lookups are short and independent, so each has a mutex,
 * held for one lookup and rarely contended; replacing the map takes `lock` and all of theirs. Snapshots and changes
 * last longer, and nobody waits for them; they are counted instead. */
struct table {
    MDB_env *env;
    char *path;
    int lock_file; /* held by table_lock_hold(); -1: none */
    enum table_mode mode;
    uint64_t transaction_size;
    size_t lookup_memory; /* bytes */
    void (*on_wait)(const char *path);
    MDB_dbi meta, revisions, undo;
    _Atomic(MDB_dbi) rows[ROW_DATABASES]; /* 0: not there when last looked for */
    pthread_mutex_t writer;               /* held during a change */
    pthread_mutex_t lock;                 /* guards what follows, and the opening of databases */
    struct lookup *lookups;               /* a linked list */
    unsigned transactions;                /* number of open snapshots and changes */
    enum table_place suspected;           /* by the last call of table_place(), which alone uses it */
};

struct lookup {
    struct table *table;
    pthread_mutex_t mutex; /* held while txn is not reset */
    MDB_txn *txn;
    MDB_dbi rows;                    /* the table's rows as of the transaction `rows_as_of` */
    size_t rows_as_of;               /* 0: not looked for yet */
    struct row_cache *cache;         /* NULL until a row was found */
    struct timespec file_changed_at; /* when table_place() last had it forget rows; its own */
    struct lookup *next;
};

enum snapshot_position { SNAPSHOT_BEFORE_KEY, SNAPSHOT_AT_KEY, SNAPSHOT_AT_END };

struct snapshot {
    struct table *table;
    MDB_txn *txn;
    MDB_dbi rows;         /* the table's rows */
    MDB_cursor *cursor;   /* on them */
    struct guard_row row; /* the one that snapshot_next() returned last */
    struct table_state state;
    enum snapshot_position position;
    bool moved; /* the change has written since, so the cursor must be placed again */
    size_t key_size;
    char key[TABLE_KEY_SIZE_MAX];
};

/* Our own numbers in LMDB's keys and values: big-endian. */
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

/* Whether the file at `path` is a table that a start could open, for a process that has another one open: takes no lock
 * (see table_lock_could_be_held()). If the sandbox keeps this process out of it, goes by its permissions. */
bool table_could_be_opened(const char *path);

/* Sets *error from an LMDB code or an errno and returns false: "PATH: cannot DOING: CAUSE: ADVICE". */
bool store_fail(const char *path, int code, const char *doing, struct error *error);

/* Sets *error for a file whose newest transaction is not the one in the lock file, and returns false. */
bool store_written_over(const struct table *table, struct error *error);

/* Begins and counts a transaction; call store_done() once it has ended. `flags` is 0 or MDB_RDONLY. */
bool store_begin(struct table *table, unsigned flags, MDB_txn **txn, struct error *error)
    __attribute__((warn_unused_result));
void store_done(struct table *table);

/* Like store_begin(). *rows gets the number of the database with the table's rows, which is then open. */
bool store_begin_rows(struct table *table, unsigned flags, MDB_txn **txn, unsigned *rows, struct error *error)
    __attribute__((warn_unused_result));

/* Finds which database has the table's rows, as of `txn`. Returns an LMDB code: MDB_BAD_DBI if this process has not
 * opened it yet. store_open_rows() opens those that exist, in a transaction of its own. */
int store_find_rows(const struct table *table, MDB_txn *txn, unsigned *rows);
int store_open_rows(struct table *table);

/* Makes database number `rows` the table's. Returns an LMDB code. */
int store_choose_rows(const struct table *table, MDB_txn *txn, unsigned rows);

/* "connections" for number 0, or the name of the other one. Static. */
const char *store_rows_name(unsigned rows);

/* Waits until no other writer, in this process or another, is between change_begin() and the end of its change, which
 * may take several transactions. */
bool store_lock_writer(struct table *table, struct error *error) __attribute__((warn_unused_result));
void store_unlock_writer(struct table *table);

/* Adopts the size that another process gave the map. Returns an LMDB code. The caller must have no transaction and hold
 * no lookup's mutex. */
int store_follow_size(struct table *table);

/* Maps `size` bytes. ERROR_FAILED if a snapshot or a change is open. */
bool store_set_size(struct table *table, uint64_t size, struct error *error) __attribute__((warn_unused_result));

/* The store's file. */
struct store_file {
    int fd;          /* LMDB's own: not to be closed */
    uint64_t needed; /* bytes: the least size that contains its last committed page */
    uint64_t length; /* bytes that it has */
};

/* Measures the file. Returns an errno. `needed` is read first, since it only grows; the file is never cut below it. */
int store_measure(const struct table *table, struct store_file *file) __attribute__((warn_unused_result));

/* Read and write the "state" entry of meta. */
bool store_state_read(const struct table *table, MDB_txn *txn, struct table_state *state, struct error *error)
    __attribute__((warn_unused_result));
int store_state_write(MDB_txn *txn, MDB_dbi meta, const struct table_state *state); /* returns an LMDB code */

/* Writes the "schema" entry of meta. Returns an LMDB code. */
int store_schema_write(MDB_txn *txn, MDB_dbi meta, unsigned version);

/* Prepares a snapshot of database number `rows` on a transaction that the caller ends. */
bool snapshot_attach(struct snapshot *snapshot, struct table *table, MDB_txn *txn, unsigned rows, struct error *error)
    __attribute__((warn_unused_result));
void snapshot_detach(struct snapshot *snapshot); /* call before the transaction ends */

#endif
