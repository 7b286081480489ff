/* For LD_PRELOAD into the loader: a table's map begins as small as its file allows, so that the next change finds it
 * full. */
#include <dlfcn.h>
#include <stddef.h>

enum { SMALL = 1 << 30 }; /* no map of a table is smaller at first */

struct MDB_env;
int mdb_env_set_mapsize(struct MDB_env *env, size_t size);

int mdb_env_set_mapsize(struct MDB_env *env, size_t size)
{
    int (*next)(struct MDB_env *, size_t) = (int (*)(struct MDB_env *, size_t))dlsym(RTLD_NEXT, "mdb_env_set_mapsize");
    return next(env, size >= SMALL ? 1 : size);
}
