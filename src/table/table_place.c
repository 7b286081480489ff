/* What has become of the table's two open files in the hands of others. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssoferry/guard.h"
#include "ssoferry/lock_file.h"
#include "ssoferry/row_cache.h"
#include "store.h"
#include "table_file.h"
#include "table_lock.h"

/* -- the names -- */

/* If it cannot be checked, assumes that it is in place. */
static bool stands_at(const char *path, int fd)
{
    struct stat open_one, named;
    if (fstat(fd, &open_one) != 0)
        return true;
    if (stat(path, &named) != 0)
        return errno != ENOENT && errno != ENOTDIR;
    return named.st_dev == open_one.st_dev && named.st_ino == open_one.st_ino;
}

/* Nobody empties a lock file that is in use but by mistake. */
static bool is_empty(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_size == 0;
}

/* -- what is in the file -- */

/* LMDB begins a transaction that reads with the number in the lock file, whatever is in the file by now. True if that
 * number is the file's own, or if this cannot be told; a commit raises the file's first, so that may be one ahead. */
static bool number_fits(struct table *table, struct lookup *lookup)
{
    MDB_envinfo before, after;
    if (guard_info(table->env, &before) != MDB_SUCCESS)
        return true;
    const int code = guard_renew(lookup->txn);
    const size_t number = mdb_txn_id(lookup->txn);
    guard_reset(lookup->txn);
    if ((code != MDB_SUCCESS && code != MDB_MAP_RESIZED) || guard_info(table->env, &after) != MDB_SUCCESS)
        return false;
    return number + 1 >= before.me_last_txnid && number <= after.me_last_txnid;
}

/* By a lookup that nobody is using now: whoever is stuck with a failing disk is not to be waited for. */
static bool numbers_fit(struct table *table)
{
    bool fit = true;
    if (pthread_mutex_trylock(&table->lock) != 0)
        return true;
    struct lookup *lookup = table->lookups;
    while (lookup != NULL && pthread_mutex_trylock(&lookup->mutex) != 0)
        lookup = lookup->next;
    if (lookup != NULL) {
        fit = number_fits(table, lookup);
        pthread_mutex_unlock(&lookup->mutex);
    }
    pthread_mutex_unlock(&table->lock);
    return fit;
}

static enum table_place look_inside(struct table *table)
{
    struct store_file file;
    struct error ignored;
    const bool fit = numbers_fit(table);
    if (store_measure(table, &file) != 0 || file.length < file.needed)
        return TABLE_NOT_WHOLE;
    if (fit)
        return TABLE_IN_PLACE;
    if (table_file_look(table->path, &ignored) != TABLE_FILE_THERE)
        return TABLE_NOT_WHOLE;
    return table_is_shared(table) ? TABLE_WRITTEN_OVER : TABLE_WRITTEN_ANEW;
}

/* Somebody is just writing if it is seen only once. */
static enum table_place look_twice(struct table *table)
{
    const enum table_place suspected = table->suspected;
    table->suspected = look_inside(table);
    return table->suspected == suspected ? suspected : TABLE_IN_PLACE;
}

static bool is_same(struct timespec one, struct timespec other)
{
    return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

/* What is remembered is told apart by the number of the transaction, which another file may have, too. A lookup that
 * somebody is using comes next time. */
static void forget_rows(struct table *table)
{
    struct stat st;
    if (fstat(table_descriptor(table), &st) != 0 || pthread_mutex_trylock(&table->lock) != 0)
        return;
    for (struct lookup *lookup = table->lookups; lookup != NULL; lookup = lookup->next) {
        if (is_same(st.st_mtim, lookup->file_changed_at) || pthread_mutex_trylock(&lookup->mutex) != 0)
            continue;
        lookup->file_changed_at = st.st_mtim;
        lookup->rows_as_of = 0;
        row_cache_forget(lookup->cache);
        pthread_mutex_unlock(&lookup->mutex);
    }
    pthread_mutex_unlock(&table->lock);
}

static bool was_never_loaded(struct table *table)
{
    struct snapshot *snapshot = NULL;
    struct error ignored;
    if (!snapshot_open(&snapshot, table, &ignored))
        return false;
    const bool never = snapshot_state(snapshot)->revision == 0;
    snapshot_close(snapshot);
    return never;
}

/* Looks as table_open() would, but opens no lock file: whoever ended for what cannot be opened would stay away. */
static bool could_be_opened_anew(const struct table *table)
{
    struct error ignored;
    return table_file_look(table->path, &ignored) == TABLE_FILE_THERE &&
           table_lock_could_be_held(table->lock_file, table->path) && table_could_be_opened(table->path);
}

static enum table_place replaced_by(struct table *table)
{
    if (access(table->path, F_OK) != 0)
        return TABLE_GONE;
    return was_never_loaded(table) && could_be_opened_anew(table) ? TABLE_FILLED : TABLE_REPLACED;
}

enum table_place table_place(struct table *table)
{
    const int fd = table_descriptor(table);
    enum table_place place = TABLE_IN_PLACE;
    char *lock = lock_file_name(table->path);
    if (fd >= 0 && !stands_at(table->path, fd))
        place = replaced_by(table);
    else if (table->lock_file >= 0 && !stands_at(lock, table->lock_file))
        place = access(lock, R_OK | W_OK) == 0 ? TABLE_LOCK_NEW : TABLE_LOCK_GONE;
    else if (table->lock_file >= 0 && is_empty(table->lock_file))
        place = TABLE_LOCK_NEW;
    free(lock);
    forget_rows(table);
    return place == TABLE_IN_PLACE ? look_twice(table) : place;
}
