#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssoferry/guard.h"
#include "ssoferry/shell_word.h"

enum { STATE_SIZE = 16 + 8 * CONNECTION_STATES };

/* -- errors -- */

static const struct environment_cause causes[] = {
    {MDB_MAP_FULL, "the map of the table is full", "give it more address space, or fewer rows"},
    {MDB_READERS_FULL, "every reader slot is taken", "end some of the programs that have the table open"},
    {MDB_CORRUPTED, "the file is damaged", "restore a backup, or move it away and load again"},
    {MDB_PAGE_NOTFOUND, "the file is damaged", "restore a backup, or move it away and load again"},
    {MDB_BAD_DBI, "the file is damaged", "restore a backup, or move it away and load again"},
    {MDB_PANIC, "a write to the file failed earlier", "see to the disk, then start again"},
    {MDB_INVALID, "it is not a table of ssoferry", "name another file, or move it away and load again"},
    {MDB_VERSION_MISMATCH, "another version of LMDB made it or its -lock file",
     "end the programs that have it open, or export it with that version and load it here"},
    {MDB_INCOMPATIBLE, "it is not a table of ssoferry", "name another file, or move it away and load again"},
    {MDB_NOTFOUND, "it is not a table of ssoferry", "name another file, or move it away and load again"},
    {MDB_BAD_RSLOT, "its -lock file was replaced meanwhile", "start again"},
    {EAGAIN, "a program in another container has this one's process number, by which they are told apart",
     "let the two share a PID namespace, or give each a store of its own"},
    {ELOOP, "its -lock file is a link", "remove the link; see who made it"},
    {ENOSPC, "the disk is full", "free some space and try again"},
    {EDQUOT, NULL, "free some space and try again"},
    {EFBIG, NULL, "raise the limit on the size of files and try again"},
    {EROFS, NULL, "mount it writable, or name a file elsewhere"},
    {EIO, NULL, "see whether the file was cut short, or the disk is full or failing, and try again"},
    {EFAULT, "the store cannot be read in full", "see whether it was cut short, or its disk is failing"}, /* write() */
    {ENOMEM, "there is not enough address space or memory", "raise the limit (ulimit -v, LimitAS=)"},
};

bool store_fail(const char *path, int code, const char *doing, struct error *error)
{
    return environment_fail(causes, sizeof causes / sizeof causes[0], path, code, doing, error);
}

bool store_written_over(const struct table *table, struct error *error)
{
    char *word = shell_word(text_of(table->path));
    error_set(error, ERROR_FAILED,
              "%s: the file was written over while a program had it open: end every program that has it open (fuser "
              "%s-lock) and try again",
              table->path, word);
    free(word);
    return false;
}

/* -- the size of the map -- */

/* LMDB unmaps the old map before it maps the new one, and cannot go back. So first check that there is room. */
static bool has_address_space(uint64_t size)
{
    void *probe = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return probe != MAP_FAILED && munmap(probe, size) == 0;
}

static int replace_map(struct table *table, uint64_t old_size, uint64_t new_size)
{
    if (new_size > old_size && !has_address_space(new_size - old_size))
        return ENOMEM;
    for (struct lookup *lookup = table->lookups; lookup != NULL; lookup = lookup->next)
        pthread_mutex_lock(&lookup->mutex);
    int code = guard_set_mapsize(table->env, new_size);
    for (struct lookup *lookup = table->lookups; lookup != NULL; lookup = lookup->next)
        pthread_mutex_unlock(&lookup->mutex);
    return code;
}

/* Reads the newest transaction's facts. *needed gets the bytes that its pages take. Returns an LMDB code. */
static int measure(const struct table *table, MDB_envinfo *info, uint64_t *needed)
{
    MDB_stat stat;
    int code = guard_info(table->env, info);
    if (code == MDB_SUCCESS && (code = guard_env_stat(table->env, &stat)) == MDB_SUCCESS)
        *needed = ((uint64_t)info->me_last_pgno + 1) * stat.ms_psize;
    return code;
}

int store_follow_size(struct table *table)
{
    MDB_envinfo info;
    uint64_t needed = 0;
    pthread_mutex_lock(&table->lock);
    int code = measure(table, &info, &needed);
    /* Twice what the file needs now, so as not to follow every page of a growing file. */
    if (code == MDB_SUCCESS && needed > info.me_mapsize) { /* otherwise another thread did it already */
        code = table->transactions > 0 ? EBUSY : replace_map(table, info.me_mapsize, needed * 2);
        if (code == ENOMEM)
            code = replace_map(table, info.me_mapsize, needed);
    }
    pthread_mutex_unlock(&table->lock);
    return code;
}

