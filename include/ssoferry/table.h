/* The table of connections, in an LMDB environment that callers never see.
 *
 * A process opens a table only once. The daemon looks up single rows (struct lookup), commands read one state from end
 * to end (struct snapshot), and every writer uses struct change, whose commit is one revision. */
#ifndef SSOFERRY_TABLE_H
#define SSOFERRY_TABLE_H

#include "ssoferry/connection.h"
#include "ssoferry/error.h"
#include "ssoferry/text.h"

enum {
    TABLE_SCHEMA_VERSION = 2, /* the newest that this program understands */
    TABLE_SCHEMA_OLDEST = 1,  /* of a new table, until its rows are first rewritten (change_begin_bulk()) */
    TABLE_REVISIONS_KEPT = 50,
    TABLE_KEY_SIZE_MAX = 511, /* bytes; our rows have shorter keys, a tampered table may not */
};

struct table;

enum table_mode {
    TABLE_READ,  /* must exist */
    TABLE_SERVE, /* reads; creates an empty table if there is none, for a daemon that starts before the first load */
    TABLE_WRITE, /* reads and writes; creates the table if there is none; first clears readers of dead processes */
};

struct table_options {
    enum table_mode mode;
    uint64_t map_size;         /* bytes of address space; 0 = 64 GiB, or less if the process may not have that much */
    unsigned max_readers;      /* 0 = 510 */
    uint64_t transaction_size; /* bytes that one transaction of a large change writes; 0 = 16 MiB */
    size_t lookup_memory;      /* most bytes that each lookup uses to remember rows; 0 = 2 MiB */
    void (*on_wait)(const char *path); /* called before a change waits for another writer; may be NULL */
};

/* Opens the table at `path`, a single file with its lock beside it as PATH-lock. Errors name the path and what to do:
 * missing directory, no permission, read-only file system, not an LMDB file, a schema newer than TABLE_SCHEMA_VERSION.
 * In a shared directory of another user's, root opens and makes the files as that user (ssoferry/shared_directory.h).
 */
bool table_open(struct table **table, const char *path, const struct table_options *options, struct error *error)
    __attribute__((warn_unused_result));

/* Closes the table. Its lookups, snapshots and changes must all be closed first. NULL is fine. */
void table_close(struct table *table);

/* The path it was opened with. Lives as long as the table. */
const char *table_path(const struct table *table);

/* The descriptor by which its file is open for reading. Lives as long as the table; -1 if LMDB has none. */
int table_descriptor(const struct table *table);

/* Whether another process, such as a daemon, has the table open now. False if file locks cannot tell. */
bool table_is_shared(const struct table *table);

/* Whether its lock file could not be opened. That is safe only on a read-only file system: otherwise a writer does not
 * know of this reader and may overwrite pages that it is reading. */
bool table_is_unlocked(const struct table *table);

/* Says what is wrong with the file's name if the file has another one, too: it is a symbolic link, or there is a hard
 * link. LMDB's lock file goes by the name, so those who open the table by different names know nothing of each other,
 * miss changes, and may look for rows where they no longer are. NULL if there is no other name; otherwise a phrase, to
 * be put behind the name. */
const char *table_name_problem(const struct table *table);

/* The warning for that, of the path and the phrase. */
#define TABLE_NAME_WARNING                                                                                             \
    "%s %s: whoever opens it by the other name has another lock file, so neither sees what the other changes; give "   \
    "every program the same name, best the file's own"

