/* The table of connections, kept in an LMDB environment that nobody sees from here.
 *
 * One process opens one table once. Readers of the daemon look single rows up (struct lookup); commands read one state
 * of it from end to end (struct snapshot); every writer goes through struct change, whose commit is one revision. */
#ifndef SSOFERRY_TABLE_H
#define SSOFERRY_TABLE_H

#include "ssoferry/connection.h"
#include "ssoferry/error.h"
#include "ssoferry/text.h"

enum {
    TABLE_SCHEMA_VERSION = 2, /* the newest that is understood */
    TABLE_SCHEMA_OLDEST = 1,  /* of a new table, until its rows are first written anew (change_begin_bulk()) */
    TABLE_REVISIONS_KEPT = 50,
    TABLE_KEY_SIZE_MAX = 511, /* bytes: of rows of ours fewer, but not if somebody tampered with the table */
};

struct table;

enum table_mode {
    TABLE_READ,  /* must exist */
    TABLE_SERVE, /* reads; makes an empty table where none is, as a daemon starting before its first load needs */
    TABLE_WRITE, /* reads and writes; makes it where none is; clears readers of dead processes first */
};

struct table_options {
    enum table_mode mode;
    uint64_t map_size;         /* bytes of address space; 0 = 64 GiB, or less where the process may not have as much */
    unsigned max_readers;      /* 0 = 510 */
    uint64_t transaction_size; /* bytes that one transaction of a large change writes; 0 = 16 MiB */
    size_t lookup_memory;      /* bytes, at most, that each lookup takes to remember rows in; 0 = 2 MiB */
    void (*on_wait)(const char *path); /* called before a change waits for another writer's to end; may be NULL */
};

/* Opens the table at `path`, one file (its lock lies beside it as PATH-lock). Errors name the path and what to do:
 * missing directory, no permission, read-only file system, not an LMDB file, a schema newer than TABLE_SCHEMA_VERSION.
 */
bool table_open(struct table **table, const char *path, const struct table_options *options, struct error *error)
    __attribute__((warn_unused_result));

/* All lookups, snapshots and changes of it must be closed before. NULL is fine. */
void table_close(struct table *table);

/* As it was opened. Lives as long as the table. */
const char *table_path(const struct table *table);

enum table_place {
    TABLE_IN_PLACE,
    TABLE_GONE,      /* deleted, or another one put in its place: no loader reaches the old one any more */
    TABLE_LOCK_GONE, /* the lock file was deleted; whoever opens the table next makes a new one */
    TABLE_LOCK_NEW,  /* as that has happened: its users and this process know nothing of each other, so that this one
                      * misses changes and may look for rows where they are no more. It can be opened anew. */
};

/* Whether another process has it open now, a daemon say. False where file locks do not tell. */
bool table_is_shared(const struct table *table);

/* Whether its lock file could not be opened, which goes well on a read-only file system alone: no writer then knows of
 * this reader, and may write over pages that it is reading. */
bool table_is_unlocked(const struct table *table);

/* Whether the two files that are open still stand under their names. */
enum table_place table_place(const struct table *table);

/* Doubles the map after ERROR_MAP_FULL. No snapshot or change of this process may be open. */
bool table_grow(struct table *table, struct error *error) __attribute__((warn_unused_result));

/* What the table as a whole is at one moment. */
struct table_state {
    uint64_t revision;                /* 0: never loaded */
    int64_t changed_at;               /* microseconds UTC since 1970 of the last revision; 0: never */
    uint64_t rows[CONNECTION_STATES]; /* by state */
};

/* Rows in all states together. */
uint64_t table_state_total(const struct table_state *state);

/* -- single rows, for the daemon: one struct lookup a thread ----------------------------------------------------------
 */

struct lookup;

enum lookup_result {
    LOOKUP_FOUND,
    LOOKUP_ABSENT,     /* the table has no such row */
    LOOKUP_NOT_LOADED, /* the table has no revision yet */
    LOOKUP_FAILED,     /* *error says why: the store or the record cannot be read, be it a page that is damaged */
};

/* Takes one of the table's max_readers. False where all of them are taken, or the store cannot be read. */
bool lookup_open(struct lookup **lookup, struct table *table, struct error *error) __attribute__((warn_unused_result));
void lookup_close(struct lookup *lookup); /* NULL is fine */

/* Copies the row into *out. Renews a read transaction for this one call and resets it, so that no page is held between
 * calls and the newest committed revision is what is read. */
enum lookup_result lookup_find(struct lookup *lookup, struct text source, struct text identifier,
                               struct connection_buffer *out, struct error *error) __attribute__((warn_unused_result));

/* Reads the table's state as it is now. */
bool lookup_state(struct lookup *lookup, struct table_state *state, struct error *error)
    __attribute__((warn_unused_result));

struct table_row {
    struct text key;    /* source, 0x00, identifier */
    struct text record; /* encoded; connection_decode() */
};

/* A walk through all rows that holds no page between two calls: so it holds up no change and no other lookup, however
 * long it takes, and may see several revisions. Zeroes: before the first row. */
struct lookup_walk {
    uint64_t revision; /* of the rows that were shown last */
    size_t key_size;
    char key[TABLE_KEY_SIZE_MAX]; /* of the last one */
};

/* Shows the next rows, `most` of them at most, in key order. LOOKUP_FOUND: there may be more; LOOKUP_ABSENT: that was
 * the last. Texts live as long as `visit`, which must not look anything up. */
