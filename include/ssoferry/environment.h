/* LMDB environments, each a single file: what the table's and the usage file's have in common. For src/table and
 * src/usage only. */
#ifndef SSOFERRY_ENVIRONMENT_H
#define SSOFERRY_ENVIRONMENT_H

#include <lmdb.h>

#include "ssoferry/error.h"
#include "ssoferry/text.h"

enum { FOLLOW_TRIES = 8 }; /* how often a map that others enlarge is followed before one gives up */

struct environment_options {
    unsigned flags;     /* beside MDB_NOSUBDIR */
    unsigned databases; /* most named ones */
    unsigned readers;   /* most at a time; 0: LMDB's own number */
    uint64_t map_size;  /* bytes; 0: 64 GiB of address space, or less where the process may not have as much. LMDB
                           makes it larger by itself where the file is */
};

/* Opens the one at `path`; a file that is made gets mode 0660, less the umask. mdb_env_close() ends it. Returns an LMDB
 * code. */
int environment_open(MDB_env **env, const char *path, const struct environment_options *options);

/* What an LMDB code or an errno means for a kind of file, and what to do. */
struct environment_cause {
    int code;
    const char *cause; /* NULL: LMDB's or the system's own words */
    const char *advice;
};

/* Sets *error, ERROR_MAP_FULL or ERROR_FAILED, from a code and returns false: "PATH: cannot DOING: CAUSE: what to do".
 * `causes` are as many as `count`; a code that is not there has only LMDB's words. */
bool environment_fail(const struct environment_cause *causes, size_t count, const char *path, int code,
                      const char *doing, struct error *error);

/* A text as LMDB has it; nothing is copied. */
static inline MDB_val val_of(struct text t)
{
    return (MDB_val){t.size, (void *)t.at};
}

/* And back. */
static inline struct text text_of_val(MDB_val val)
{
    return text_slice(val.mv_data, val.mv_size);
}

#endif
