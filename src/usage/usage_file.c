#include "usage_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"
#include "ssoferry/guard.h"
#include "ssoferry/lock_file.h"
#include "ssoferry/memory.h"
#include "ssoferry/shared_directory.h"
#include "usage_check.h"
#include "usage_fault.h"

enum { NAMED_DATABASES = 3, SCHEMA_SIZE = 4, MAX_READERS = 126 /* LMDB's default */ };

static int open_env(MDB_env **env, const char *path, bool writing)
{
    const struct environment_options wanted = {
        .flags = MDB_NOTLS | (writing ? (unsigned)MDB_NOMETASYNC : (unsigned)MDB_RDONLY),
        .databases = NAMED_DATABASES,
    };
    int code = environment_open(env, path, &wanted);
    return code == MDB_SUCCESS ? guard_prepare(*env) : code;
}

static int open_databases(struct usage_file *file, MDB_txn *txn, unsigned flags)
{
    int code = mdb_dbi_open(txn, "hits", flags, &file->hits);
    if (code == MDB_SUCCESS)
        code = mdb_dbi_open(txn, "unknown", flags, &file->unknown);
    return code == MDB_SUCCESS ? mdb_dbi_open(txn, "meta", flags, &file->meta) : code;
}

/* Reads the schema's version; writes it into a new file. */
static int settle_schema(struct usage_file *file, MDB_txn *txn, bool writing, uint32_t *schema)
{
    unsigned char bytes[SCHEMA_SIZE] = {0, 0, 0, USAGE_SCHEMA_VERSION};
    MDB_val key = val_of(TEXT("schema")), value;
    int code = mdb_get(txn, file->meta, &key, &value);
    if (code == MDB_NOTFOUND && writing) {
        value = (MDB_val){sizeof(bytes), bytes};
        code = mdb_put(txn, file->meta, &key, &value, 0);
    }
    if (code != MDB_SUCCESS || value.mv_size != SCHEMA_SIZE)
        return code != MDB_SUCCESS ? code : MDB_CORRUPTED;
    memcpy(bytes, value.mv_data, sizeof(bytes));
    *schema = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    return MDB_SUCCESS;
}

static enum usage_file_result open_contents(struct usage_file *file, bool writing, struct error *error)
{
    MDB_txn *txn = NULL;
    uint32_t schema = 0;
    int code = writing ? mdb_txn_begin(file->env, NULL, 0, &txn) : usage_file_begin_read(file, &txn);
    if (code == MDB_SUCCESS)
        code = open_databases(file, txn, writing ? (unsigned)MDB_CREATE : 0);
    bool made = !writing && code == MDB_NOTFOUND; /* just created, and its maker has not got further yet */
    if (code == MDB_SUCCESS)
        code = settle_schema(file, txn, writing, &schema);
    if (code == MDB_SUCCESS) {
        code = mdb_txn_commit(txn); /* keeps the databases' handles */
        txn = NULL;
    }
    if (txn != NULL)
        mdb_txn_abort(txn);
    if (made)
        return USAGE_FILE_ABSENT;
    if (code == MDB_SUCCESS && schema == USAGE_SCHEMA_VERSION)
        return USAGE_FILE_OPEN;
    if (code == MDB_SUCCESS)
        error_set(error, ERROR_FAILED, "%s: the usage file has schema version %lu, and this ssoferry knows %d: %s",
                  file->path, (unsigned long)schema, USAGE_SCHEMA_VERSION, "use a newer ssoferry, or move it away");
    else
        usage_fail(file->path, code, "open the usage file", error);
    return USAGE_FILE_FAILED;
}

/* A full disk must kill neither this process nor the checking child, which would look like damage. */
static bool reserve_lock(const struct usage_file *file, struct error *error)
{
    int fd = -1;
    int code = lock_file_open(file->path, MAX_READERS, &fd);
    if (fd >= 0)
        close(fd);
    return code == 0 || usage_fail(file->path, code, "open the usage file", error);
}

struct opening {
    struct usage_file *file;
    bool writing;
    enum usage_file_result result;
    struct error *error;
};

static int open_once(void *context)
{
    struct opening *opening = context;
    int code = open_env(&opening->file->env, opening->file->path, opening->writing);
    if (code == MDB_SUCCESS)
        opening->result = open_contents(opening->file, opening->writing, opening->error);
    return code;
}

/* The check was a moment ago, but a disk may fail at any time. */
static enum usage_file_result open_checked(struct usage_file *file, bool writing, struct error *error)
{
    struct opening opening = {file, writing, USAGE_FILE_FAILED, error};
    int code = MDB_SUCCESS;
    if (writing && file->errands == NULL)
        file->errands = errands_new();
    if (writing)
        code = errand_run(file->errands, open_once, &opening, &file->left);
    else
        file->left = !guard_run(open_once, &opening, &code);
    if (code == MDB_SUCCESS)
        return opening.result;
    /* LMDB may have been left before it let others lock the file, too. To close any descriptor of it unlocks it. */
    struct error ignored;
    bool unlocked = !file->left || reserve_lock(file, &ignored);
    (void)unlocked;
    usage_fail(file->path, code, "open the usage file", error);
    return USAGE_FILE_FAILED;
}

