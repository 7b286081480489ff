#include "ssoferry/table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "ssoferry/guard.h"
#include "ssoferry/memory.h"
#include "ssoferry/shared_directory.h"
#include "store.h"
#include "table_file.h"
#include "table_lock.h"
#include "undo.h"

enum {
    READERS_DEFAULT = 510,
    NAMED_DATABASES = 3 + ROW_DATABASES,
    TRANSACTION_SIZE_DEFAULT = 16 << 20,
    LOOKUP_MEMORY_DEFAULT = 2 << 20,
};

/* -- opening -- */

static unsigned max_readers(const struct table_options *options)
{
    return options->max_readers ? options->max_readers : READERS_DEFAULT;
}

static int open_env(MDB_env **env, const char *path, const struct table_options *options)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const struct environment_options wanted = {
        .flags = MDB_NOTLS | (options->mode == TABLE_WRITE ? 0u : MDB_RDONLY),
        .databases = NAMED_DATABASES,
        .readers = max_readers(options),
        .map_size = (options->map_size + page - 1) / page * page,
    };
    return environment_open(env, path, &wanted);
}

/* A table whose rows were never rewritten has only one database for them. */
static int open_databases(struct table *table, MDB_txn *txn)
{
    const struct {
        const char *name;
        MDB_dbi *dbi;
    } databases[] = {{"meta", &table->meta}, {"revisions", &table->revisions}, {"undo", &table->undo}};
    int code = MDB_SUCCESS;
    for (size_t i = 0; i < sizeof databases / sizeof databases[0] && code == MDB_SUCCESS; i++)
        code = guard_open_dbi(txn, databases[i].name, databases[i].dbi);
    for (unsigned rows = 0; rows < ROW_DATABASES && code == MDB_SUCCESS; rows++) {
        MDB_dbi dbi = 0;
        code = guard_open_dbi(txn, store_rows_name(rows), &dbi);
        if (code == MDB_SUCCESS)
            table->rows[rows] = dbi;
    }
    return code == MDB_NOTFOUND && table->rows[0] != 0 ? MDB_SUCCESS : code;
}

/* Reads the schema's version. Comes first, because everything else may depend on it. */
static bool read_schema(const struct table *table, MDB_txn *txn, unsigned *schema, struct error *error)
{
    MDB_dbi meta;
    MDB_val key = val_of(TEXT("schema")), value;
    struct guard_row copy;
    int code = guard_open_dbi(txn, "meta", &meta);
    if (code == MDB_SUCCESS)
        code = guard_get(txn, meta, &key, &value, &copy);
    if (code != MDB_SUCCESS)
        return store_fail(table->path, code, "open the table", error);
    *schema = value.mv_size == 4 ? (unsigned)number_read(value.mv_data, 4) : 0;
    return *schema > 0 || store_fail(table->path, MDB_CORRUPTED, "open the table", error);
}

static bool check_schema(struct table *table, MDB_txn *txn, struct error *error)
{
    unsigned schema = 0;
    struct table_state state;
    if (!read_schema(table, txn, &schema, error))
        return false;
    if (schema > TABLE_SCHEMA_VERSION)
        return error_set(error, ERROR_FAILED,
                         "%s: the table has schema version %u, and this ssoferry knows up to %d: use a newer ssoferry, "
                         "or restore a backup from before the upgrade",
                         table->path, schema, TABLE_SCHEMA_VERSION);
    int code = open_databases(table, txn);
    return code == MDB_SUCCESS ? store_state_read(table, txn, &state, error)
                               : store_fail(table->path, code, "open the table", error);
}

/* Refuses a file that was cut short, because reading a page beyond its end would kill the process (SIGBUS). A commit
 * lengthens the file last of all (change_commit_transaction()), so this looks again after a moment. */
static bool check_length(const struct table *table, struct error *error)
{
    const struct timespec moment = {.tv_nsec = 10000000};
    struct store_file file;
    int code = store_measure(table, &file);
    if (code == 0 && file.length < file.needed) {
        nanosleep(&moment, NULL);
        code = store_measure(table, &file);
    }
    if (code != 0)
        return store_fail(table->path, code, "open the table", error);
    return file.length >= file.needed ||
           error_set(error, ERROR_FAILED,
                     "%s: the file was cut short (%llu bytes of %llu): restore a backup, or see what is left in a copy "
                     "that `truncate -s %llu` made longer",
                     table->path, (unsigned long long)file.length, (unsigned long long)file.needed,
                     (unsigned long long)file.needed);
}

/* 0 if it cannot be read. */
static uint64_t newest_transaction(const struct table *table)
{
    MDB_envinfo info;
    return guard_info(table->env, &info) == MDB_SUCCESS ? info.me_last_txnid : 0;
}

/* Detects a file that was overwritten while somebody had it open: its transaction is not the one in the lock file. A
 * commit writes the data file first, so one that died can leave the lock file one behind. */