enum table_place {
    TABLE_IN_PLACE,
    TABLE_GONE,      /* deleted or moved away: a loader no longer reaches the open one */
    TABLE_REPLACED,  /* the same, and another file stands there */
    TABLE_FILLED,    /* another table stands there, and the open one was never loaded. It can be reopened. */
    TABLE_LOCK_GONE, /* the lock file was deleted; whoever opens the table next creates a new one */
    TABLE_LOCK_NEW,  /* that has happened, or it was emptied: the new lock's users and this process do not know of each
                      * other, so this one misses changes and may look for rows where they no longer are. It can be
                      * reopened. */
    TABLE_NOT_WHOLE, /* the file was cut short, or written over with what is no table; what cannot be read fails */
    TABLE_WRITTEN_OVER, /* the file was written over with another table, of which this process may read an old revision
                         * or none; another program has it open as well, so nobody can open it */
    TABLE_WRITTEN_ANEW, /* the same, and nobody else has it open. It can be reopened. */
};

/* Whether the table's two open files are still the ones found under their names, and hold what this process's lookups
 * take them to hold. To be called every few seconds by one thread: what is in the file counts once it was seen by two
 * calls in succession, and a file that was written over with as many transactions is noticed only here. */
enum table_place table_place(struct table *table);

/* Doubles the map after ERROR_MAP_FULL. This process must have no snapshot or change open. */
bool table_grow(struct table *table, struct error *error) __attribute__((warn_unused_result));

/* The table as a whole at one moment. */
struct table_state {
    uint64_t revision;                /* 0: never loaded */
    int64_t changed_at;               /* microseconds UTC since 1970, of the last revision; 0: never */
    uint64_t rows[CONNECTION_STATES]; /* by state */
};

/* Number of rows in all states together. */
uint64_t table_state_total(const struct table_state *state);

/* -- single rows, for the daemon: one struct lookup per thread -- */

struct lookup;

enum lookup_result {
    LOOKUP_FOUND,
    LOOKUP_ABSENT,     /* the table has no such row */
    LOOKUP_NOT_LOADED, /* the table has no revision yet */
    LOOKUP_FAILED,     /* the store cannot be read, perhaps because a page is damaged; or, with ERROR_RECORD, the record
                        * cannot. *error says why */
};

/* Opens a lookup, which takes one of the table's max_readers and is for one thread only. False if all of them are taken
 * or the store cannot be read. */
bool lookup_open(struct lookup **lookup, struct table *table, struct error *error) __attribute__((warn_unused_result));
void lookup_close(struct lookup *lookup); /* NULL is fine */

/* Copies the row into *out. Renews a read transaction for this call and resets it afterwards: so the newest committed
 * revision is read, and no page is held between calls. */
enum lookup_result lookup_find(struct lookup *lookup, struct text source, struct text identifier,
                               struct connection_buffer *out, struct error *error) __attribute__((warn_unused_result));

/* Reads the table's current state. */
bool lookup_state(struct lookup *lookup, struct table_state *state, struct error *error)
    __attribute__((warn_unused_result));

struct table_row {
    struct text key;    /* source, 0x00, identifier */
    struct text record; /* encoded; see connection_decode() */
};

/* A walk through all rows that holds no page between calls. So it delays no change and no other lookup however long it
 * takes, but may see several revisions. All zeros: before the first row. */
struct lookup_walk {
    uint64_t revision; /* of the rows last shown */
    size_t key_size;
    char key[TABLE_KEY_SIZE_MAX]; /* of the last row */
};

/* Shows the next rows, at most `most`, in key order. LOOKUP_FOUND: there may be more; LOOKUP_ABSENT: that was the last.
 * The row's texts live for the call of `visit`, which must not look anything up. */
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

/* Opens a read transaction. */
bool snapshot_open(struct snapshot **snapshot, struct table *table, struct error *error)
    __attribute__((warn_unused_result));
void snapshot_close(struct snapshot *snapshot); /* NULL is fine */

/* Lives as long as the snapshot. */
const struct table_state *snapshot_state(const struct snapshot *snapshot);

/* Copies a row into *out: LOOKUP_FOUND, LOOKUP_ABSENT or LOOKUP_FAILED. */
enum lookup_result snapshot_find(struct snapshot *snapshot, struct text source, struct text identifier,
                                 struct connection_buffer *out, struct error *error)
    __attribute__((warn_unused_result));

