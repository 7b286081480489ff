/* LMDB environments, each a single file: what the table and the usage file share. For src/table and src/usage only. */
#ifndef SSOFERRY_ENVIRONMENT_H
#define SSOFERRY_ENVIRONMENT_H

#include <lmdb.h>

#include "ssoferry/error.h"
#include "ssoferry/text.h"

enum { FOLLOW_TRIES = 8 }; /* how often to follow a map that other processes keep enlarging before giving up */

struct environment_options {
    unsigned flags;     /* added to MDB_NOSUBDIR */
    unsigned databases; /* maximum number of named databases */
    unsigned readers;   /* maximum number at a time; 0: LMDB's default */
    uint64_t map_size;  /* bytes; 0: 64 GiB of address space, or less if the process may not have that much. LMDB
                         * enlarges it for a larger file */
};

/* Opens the environment at `path`; mdb_env_close() closes it. A new file gets mode 0660 less the umask. Returns an LMDB
 * code. */
int environment_open(MDB_env **env, const char *path, const struct environment_options *options);

/* What an LMDB code or an errno means for one kind of file, and what to do about it. */
struct environment_cause {
    int code;
    const char *cause; /* NULL: use the words of LMDB or the system */
    const char *advice;
};

/* Sets *error from a code and returns false: "PATH: cannot DOING: CAUSE: ADVICE". A code that is not among the `count`
 * `causes` gets LMDB's words and no advice. The kind is ERROR_MAP_FULL for MDB_MAP_FULL, else ERROR_FAILED. */
bool environment_fail(const struct environment_cause *causes, size_t count, const char *path, int code,
                      const char *doing, struct error *error);

/* A text as an LMDB value; not copied. */
static inline MDB_val val_of(struct text t)
{
    return (MDB_val){t.size, (void *)t.at};
}

/* An LMDB value as a text; not copied. */
static inline struct text text_of_val(MDB_val val)
{
    return text_slice(val.mv_data, val.mv_size);
}

#endif
