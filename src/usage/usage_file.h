/* The usage file: an LMDB environment of its own, beside the table's. For this folder only.
 *
 * Commits are MDB_NOMETASYNC: one flush to disk each, and not two. Data lie on disk before the page that names them is
 * written, so a crash of the machine gives the state of the last commit or of the one before, never a damaged file; a
 * process that is killed loses nothing it committed. */
#ifndef SSOFERRY_USAGE_FILE_H
#define SSOFERRY_USAGE_FILE_H

#include "ssoferry/environment.h"
#include "ssoferry/usage.h"

struct usage_file {
    MDB_env *env;
    char *path;
    MDB_dbi hits, unknown, meta;
    bool made; /* by usage_file_make(), as far as that came */
};

enum usage_file_result { USAGE_FILE_OPEN, USAGE_FILE_ABSENT, USAGE_FILE_FAILED };

/* Opens the file of the table at `store`. For writing it is made where it is not there; for reading, USAGE_FILE_ABSENT
 * then. usage_file_close() follows in any case. */
enum usage_file_result usage_file_open(struct usage_file *file, const char *store, bool writing, struct error *error);
void usage_file_close(struct usage_file *file);

/* Only names it; usage_file_make() opens it for writing, where it is not there or empty. One that is there has to be
 * checked first, which takes a process: only where it is to `look`. usage_file_close() follows in any case. */
void usage_file_name(struct usage_file *file, const char *store);
bool usage_file_make(struct usage_file *file, bool look, struct error *error) __attribute__((warn_unused_result));

/* Closes and opens it for writing again, after LMDB has given it up. No transaction may be open. */
bool usage_file_reopen(struct usage_file *file, struct error *error) __attribute__((warn_unused_result));

/* False where the file that is open was deleted, moved away or replaced; not where its directory is gone with it. */
bool usage_file_in_place(const struct usage_file *file);

/* Closes it, which leaves it as usage_file_name() does. No transaction may be open. */
void usage_file_put_down(struct usage_file *file);

/* Begins a read transaction, also where another process made the map larger. Returns an LMDB code. */
int usage_file_begin_read(const struct usage_file *file, MDB_txn **txn);

#endif