/* Walk rows in key order. snapshot_seek() goes to before the first key >= `key` (empty: before the first row).
 * snapshot_next() returns LOOKUP_FOUND with the next row, whose texts live until the next call, LOOKUP_ABSENT after the
 * last, or LOOKUP_FAILED. */
void snapshot_seek(struct snapshot *snapshot, struct text key);
enum lookup_result snapshot_next(struct snapshot *snapshot, struct table_row *row, struct error *error)
    __attribute__((warn_unused_result));

/* Facts about the store, for `stat`. */
struct table_stat {
    struct table_state state;
    uint64_t map_size, file_size, used_size; /* bytes */
    unsigned depth, page_size;
    unsigned readers, readers_max;
    unsigned schema_version;
    uint64_t undo_size; /* bytes kept for rolling revisions back */
};

/* Reads the current facts. */
bool table_stat(struct table *table, struct table_stat *stat, struct error *error) __attribute__((warn_unused_result));

/* Writes a consistent, compacted copy to a file that must not exist yet, with the permissions of the table's file. The
 * copy gets its name only when complete; until then it has no name, or a temporary one beside it if the file system
 * knows no unnamed files. The daemon keeps serving. */
bool table_backup(struct table *table, const char *path, struct error *error) __attribute__((warn_unused_result));

/* -- changes -- */

struct change;

/* What is recorded about a revision besides its data. Texts are borrowed. */
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

/* Begins a change. There can be only one at a time: waits until another writer's ends. All of it is one transaction,
 * whose changed pages stay in memory until the commit, so this is for few rows. */
bool change_begin(struct change **change, struct table *table, struct error *error) __attribute__((warn_unused_result));

/* What is known about a change of any size. */
struct bulk {
    uint64_t rows; /* most rows it may put; 0 if unknown */
    bool rewrite;  /* set by change_again() */
};

/* Like change_begin(), for any number of rows, which must come in ascending key order, each once. Memory is limited to
 * a few times the table's transaction_size: a larger change writes the whole table anew beside the old one, in
 * transactions that nobody sees, and the last of them puts the new one in the old one's place. It starts that way if
 * bulk->rows says it will be large; otherwise it fails with ERROR_TOO_LARGE once it is. Memory is not limited if the
 * table has the oldest schema and is being read by a program that may not know the newest. */
bool change_begin_bulk(struct change **change, struct table *table, const struct bulk *bulk, struct error *error)
    __attribute__((warn_unused_result));

/* Call after a change failed with *error and was aborted. Returns whether to begin it again with *bulk, which this call
 * updates; grows the map after ERROR_MAP_FULL. If it returns false, *error says why the change cannot be made. */
bool change_again(struct table *table, struct bulk *bulk, struct error *error) __attribute__((warn_unused_result));

/* The table as this change has left it so far; lives until the change ends. If the table is being written anew, its
 * rows are those from before the change, and only its state is up to date. */
struct snapshot *change_snapshot(struct change *change);

/* Adds or replaces a row. An equal row is left alone and not counted. `record` comes from connection_encode(). */
bool change_put(struct change *change, struct text key, struct text record, struct error *error)
    __attribute__((warn_unused_result));

/* Removes a row, if it exists. */
bool change_remove(struct change *change, struct text key, struct error *error) __attribute__((warn_unused_result));

struct change_counts {
    uint64_t added, changed, removed;
};

/* Rows added, changed and removed so far. */
struct change_counts change_counts(const struct change *change);

/* Commits data, revision and undo together. Ends the change even if it fails. A change that changed nothing makes no
 * revision, unless the table had none yet. *revision, which may be NULL, gets the table's revision after it. */
bool change_commit(struct change *change, const struct revision_note *note, uint64_t *revision, struct error *error)
    __attribute__((warn_unused_result));

/* Abandons the change; the table stays as it was. NULL is fine. */
void change_abort(struct change *change);

#endif
