/* The usage file: an LMDB environment of its own, beside the table's. For this folder only.
 *
 * Commits are MDB_NOMETASYNC: one flush to disk instead of two. Data are on disk before the page that refers to them is
 * written, so a crash of the machine leaves the state of the last commit or the one before, never a damaged file. A
 * killed process loses nothing that it committed. */
#ifndef SSOFERRY_USAGE_FILE_H
#define SSOFERRY_USAGE_FILE_H

#include "errand.h"
#include "ssoferry/environment.h"
#include "ssoferry/usage.h"

struct usage_file {
    MDB_env *env;
    struct errands *errands; /* for all that writes; NULL: not opened for writing yet */
    char *path;
    MDB_dbi hits, unknown, meta;
    bool made; /* by usage_file_make(), at least in part */
    bool left; /* a call into LMDB was left in the middle: `env` may be read, but not be written or closed */
};

enum usage_file_result { USAGE_FILE_OPEN, USAGE_FILE_ABSENT, USAGE_FILE_FAILED };

/* Opens the usage file of the table at `store`. If it does not exist, it is created for writing; for reading the result
 * is USAGE_FILE_ABSENT. `end` is as for usage_check(). In a shared directory of another user's, root does this as that
 * user (ssoferry/shared_directory.h). Call usage_file_close() in any case. */
enum usage_file_result usage_file_open(struct usage_file *file, const char *store, bool writing, int end,
                                       struct error *error);
void usage_file_close(struct usage_file *file);

/* usage_file_name() only names the file. usage_file_make() opens it for writing if it does not exist or is empty. One
 * with contents must be checked first, which takes a process: only if `look`, and with `end` as for usage_check(). Call
 * usage_file_close() in any case. */
void usage_file_name(struct usage_file *file, const char *store);
bool usage_file_make(struct usage_file *file, bool look, int end, struct error *error)
    __attribute__((warn_unused_result));

/* Closes the file and reopens it for writing, after LMDB gave it up. No transaction may be open. If `left` is then set,
 * put it down. */
bool usage_file_reopen(struct usage_file *file, struct error *error) __attribute__((warn_unused_result));

/* False if the open file was deleted, moved away or replaced; but true if its directory is gone, too. */
bool usage_file_in_place(const struct usage_file *file);

/* Closes the file, which leaves it as after usage_file_name(). No transaction may be open, but for one that was left.
 */
void usage_file_put_down(struct usage_file *file);

/* Begins a read transaction, even if another process enlarged the map. Returns an LMDB code. */
int usage_file_begin_read(const struct usage_file *file, MDB_txn **txn);

/* Reads the databases' roots. Otherwise mdb_cursor_open() would, with memory in hand that is lost if it has to be left.
 * Returns an LMDB code. */
int usage_file_find_roots(const struct usage_file *file, MDB_txn *txn);

#endif
