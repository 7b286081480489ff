#include "table_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssoferry/lock_file.h"
#include "ssoferry/memory.h"
#include "ssoferry/seed.h"
#include "ssoferry/shared_directory.h"
#include "store.h"

char *path_beside(const char *path)
{
    static const char suffix[] = ".new-0123456789abcdef";
    const size_t size = strlen(path) + sizeof suffix;
    char *beside = memory_allocate(size);
    uint64_t words[2];
    seed_draw(words);
    snprintf(beside, size, "%s.new-%016" PRIx64, path, words[0]);
    return beside;
}

char *path_parent(const char *path)
{
    return memory_string(text_directory(path));
}

/* Not if it is so already: whoever watches the file would see a change. */
static void give_to_group(int fd)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && (status.st_mode & 07777) != 0660)
        (void)fchmod(fd, 0660);
}

void table_file_share(const char *path, int file, int lock)
{
    if (!shared_directory_has(path))
        return;
    give_to_group(file);
    give_to_group(lock);
}

/* -- looking -- */

static enum table_file unfit(const char *path, struct error *error, const char *why)
{
    error_set(error, ERROR_FAILED, "%s: %s", path, why);
    return TABLE_FILE_UNFIT;
}

/* Called if nothing is at `path`: does its directory exist? */
static enum table_file look_at_parent(const char *path, struct error *error)
{
    struct stat st;
    char *parent = path_parent(path);
    enum table_file found = TABLE_FILE_ABSENT;
    if (stat(parent, &st) != 0 || !S_ISDIR(st.st_mode)) {
        error_set(error, ERROR_FAILED,
                  "%s: the directory %s does not exist: mount its disk or make it (mkdir -p), or name a file elsewhere",
                  path, parent);
        found = TABLE_FILE_UNFIT;
    }
    free(parent);
    return found;
}

enum maker { MAKER_LMDB, MAKER_OTHER_ORDER, MAKER_OTHER };

/* Who wrote the file, judged by its first bytes: LMDB itself checks only after it has made a lock file, and has one
 * error for everything that it does not recognize. An unreadable file is left to LMDB, too. */
static enum maker maker_of(const char *path)
{
    enum { MAGIC_AT = sizeof(size_t) + 8 }; /* after the first page's header: its number, flags and bounds */
    static const uint32_t expected = 0xBEEFC0DE;
    char head[MAGIC_AT + sizeof expected];
    uint32_t magic = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return MAKER_LMDB;
    ssize_t size = pread(fd, head, sizeof head, 0);
    close(fd);
    if (size == (ssize_t)sizeof head)
        memcpy(&magic, head + MAGIC_AT, sizeof magic);
    if (size < 0 || magic == expected)
        return MAKER_LMDB;
    return magic == __builtin_bswap32(expected) ? MAKER_OTHER_ORDER : MAKER_OTHER;
}

static enum table_file look_at_maker(const char *path, struct error *error)
{
    const enum maker maker = maker_of(path);
    if (maker == MAKER_LMDB)
        return TABLE_FILE_THERE;
    if (maker == MAKER_OTHER_ORDER)
        return unfit(path, error,
                     "a processor of the other byte order wrote the table: export it there (ssoferry export), move it "
                     "away, and load the export");
    store_fail(path, MDB_INVALID, "open the table", error);
    return TABLE_FILE_UNFIT;
}

enum table_file table_file_look(const char *path, struct error *error)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return unfit(path, error, "it is a directory: name a file in it");
        if (!S_ISREG(st.st_mode))
            return unfit(path, error, "it is not a regular file: name another");
        if (st.st_size == 0)
            return unfit(path, error, "the file is empty, so it is not a table: remove it, and a load makes a new one");
        return look_at_maker(path, error);
    }
    if (errno == ENOENT && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
        return unfit(path, error, "it is a link to nothing: remove it, or name another file");
    if (errno == ENOENT)
        return look_at_parent(path, error);
    error_set_errno(error, ERROR_FAILED, errno, "%s: cannot be reached: see to its directories", path);
    return TABLE_FILE_UNFIT;
}

/* -- failing -- */

/* By opening it: before Linux 5.8, faccessat() asks for the real user, and the daemon may be another for a while. */
static bool can_open(const char *path, bool writing)
{
    int fd = open(path, (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

bool table_file_fail(const char *path, int code, bool writing, struct error *error)
{
    char *lock = lock_file_name(path);
    char *parent = path_parent(path);
    bool file_good = can_open(path, writing);
    bool lock_there = access(lock, F_OK) == 0;
    if (code != EACCES && code != EPERM)
        store_fail(path, code, "open the table", error);
    else if (!file_good && access(path, F_OK) == 0)
        error_set_errno(error, ERROR_FAILED, code,
                        "%s: cannot open the table for %s: give this user the right, or run as its owner", path,
                        writing ? "writing" : "reading");
    else if (file_good && lock_there)
        error_set_errno(error, ERROR_FAILED, code,
                        "%s: cannot write the lock file, which readers need too: give this user the right", lock);
    else if (file_good)
        error_set_errno(error, ERROR_FAILED, code,
                        "%s: cannot make the lock file, which readers need too: make %s writable for this user", lock,
                        parent);
    else
        error_set_errno(error, ERROR_FAILED, code,
                        "%s: cannot make the table: make %s writable for this user, or name a file elsewhere", path,
                        parent);
    free(parent);
    free(lock);
    return false;
}

/* -- making -- */

int table_file_place(const char *from, const char *to)
{
    /* If the file system cannot rename without replacing, a second link does the same in two steps. */
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    return link(from, to) != 0 || unlink(from) != 0 ? errno : 0;
}

/* Does not allocate: failing for lack of memory would leave a file behind. */
int table_file_settle(const char *path)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%.*s", TEXT_ARGS(text_directory(path)));
    int directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = directory < 0 || fsync(directory) != 0 ? errno : 0;
    if (directory >= 0)
        close(directory);
    return failed == EINVAL ? 0 : failed; /* some file systems cannot fsync directories */
}

static int write_schema(MDB_txn *txn)
{
    static const char *const names[] = {"connections", "revisions", "undo", "meta"};
    MDB_dbi dbi = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int code = mdb_dbi_open(txn, names[i], MDB_CREATE, &dbi);
        if (code != MDB_SUCCESS)
            return code;
    }
    struct table_state state = {0};
    int code = store_schema_write(txn, dbi, TABLE_SCHEMA_OLDEST);
    return code == MDB_SUCCESS ? store_state_write(txn, dbi, &state) : code;
}

/* Fills an empty environment at `path`. Nobody else knows the path, so no lock file is needed. Returns an LMDB code. */
static int make_at(const char *path)
{
    const struct environment_options options = {.flags = MDB_NOLOCK, .databases = 4, .map_size = 1 << 20};
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    int code = environment_open(&env, path, &options);
    if (code != MDB_SUCCESS)
        return code;
    code = mdb_txn_begin(env, NULL, 0, &txn);
    if (code == MDB_SUCCESS) {
        code = write_schema(txn);
        if (code == MDB_SUCCESS)
            code = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    mdb_env_close(env);
    return code;
}

bool table_file_make(const char *path, struct error *error)
{
    char *temporary = path_beside(path);
    int code = make_at(temporary);
    if (code == MDB_SUCCESS) {
        code = table_file_place(temporary, path);
        if (code == EEXIST)
            code = MDB_SUCCESS;
        if (code == MDB_SUCCESS)
            code = table_file_settle(path);
    }
    unlink(temporary);
    free(temporary);
    return code == MDB_SUCCESS || table_file_fail(path, code, true, error);
}