bool store_set_size(struct table *table, uint64_t size, struct error *error)
{
    MDB_envinfo info;
    pthread_mutex_lock(&table->lock);
    int code = guard_info(table->env, &info);
    if (code == MDB_SUCCESS)
        code = table->transactions > 0 ? EBUSY : replace_map(table, info.me_mapsize, size);
    pthread_mutex_unlock(&table->lock);
    return code == MDB_SUCCESS || store_fail(table->path, code, "enlarge the map", error);
}

/* -- transactions -- */

static int begin(MDB_env *env, unsigned flags, MDB_txn **txn)
{
    return flags & MDB_RDONLY ? guard_begin_read(env, txn) : mdb_txn_begin(env, NULL, flags, txn);
}

/* Begins a transaction; on MDB_READERS_FULL, tries again after clearing the slots of dead readers. */
static int begin_once(struct table *table, unsigned flags, MDB_txn **txn)
{
    int dead = 0;
    int code = begin(table->env, flags, txn);
    if (code == MDB_READERS_FULL && mdb_reader_check(table->env, &dead) == MDB_SUCCESS && dead > 0)
        code = begin(table->env, flags, txn);
    return code;
}

bool store_begin(struct table *table, unsigned flags, MDB_txn **txn, struct error *error)
{
    int code = MDB_MAP_RESIZED;
    for (int tries = 0; tries < FOLLOW_TRIES && code == MDB_MAP_RESIZED; tries++) {
        /* Counted first: nobody may replace the map once the transaction exists. */
        pthread_mutex_lock(&table->lock);
        table->transactions++;
        pthread_mutex_unlock(&table->lock);
        code = begin_once(table, flags, txn);
        if (code == MDB_SUCCESS)
            return true;
        store_done(table);
        int followed = code == MDB_MAP_RESIZED ? store_follow_size(table) : MDB_SUCCESS;
        if (followed != MDB_SUCCESS)
            code = followed;
    }
    return store_fail(table->path, code, flags & MDB_RDONLY ? "read" : "begin a change", error);
}

void store_done(struct table *table)
{
    pthread_mutex_lock(&table->lock);
    table->transactions--;
    pthread_mutex_unlock(&table->lock);
}

/* -- which rows are the table's -- */

const char *store_rows_name(unsigned rows)
{
    static const char *const names[ROW_DATABASES] = {"connections", "connections.other"};
    return names[rows];
}

int store_find_rows(const struct table *table, MDB_txn *txn, unsigned *rows)
{
    MDB_val key = val_of(TEXT("current")), value;
    struct guard_row copy;
    int code = guard_get(txn, table->meta, &key, &value, &copy);
    if (code != MDB_SUCCESS && code != MDB_NOTFOUND)
        return code;
    if (code == MDB_SUCCESS && (value.mv_size != 1 || *(const unsigned char *)value.mv_data >= ROW_DATABASES))
        return MDB_CORRUPTED;
    *rows = code == MDB_SUCCESS ? *(const unsigned char *)value.mv_data : 0;
    return table->rows[*rows] != 0 ? MDB_SUCCESS : MDB_BAD_DBI;
}

int store_choose_rows(const struct table *table, MDB_txn *txn, unsigned rows)
{
    unsigned char byte = (unsigned char)rows;
    MDB_val key = val_of(TEXT("current")), value = {sizeof byte, &byte};
    return mdb_put(txn, table->meta, &key, &value, 0);
}