static bool check_transaction(const struct table *table, MDB_txn *txn, uint64_t before, struct error *error)
{
    const uint64_t number = mdb_txn_id(txn);
    return (number + 1 >= before && number <= newest_transaction(table)) || store_written_over(table, error);
}

/* Gives back the slots of readers that died. */
static bool clear_dead_readers(const struct table *table, struct error *error)
{
    int dead = 0;
    int code = mdb_reader_check(table->env, &dead);
    return code == MDB_SUCCESS || store_fail(table->path, code, "clear readers of programs that ended", error);
}

static bool open_tables(struct table *table, struct error *error)
{
    MDB_txn *txn = NULL;
    const uint64_t before = newest_transaction(table);
    if (!check_length(table, error) || !store_begin(table, MDB_RDONLY, &txn, error))
        return false;
    bool good = check_transaction(table, txn, before, error) && check_schema(table, txn, error);
    if (good)
        mdb_txn_commit(txn); /* keeps the databases' handles */
    else
        guard_abort(txn);
    store_done(table);
    return good && (table->mode != TABLE_WRITE || clear_dead_readers(table, error));
}

/* Makes sure that there is a file to open. */
static bool prepare_file(const char *path, enum table_mode mode, struct error *error)
{
    switch (table_file_look(path, error)) {
    case TABLE_FILE_THERE:
        return true;
    case TABLE_FILE_ABSENT:
        if (!table_lock_is_free(path, error))
            return false;
        return mode != TABLE_READ
                   ? table_file_make(path, error)
                   : error_set(error, ERROR_FAILED,
                               "%s: there is no table: `ssoferry load` makes it, or name another with --store", path);
    case TABLE_FILE_UNFIT:
        break;
    }
    return false;
}

static void share(const struct table *table)
{
    const int fd = table_descriptor(table);
    if (fd >= 0)
        table_file_share(table->path, fd, table->lock_file);
}

/* An overlay file system makes a copy of a lower file when somebody first opens that for writing. Whoever has opened
 * the lower one only for reading does not see what is written from then on: for a daemon, that is every change, while
 * a command that reads shows one revision and ends. Elsewhere it would look like a change to whoever watches the file.
 */
static void copy_up(const char *path, enum table_mode mode)
{
    struct statfs system;
    if (mode == TABLE_READ || statfs(path, &system) != 0 ||
        (system.f_type != OVERLAYFS_SUPER_MAGIC &&
         system.f_type != FUSE_SUPER_MAGIC)) /* fuse-overlayfs, among others */
        return;
    const int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0) /* otherwise this process may only read it */
        close(fd);
}

static struct table *new_table(const char *path, const struct table_options *options)
{
    struct table *table = memory_zeroed(1, sizeof *table);
    table->path = memory_string(text_of(path));
    table->lock_file = -1;
    table->mode = options->mode;
    table->transaction_size = options->transaction_size ? options->transaction_size : TRANSACTION_SIZE_DEFAULT;
    table->lookup_memory = options->lookup_memory ? options->lookup_memory : LOOKUP_MEMORY_DEFAULT;
    table->on_wait = options->on_wait;
    pthread_mutex_init(&table->writer, NULL);
    pthread_mutex_init(&table->lock, NULL);
    return table;
}

static bool open_in_place(struct table **opened, const char *path, const struct table_options *options,
                          struct error *error)
{
    int lock_file;
    if (!prepare_file(path, options->mode, error))
        return false;
    copy_up(path, options->mode);
    if (!table_lock_hold(&lock_file, path, max_readers(options), error))
        return false;
    struct table *table = new_table(path, options);
    table->lock_file = lock_file;
    int code = open_env(&table->env, path, options);
    if (code == MDB_SUCCESS)
        share(table);
    else
        table_file_fail(path, code, options->mode == TABLE_WRITE, error);
    if (code == MDB_SUCCESS && (code = guard_prepare(table->env)) != MDB_SUCCESS)
        store_fail(path, code, "open the table", error);
    if (code != MDB_SUCCESS || !open_tables(table, error)) {
        table_close(table);
        return false;
    }
    *opened = table;
    return true;
}

bool table_open(struct table **opened, const char *path, const struct table_options *options, struct error *error)
{
    struct shared_directory_visit visit;
    shared_directory_enter(&visit, path);
    const bool good = open_in_place(opened, path, options, error);
    if (!good)
        shared_directory_explain(&visit, path, options->mode == TABLE_WRITE, error);
    shared_directory_leave(&visit);
    return good;
}

void table_close(struct table *table)
{
    if (table == NULL)
        return;
    if (table->env != NULL)
        guard_close(table->env);
    table_lock_release(table->lock_file);
    pthread_mutex_destroy(&table->lock);
    pthread_mutex_destroy(&table->writer);
    free(table->path);
    free(table);
}

