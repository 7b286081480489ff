/* A walk reads every page, those of customers who never come, too. LMDB ends the program where a page cannot be one, as
 * after a disk lost what it was given; and a daemon that looks its rows through is not to end by that, again at each
 * start, while nearly all of its sign-ins could go on. So the walk is left from within LMDB. It may be, since reading
 * takes no lock there, and leaves nothing behind but the cursor, which snapshot_detach() frees. */
#include "walk.h"

/* LMDB ends the program where this returns. */
static void on_assert(MDB_env *env, const char *message)
{
    struct table *table = mdb_env_get_userctx(env);
    (void)message;
    if (atomic_load(&table->walking) && pthread_equal(table->walker, pthread_self()))
        longjmp(table->walk_end, 1);
}

int walk_prepare(struct table *table)
{
    int code = mdb_env_set_userctx(table->env, table);
    return code == MDB_SUCCESS ? mdb_env_set_assert(table->env, on_assert) : code;
}

/* What else a damaged page may give: sizes past all limits, whose bytes may lie behind the file's end; and keys that do
 * not ascend, which would lead round in a circle. */
static bool is_row(struct table_row row, const struct lookup_walk *walk)
{
    return row.key.size > 0 && row.key.size <= sizeof walk->key && row.record.size <= CONNECTION_RECORD_SIZE_MAX &&
           text_compare(row.key, text_slice(walk->key, walk->key_size)) > 0;
}

static enum lookup_result show(struct snapshot *snapshot, struct lookup_walk *walk, size_t most,
                               void (*visit)(void *context, struct table_row row), void *context, struct error *error)
{
    struct table_row row;
    enum lookup_result result = LOOKUP_FOUND;
    snapshot_seek(snapshot, text_slice(walk->key, walk->key_size));
    for (size_t shown = 0; shown < most && (result = snapshot_next(snapshot, &row, error)) == LOOKUP_FOUND;) {
        if (text_equal(row.key, text_slice(walk->key, walk->key_size)))
            continue; /* it was the last one of the call before */
        if (!is_row(row, walk)) {
            store_fail(snapshot->table->path, MDB_CORRUPTED, "read", error);
            return LOOKUP_FAILED;
        }
        visit(context, row);
        walk->key_size = row.key.size;
        memcpy(walk->key, row.key.at, row.key.size);
        ++shown;
    }
    return result;
}

enum lookup_result walk_show(struct snapshot *snapshot, struct lookup_walk *walk, size_t most,
                             void (*visit)(void *context, struct table_row row), void *context, struct error *error)
{
    struct table *table = snapshot->table;
    if (setjmp(table->walk_end) != 0) {
        atomic_store(&table->walking, false);
        store_fail(table->path, MDB_CORRUPTED, "read", error);
        return LOOKUP_FAILED;
    }
    table->walker = pthread_self();
    atomic_store(&table->walking, true);
    enum lookup_result result = show(snapshot, walk, most, visit, context, error);
    atomic_store(&table->walking, false);
    return result;
}
