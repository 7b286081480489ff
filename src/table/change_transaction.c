#include "change_transaction.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ssoferry/guard.h"

/* Never shortens it: no other writer starts before store_unlock_writer(). On a full disk, a hole is good enough. LMDB
 * has synced the file before, so its new length is synced here, or a power cut might leave the old one. */
void change_cover_last_page(const struct table *table)
{
    struct store_file file;
    if (store_measure(table, &file) != 0 || file.length >= file.needed)
        return;
    if (fallocate(file.fd, 0, (off_t)file.length, (off_t)(file.needed - file.length)) != 0)
        (void)!ftruncate(file.fd, (off_t)file.needed);
    (void)fdatasync(file.fd);
}

/* What a write that found no room has added to the file would keep the disk full for everybody else. No page behind the
 * last one is anybody's before store_unlock_writer(), and pages that were committed are never taken back. */
void change_give_back(const struct change *change)
{
    struct store_file file;
    if (change->full && store_measure(change->snapshot.table, &file) == 0 && file.length > file.needed)
        (void)!ftruncate(file.fd, (off_t)file.needed);
}

/* LMDB numbers a transaction that writes by the lock file, and would write over a newer one of the data file. A writer
 * that died between the two is no reason for that: LMDB then sets the lock file's number right before the next one. */
static bool follows_newest(const struct table *table, MDB_txn *txn)
{
    MDB_envinfo info;
    return guard_info(table->env, &info) != MDB_SUCCESS || mdb_txn_id(txn) == info.me_last_txnid + 1;
}

bool change_open_transaction(struct change *change, struct error *error)
{
    struct table *table = change->snapshot.table;
    unsigned rows = 0;
    MDB_txn *txn = NULL;
    if (!store_begin_rows(table, 0, &txn, &rows, error))
        return false;
    change->snapshot.txn = txn;
    if (!follows_newest(table, txn))
        return store_written_over(table, error);
    return snapshot_attach(&change->snapshot, table, txn, rows, error);
}

int change_commit_transaction(struct change *change)
{
    struct table *table = change->snapshot.table;
    int code = mdb_txn_commit(change->snapshot.txn); /* also closes the cursors */
    change->snapshot.txn = NULL;
    store_done(table);
    if (code == MDB_SUCCESS)
        change_cover_last_page(table);
    return code;
}

void change_abort_transaction(struct change *change)
{
    if (change->snapshot.txn == NULL)
        return;
    mdb_txn_abort(change->snapshot.txn);
    change->snapshot.txn = NULL;
    store_done(change->snapshot.table);
}

/* LMDB reports EIO for a short write, which is how a full disk usually shows; this finds the actual reason. */
static int reason_of(const struct table *table, int code)
{
    const uint64_t little = 1 << 20;
    struct statvfs disk;
    struct rlimit limit;
    struct stat st;
    if (code != EIO || stat(table->path, &st) != 0)
        return code;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (uint64_t)st.st_size + little > limit.rlim_cur)
        return EFBIG;
    if (statvfs(table->path, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < little)
        return ENOSPC;
    return code;
}

bool change_fail(struct change *change, int code, struct error *error)
{
    const struct table *table = change->snapshot.table;
    int reason = reason_of(table, code);
    change->full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
    store_fail(table->path, reason, "write", &change->failed);
    *error = change->failed;
    return false;
}