bool table_could_be_opened(const char *path)
{
    const struct table_options reading = {.mode = TABLE_READ};
    const struct environment_options wanted = {
        .flags = MDB_NOTLS | MDB_RDONLY | MDB_NOLOCK,
        .databases = NAMED_DATABASES,
        .map_size = (uint64_t)sysconf(_SC_PAGESIZE), /* LMDB takes as much as the file says */
    };
    struct error ignored;
    struct table *table = new_table(path, &reading);
    const int code = environment_open(&table->env, path, &wanted);
    const bool could = code == MDB_SUCCESS ? guard_prepare(table->env) == MDB_SUCCESS && open_tables(table, &ignored)
                                           : code == EACCES && access(path, R_OK) == 0;
    table_close(table);
    return could;
}

const char *table_path(const struct table *table)
{
    return table->path;
}

int table_descriptor(const struct table *table)
{
    int fd = -1;
    return mdb_env_get_fd(table->env, &fd) == MDB_SUCCESS ? fd : -1;
}

bool table_is_shared(const struct table *table)
{
    struct stat facts;
    return fstat(table_descriptor(table), &facts) == 0 && table_lock_is_shared(table->lock_file, facts.st_ino);
}

bool table_is_unlocked(const struct table *table)
{
    return table->lock_file < 0;
}

const char *table_name_problem(const struct table *table)
{
    struct stat name;
    if (lstat(table->path, &name) != 0)
        return NULL;
    return S_ISLNK(name.st_mode)                        ? "is a symbolic link"
           : S_ISREG(name.st_mode) && name.st_nlink > 1 ? "has another name, by a hard link"
                                                        : NULL;
}

/* -- the whole table -- */

bool table_grow(struct table *table, struct error *error)
{
    MDB_envinfo info;
    int code = guard_info(table->env, &info);
    return code == MDB_SUCCESS ? store_set_size(table, (uint64_t)info.me_mapsize * 2, error)
                               : store_fail(table->path, code, "enlarge the map", error);
}

static uint64_t pages_of(const MDB_stat *stat)
{
    return (uint64_t)stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages;
}

/* LMDB lists readers as text: a heading, then a line each. */
static int on_reader_line(const char *line, void *context)
{
    unsigned *count = context;
    *count += line[strspn(line, " ")] >= '0' && line[strspn(line, " ")] <= '9';
    return 0;
}

/* Reads the sizes of the newest revision's databases. */
static int fill_sizes(const struct table *table, MDB_txn *txn, unsigned rows, struct table_stat *stat)
{
    MDB_stat connections, revisions, undo;
    uint64_t coming = 0;
    int code;
    if ((code = guard_stat(txn, table->rows[rows], &connections)) != MDB_SUCCESS ||
        (code = guard_stat(txn, table->revisions, &revisions)) != MDB_SUCCESS ||
        (code = guard_stat(txn, table->undo, &undo)) != MDB_SUCCESS ||
        (code = undo_coming_size(txn, table->undo, stat->state.revision, &coming)) != MDB_SUCCESS)
        return code;
    stat->page_size = connections.ms_psize;
    stat->depth = connections.ms_depth;
    stat->undo_size = pages_of(&undo) * undo.ms_psize - coming;
    stat->used_size = (pages_of(&connections) + pages_of(&revisions)) * connections.ms_psize + stat->undo_size;
    return MDB_SUCCESS;
}

static bool fill_stat(struct table *table, MDB_txn *txn, unsigned rows, struct table_stat *stat, struct error *error)
{
    MDB_envinfo info;
    struct stat st;
    int fd = -1, code;
    if (!read_schema(table, txn, &stat->schema_version, error) || !store_state_read(table, txn, &stat->state, error))
        return false;
    if ((code = guard_info(table->env, &info)) != MDB_SUCCESS ||
        (code = fill_sizes(table, txn, rows, stat)) != MDB_SUCCESS ||
        (code = mdb_env_get_fd(table->env, &fd)) != MDB_SUCCESS)
        return store_fail(table->path, code, "read", error);
    if (fstat(fd, &st) != 0)
        return store_fail(table->path, errno, "read", error);
    stat->map_size = info.me_mapsize;
    stat->file_size = (uint64_t)st.st_size;
    stat->readers = 0;
    mdb_reader_list(table->env, on_reader_line, &stat->readers);
    stat->readers_max = info.me_maxreaders;
    return true;
}

bool table_stat(struct table *table, struct table_stat *stat, struct error *error)
{
    MDB_txn *txn = NULL;
    unsigned rows = 0;
    if (!store_begin_rows(table, MDB_RDONLY, &txn, &rows, error))
        return false;
    bool good = fill_stat(table, txn, rows, stat, error);
    guard_abort(txn);
    store_done(table);
    return good;
}