enum lookup_result lookup_walk(struct lookup *lookup, struct lookup_walk *walk, size_t most,
                               void (*visit)(void *context, struct table_row row), void *context, struct error *error)
    __attribute__((warn_unused_result));

/* -- one state from end to end -- */

struct snapshot;

/* How one row differs between two states of the table. */
enum difference_kind { DIFFERENCE_ADDED, DIFFERENCE_CHANGED, DIFFERENCE_REMOVED, DIFFERENCE_NONE };
struct difference {
    enum difference_kind kind;
    struct text key;
    struct text before; /* record; empty where added */
    struct text after;  /* record; empty where removed */
};

/* A read transaction. Texts that it gives live until it is closed (of a change's: until the next write). */
bool snapshot_open(struct snapshot **snapshot, struct table *table, struct error *error)
    __attribute__((warn_unused_result));
void snapshot_close(struct snapshot *snapshot); /* NULL is fine */

/* Lives as long as the snapshot. */
const struct table_state *snapshot_state(const struct snapshot *snapshot);

/* Copies a row into *out: LOOKUP_FOUND, LOOKUP_ABSENT or LOOKUP_FAILED. */
enum lookup_result snapshot_find(struct snapshot *snapshot, struct text source, struct text identifier,
                                 struct connection_buffer *out, struct error *error)
    __attribute__((warn_unused_result));

/* Walks rows in key order. snapshot_seek() puts the cursor before the first key >= `key` (empty: the first of all);
 * snapshot_next() answers LOOKUP_FOUND with the next row, LOOKUP_ABSENT after the last. */
void snapshot_seek(struct snapshot *snapshot, struct text key);
enum lookup_result snapshot_next(struct snapshot *snapshot, struct table_row *row, struct error *error)
    __attribute__((warn_unused_result));

/* Store facts for `stat`. */
struct table_stat {
    struct table_state state;
    uint64_t map_size, file_size, used_size; /* bytes */
    unsigned depth, page_size;
    unsigned readers, readers_max;
    unsigned schema_version;
    uint64_t undo_size; /* bytes kept so that revisions can be taken back */
};

/* Reads them all as they are now. */
bool table_stat(struct table *table, struct table_stat *stat, struct error *error) __attribute__((warn_unused_result));

/* Clears slots of readers that died. *cleared may be NULL. */
bool table_clear_dead_readers(struct table *table, unsigned *cleared, struct error *error)
    __attribute__((warn_unused_result));

/* Writes a consistent, compacted copy to a file that must not exist, with the permissions of the table's file. It gets
 * its name when it is whole; where the file system has no files without one, it has a temporary name beside it until
 * then. The daemon goes on serving. */
bool table_backup(struct table *table, const char *path, struct error *error) __attribute__((warn_unused_result));

/* -- changes -- */

struct change;

/* What is written down about a revision besides its data. Borrowed texts. */
struct revision_note {
    const char *command; /* "load", "set", "remove", "rollback" */
    const char *actor;   /* who */
    const char *message; /* why; may be NULL */
    const struct revision_file *files;
    size_t file_count;
};
struct revision_file {
    const char *path;
    char sha256[65]; /* lower-case hexadecimal */
};

/* Begins the one change that there can be at a time; waits for another writer's to end. All of it is one transaction,
 * whose changed pages lie in memory until it is committed: so it is for few rows. */
bool change_begin(struct change **change, struct table *table, struct error *error) __attribute__((warn_unused_result));

/* What is known of a change that may be of any size. */
struct bulk {
    uint64_t rows; /* as many as it may put; 0 where that is not known */
    bool rewrite;  /* change_again() sets it */
};

/* As change_begin(), for any number of rows, which are to come in ascending key order, each once. Memory is bounded by
 * some times the table's transaction_size: a change that is larger writes the whole table anew beside the old one, by
 * and by, in transactions that show nobody anything, and the last of them puts the one in the place of the other. It
 * begins so where bulk->rows says that it will be large; else it fails with ERROR_TOO_LARGE once it is. */
bool change_begin_bulk(struct change **change, struct table *table, const struct bulk *bulk, struct error *error)
    __attribute__((warn_unused_result));

/* After a change failed with *error, and was aborted: whether it can be begun anew, as *bulk says by then. Grows the
 * map after ERROR_MAP_FULL. Where it returns false, *error says why the change cannot be made. */
bool change_again(struct table *table, struct bulk *bulk, struct error *error) __attribute__((warn_unused_result));

/* The table as this change has left it so far. Lives until the change ends. Where the table is written anew, rows are
 * those of before the change, and only the state follows it. */
struct snapshot *change_snapshot(struct change *change);

/* Adds or replaces a row; one that is equal already is left alone and not counted. `record` comes from
 * connection_encode(). */
bool change_put(struct change *change, struct text key, struct text record, struct error *error)
    __attribute__((warn_unused_result));

/* Removes a row; one that is not there is left alone. */
bool change_remove(struct change *change, struct text key, struct error *error) __attribute__((warn_unused_result));

struct change_counts {
    uint64_t added, changed, removed;
};

/* Rows that the change has added, changed and removed so far. */
struct change_counts change_counts(const struct change *change);

/* Commits data, revision and undo together and ends the change, also where it fails. A change that changed nothing
 * makes no revision, unless the table had none yet. *revision, which may be NULL, gets the table's revision then. */
bool change_commit(struct change *change, const struct revision_note *note, uint64_t *revision, struct error *error)
    __attribute__((warn_unused_result));

/* Gives the change up; the table stays as it was. NULL is fine. */
void change_abort(struct change *change);

#endif
