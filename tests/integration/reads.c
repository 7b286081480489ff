/* For LD_PRELOAD into the loader: counts what it reads of tables, in the file $READS_COUNTED of 8 bytes, which outlives
 * it however it ends. At the read of number $READS_INTERRUPT_AT it gets a SIGINT, as by Ctrl-C. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct MDB_cursor;
struct MDB_txn;
struct MDB_val;
int mdb_cursor_get(struct MDB_cursor *cursor, struct MDB_val *key, struct MDB_val *value, int operation);
int mdb_get(struct MDB_txn *txn, unsigned database, struct MDB_val *key, struct MDB_val *value);

static uint64_t *counted, interrupt_at;

__attribute__((constructor)) static void prepare(void)
{
    const char *path = getenv("READS_COUNTED"), *at = getenv("READS_INTERRUPT_AT");
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || ftruncate(fd, sizeof(*counted)) != 0)
        return;
    void *mapped = mmap(NULL, sizeof(*counted), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    counted = mapped != MAP_FAILED ? mapped : NULL;
    interrupt_at = at != NULL ? strtoull(at, NULL, 10) : 0;
    close(fd);
}

static void count(void)
{
    if (counted != NULL && ++*counted == interrupt_at)
        raise(SIGINT);
}

int mdb_cursor_get(struct MDB_cursor *cursor, struct MDB_val *key, struct MDB_val *value, int operation)
{
    static int (*next)(struct MDB_cursor *, struct MDB_val *, struct MDB_val *, int);
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "mdb_cursor_get");
    count();
    return next(cursor, key, value, operation);
}

int mdb_get(struct MDB_txn *txn, unsigned database, struct MDB_val *key, struct MDB_val *value)
{
    static int (*next)(struct MDB_txn *, unsigned, struct MDB_val *, struct MDB_val *);
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "mdb_get");
    count();
    return next(txn, database, key, value);
}