/* LMDB lets only one transaction at a time open databases. */
static int open_rows(struct table *table, unsigned rows)
{
    MDB_txn *txn = NULL;
    MDB_dbi dbi = 0;
    int code = begin_once(table, MDB_RDONLY, &txn);
    if (code != MDB_SUCCESS)
        return code;
    if ((code = guard_open_dbi(txn, store_rows_name(rows), &dbi)) == MDB_SUCCESS)
        code = mdb_txn_commit(txn); /* keeps the handle */
    else
        guard_abort(txn);
    if (code == MDB_SUCCESS)
        table->rows[rows] = dbi;
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

int store_open_rows(struct table *table)
{
    int code = MDB_SUCCESS;
    pthread_mutex_lock(&table->lock);
    for (unsigned rows = 0; rows < ROW_DATABASES && code == MDB_SUCCESS; rows++) {
        if (table->rows[rows] == 0)
            code = open_rows(table, rows);
    }
    pthread_mutex_unlock(&table->lock);
    return code;
}

bool store_begin_rows(struct table *table, unsigned flags, MDB_txn **txn, unsigned *rows, struct error *error)
{
    int code = MDB_BAD_DBI;
    for (int tries = 0; tries < FOLLOW_TRIES; tries++) {
        if (!store_begin(table, flags, txn, error))
            return false;
        if ((code = store_find_rows(table, *txn, rows)) == MDB_SUCCESS)
            return true;
        guard_abort(*txn);
        store_done(table);
        const int opened = code == MDB_BAD_DBI ? store_open_rows(table) : code;
        if (opened != MDB_SUCCESS && opened != MDB_MAP_RESIZED) {
            code = opened;
            break;
        }
    }
    return store_fail(table->path, code, "read", error);
}

/* -- one writer at a time -- */

/* LMDB's own lock ends with each transaction. This one is on the data file, which LMDB does not lock, and the kernel
 * releases it if the process dies. */
bool store_lock_writer(struct table *table, struct error *error)
{
    int fd = -1;
    pthread_mutex_lock(&table->writer);
    int code = mdb_env_get_fd(table->env, &fd);
    if (code == MDB_SUCCESS && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (code == MDB_SUCCESS && errno == EWOULDBLOCK && table->on_wait != NULL)
        table->on_wait(table->path);
    while (code == MDB_SUCCESS && flock(fd, LOCK_EX) != 0) {
        if (errno != EINTR)
            code = errno;
    }
    if (code == MDB_SUCCESS)
        return true;
    pthread_mutex_unlock(&table->writer);
    return store_fail(table->path, code, "begin a change", error);
}

void store_unlock_writer(struct table *table)
{
    int fd = -1;
    if (mdb_env_get_fd(table->env, &fd) == MDB_SUCCESS)
        (void)flock(fd, LOCK_UN);
    pthread_mutex_unlock(&table->writer);
}

/* -- the state -- */

bool store_state_read(const struct table *table, MDB_txn *txn, struct table_state *state, struct error *error)
{
    MDB_val key = val_of(TEXT("state")), value;
    struct guard_row copy;
    int code = guard_get(txn, table->meta, &key, &value, &copy);
    if (code != MDB_SUCCESS)
        return store_fail(table->path, code == MDB_NOTFOUND ? MDB_CORRUPTED : code, "read", error);
    if (value.mv_size != STATE_SIZE)
        return store_fail(table->path, MDB_CORRUPTED, "read", error);
    const unsigned char *at = value.mv_data;
    state->revision = number_read(at, 8);
    state->changed_at = (int64_t)number_read(at + 8, 8);
    for (unsigned i = 0; i < CONNECTION_STATES; i++)
        state->rows[i] = number_read(at + 16 + 8 * i, 8);
    return true;
}

int store_state_write(MDB_txn *txn, MDB_dbi meta, const struct table_state *state)
{
    unsigned char bytes[STATE_SIZE];
    MDB_val key = val_of(TEXT("state")), value = {sizeof bytes, bytes};
    number_write(bytes, state->revision, 8);
    number_write(bytes + 8, (uint64_t)state->changed_at, 8);
    for (unsigned i = 0; i < CONNECTION_STATES; i++)
        number_write(bytes + 16 + 8 * i, state->rows[i], 8);
    return mdb_put(txn, meta, &key, &value, 0);
}

int store_schema_write(MDB_txn *txn, MDB_dbi meta, unsigned version)
{
    unsigned char bytes[4];
    MDB_val key = val_of(TEXT("schema")), value = {sizeof bytes, bytes};
    number_write(bytes, version, sizeof bytes);
    return mdb_put(txn, meta, &key, &value, 0);
}

uint64_t table_state_total(const struct table_state *state)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < CONNECTION_STATES; i++)
        total += state->rows[i];
    return total;
}

int store_measure(const struct table *table, struct store_file *file)
{
    MDB_envinfo info;
    struct stat st;
    *file = (struct store_file){.fd = -1};
    int code = measure(table, &info, &file->needed);
    if (code != MDB_SUCCESS)
        return code;
    if (mdb_env_get_fd(table->env, &file->fd) != MDB_SUCCESS || fstat(file->fd, &st) != 0)
        return errno;
    file->length = (uint64_t)st.st_size;
    return 0;
}