void usage_file_name(struct usage_file *file, const char *store)
{
    size_t size = strlen(store) + sizeof(".usage");
    *file = (struct usage_file){.path = memory_allocate(size)};
    snprintf(file->path, size, "%s.usage", store);
}

static enum usage_file_result open_in_place(struct usage_file *file, bool writing, int end, struct error *error)
{
    struct stat facts;
    bool there = stat(file->path, &facts) == 0;
    if (!there && errno == ENOENT && !writing)
        return USAGE_FILE_ABSENT;
    if (!reserve_lock(file, error))
        return USAGE_FILE_FAILED;
    /* An empty file is left if its maker was killed at once; LMDB treats it as new. */
    if (there && facts.st_size > 0 && S_ISREG(facts.st_mode) && !usage_check(file->path, end, error))
        return USAGE_FILE_FAILED;
    if (there && facts.st_size == 0 && !writing)
        return USAGE_FILE_ABSENT;
    return open_checked(file, writing, error);
}

enum usage_file_result usage_file_open(struct usage_file *file, const char *store, bool writing, int end,
                                       struct error *error)
{
    struct shared_directory_visit visit;
    usage_file_name(file, store);
    shared_directory_enter(&visit, file->path);
    const enum usage_file_result result = open_in_place(file, writing, end, error);
    if (result == USAGE_FILE_FAILED)
        shared_directory_explain(&visit, file->path, writing, error);
    shared_directory_leave(&visit);
    return result;
}

/* What was left in the middle stays as it is until the process ends: some of LMDB's pointers may lead nowhere. */
static void close_env(struct usage_file *file)
{
    if (file->env != NULL && !file->left)
        guard_close(file->env);
    else if (file->env != NULL)
        memory_abandon(file->env);
    file->env = NULL;
}

bool usage_file_reopen(struct usage_file *file, struct error *error)
{
    close_env(file);
    if (open_checked(file, true, error) == USAGE_FILE_OPEN)
        return true;
    close_env(file);
    return false;
}

static bool has_directory(const struct usage_file *file)
{
    char *directory = memory_string(text_directory(file->path));
    bool there = access(directory, F_OK) == 0;
    free(directory);
    return there;
}

bool usage_file_in_place(const struct usage_file *file)
{
    struct stat opened, there;
    mdb_filehandle_t fd;
    if (file->env == NULL || mdb_env_get_fd(file->env, &fd) != MDB_SUCCESS || fstat(fd, &opened) != 0)
        return true; /* as far as is known */
    if (stat(file->path, &there) != 0)
        return errno != ENOENT || !has_directory(file); /* the file may come back with its directory */
    return opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

void usage_file_put_down(struct usage_file *file)
{
    close_env(file);
    file->made = file->left = false;
}

bool usage_file_make(struct usage_file *file, bool look, int end, struct error *error)
{
    struct stat facts;
    const bool there = !file->made && stat(file->path, &facts) == 0 && (facts.st_size > 0 || !S_ISREG(facts.st_mode));
    if (there && !look)
        return error_set(error, ERROR_FAILED,
                         "%s: a usage file that is there is looked into at a start or a reload only: put it right and "
                         "reload ssoferryd, or move it away, and counting begins anew",
                         file->path);
    if (!reserve_lock(file, error))
        return false;
    file->made = !there;
    const bool checked = !there || !S_ISREG(facts.st_mode) || usage_check(file->path, end, error);
    const bool opened = checked && usage_file_reopen(file, error);
    if (file->left)
        usage_file_put_down(file); /* so that it is not opened again before somebody asks for it */
    return opened;
}

void usage_file_close(struct usage_file *file)
{
    close_env(file);
    errands_free(file->errands);
    free(file->path);
    *file = (struct usage_file){0};
}

int usage_file_begin_read(const struct usage_file *file, MDB_txn **txn)
{
    MDB_envinfo info; /* read where a transaction begins; if that is impossible, nothing is left behind */
    int code = mdb_env_info(file->env, &info) == MDB_SUCCESS ? MDB_MAP_RESIZED : EINVAL;
    for (int tries = 0; tries < FOLLOW_TRIES && code == MDB_MAP_RESIZED; ++tries) {
        code = mdb_txn_begin(file->env, NULL, MDB_RDONLY, txn);
        int followed = code == MDB_MAP_RESIZED ? mdb_env_set_mapsize(file->env, 0) : MDB_SUCCESS;
        if (followed != MDB_SUCCESS)
            return followed;
    }
    return code;
}

int usage_file_find_roots(const struct usage_file *file, MDB_txn *txn)
{
    const MDB_dbi databases[] = {file->hits, file->unknown, file->meta};
    MDB_stat stat;
    int code = MDB_SUCCESS;
    for (size_t i = 0; i < NAMED_DATABASES && code == MDB_SUCCESS; ++i)
        code = mdb_stat(txn, databases[i], &stat);
    return code;
}
