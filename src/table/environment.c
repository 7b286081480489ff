#include "ssoferry/environment.h"

#include <errno.h>

static const uint64_t map_sizes[] = {64ull << 30, 16ull << 30, 4ull << 30, 1ull << 30};
enum { MAP_SIZES = sizeof map_sizes / sizeof map_sizes[0] };

/* Makes one attempt, with a map of `size` bytes. */
static int open_once(MDB_env **opened, const char *path, const struct environment_options *options, uint64_t size)
{
    MDB_env *env = NULL;
    int code = mdb_env_create(&env);
    if (code != MDB_SUCCESS)
        return code;
    if ((code = mdb_env_set_maxdbs(env, options->databases)) == MDB_SUCCESS &&
        (options->readers == 0 || (code = mdb_env_set_maxreaders(env, options->readers)) == MDB_SUCCESS) &&
        (code = mdb_env_set_mapsize(env, size)) == MDB_SUCCESS &&
        (code = mdb_env_open(env, path, MDB_NOSUBDIR | options->flags, 0660)) == MDB_SUCCESS) {
        *opened = env;
        return MDB_SUCCESS;
    }
    mdb_env_close(env);
    return code;
}

int environment_open(MDB_env **env, const char *path, const struct environment_options *options)
{
    if (options->map_size > 0)
        return open_once(env, path, options, options->map_size);
    int code = ENOMEM; /* valgrind reports a map that is too large as EINVAL */
    for (size_t i = 0; i < MAP_SIZES && (code == ENOMEM || code == EINVAL); i++)
        code = open_once(env, path, options, map_sizes[i]);
    return code;
}

bool environment_fail(const struct environment_cause *causes, size_t count, const char *path, int code,
                      const char *doing, struct error *error)
{
    enum error_kind kind = code == MDB_MAP_FULL ? ERROR_MAP_FULL : ERROR_FAILED;
    for (size_t i = 0; i < count; i++) {
        if (causes[i].code == code)
            return error_set(error, kind, "%s: cannot %s: %s: %s", path, doing,
                             causes[i].cause != NULL ? causes[i].cause : mdb_strerror(code), causes[i].advice);
    }
    return error_set(error, kind, "%s: cannot %s: %s", path, doing, mdb_strerror(code));
}
