/* What a table may be opened on, and what is said where it may not. */
#include "table_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static void refuse(const char *path, enum table_mode mode, const char *start, const char *advice)
{
    struct table *table = NULL;
    struct error error = {0};
    const struct table_options options = {.mode = mode};
    if (table_open(&table, path, &options, &error))
        fail_msg("%s was opened", path);
    assert_int_equal(error.kind, ERROR_FAILED);
    if (strncmp(error.message, start, strlen(start)) != 0 || strstr(error.message, advice) == NULL ||
        strchr(error.message, '\n') != NULL)
        fail_msg("got \"%s\", expected \"%s\" and \"%s\"", error.message, start, advice);
}

static const enum table_mode modes[] = {TABLE_READ, TABLE_SERVE, TABLE_WRITE};

static void nothing_there(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    refuse(path, TABLE_READ, path, "`ssoferry load` makes it");
    assert_int_equal(access(path, F_OK), -1);
    struct table *table = open_table(path, TABLE_SERVE, 0);
    assert_int_equal(find_row(table, "default", "acme"), LOOKUP_NOT_LOADED);
    assert_int_equal(state_of(table).revision, 0);
    assert_string_equal(table_path(table), path);
    table_close(table);
    table = open_table(path, TABLE_READ, 0);
    assert_int_equal(find_row(table, "default", "acme"), LOOKUP_NOT_LOADED);
    table_close(table);
    table_close(NULL);
}

static void serving_does_not_write(void **state)
{
    struct error error = {0};
    struct change *change = NULL;
    struct table *table = open_table(scratch_path(*state, "t.mdb"), TABLE_SERVE, 0);
    assert_false(change_begin(&change, table, &error));
    assert_non_null(strstr(error.message, "opened for reading"));
    table_close(table);
}

static void directories(void **state)
{
    struct scratch *scratch = *state;
    const char *missing = scratch_path(scratch, "missing/t.mdb"), *file = scratch_path(scratch, "file");
    scratch_write(file, "x", 1);
    const char *below_file = scratch_path(scratch, "file/t.mdb");
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        refuse(scratch->directory, modes[i], scratch->directory, "is a directory");
        refuse(missing, modes[i], missing, "missing does not exist: mount its disk or make it");
        refuse(below_file, modes[i], below_file, "Not a directory");
    }
}

static void other_files(void **state)
{
    struct scratch *scratch = *state;
    const char *empty = scratch_path(scratch, "empty"), *words = scratch_path(scratch, "words"),
               *zeros = scratch_path(scratch, "zeros"), *fifo = scratch_path(scratch, "fifo");
    static const char nothing[65536];
    scratch_write(empty, "", 0);
    scratch_write(words, "version: 1\nconnections: {}\n", 27);
    scratch_write(zeros, nothing, sizeof nothing);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        refuse(empty, modes[i], empty, "the file is empty");
        refuse(words, modes[i], words, "it is not a table of ssoferry");
        refuse(zeros, modes[i], zeros, "it is not a table of ssoferry");
        refuse(fifo, modes[i], fifo, "not a regular file");
    }
    const char *link = scratch_path(scratch, "link"), *nothing_behind = scratch_path(scratch, "nothing");
    assert_int_equal(symlink("nothing", link), 0);
    for (size_t i = 0; i < COUNT_OF(modes); i++)
        refuse(link, modes[i], link, "it is a link to nothing: remove it");
    assert_int_equal(access(nothing_behind, F_OK), -1);
    size_t size = 0;
    char *after = scratch_read(words, &size);
    assert_int_equal(size, 27); /* nothing was written to it */
    free(after);
    assert_int_not_equal(access(scratch_path(scratch, "words-lock"), F_OK), 0); /* nor beside it */
    assert_int_not_equal(access(scratch_path(scratch, "zeros-lock"), F_OK), 0);
}

/* Changes a table's file behind its back: each `found` becomes `put`, of the same size. LMDB has no checksums. */
static void patch(const char *path, const void *found, const void *put, size_t length)
{
    size_t size = 0, count = 0;
    char *bytes = scratch_read(path, &size);
    for (char *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), found, length)) != NULL; at += length, count++)
        memcpy(at, put, length);
    assert_true(count > 0);
    scratch_write(path, bytes, size);
    free(bytes);
}

/* LMDB's node: the data's size, flags, the key's size, the key, the data. The sizes are below 256 here. */
#if __BYTE_ORDER == __LITTLE_ENDIAN
#define NODE(data_size, key_size) data_size "\0\0\0\0\0" key_size "\0"
#else
#define NODE(data_size, key_size) "\0\0\0" data_size "\0\0\0" key_size
#endif

static const struct {
    const char *found, *put;
    size_t size;
    const char *message;
} patches[] = {
    {"meta", "mata", 4, "it is not a table of ssoferry"},
    {"connections", "xonnections", 11, "it is not a table of ssoferry"},
    {"undo", "redo", 4, "it is not a table of ssoferry"},
    {"schema\0\0\0\1", "schema\0\0\0\3", 10,
     "schema version 3, and this ssoferry knows up to 2: use a newer ssoferry, or restore a backup from before the "
     "upgrade"},
    {"schema\0\0\0\1", "schema\0\0\0\7", 10,
     "schema version 7, and this ssoferry knows up to 2: use a newer ssoferry, or restore a backup from before the "
     "upgrade"},
    {"schema\0\0\0\1", "schema\0\0\0\0", 10, "the file is damaged"},
    {"schema", "schemo", 6, "it is not a table of ssoferry"},
    {NODE("\4", "\6") "schema", NODE("\1", "\6") "schema", 14, "the file is damaged"},
    {NODE("\50", "\5") "state", NODE("\47", "\5") "state", 13, "the file is damaged"},
    {"state", "stato", 5, "the file is damaged"},
};

static void patched_tables(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    for (size_t i = 0; i < COUNT_OF(patches); i++) {
        table_close(open_table(path, TABLE_WRITE, 0));
        patch(path, patches[i].found, patches[i].put, patches[i].size);
        for (size_t j = 0; j < COUNT_OF(modes); j++)
            refuse(path, modes[j], path, patches[i].message);
        assert_int_equal(unlink(path), 0);
    }
}

static void table_of_the_other_byte_order(void **state)
{
    const uint32_t magic = 0xBEEFC0DE, swapped = __builtin_bswap32(magic); /* LMDB's, in both meta pages */
    const char *path = scratch_path(*state, "t.mdb");
    table_close(open_table(path, TABLE_WRITE, 0));
    patch(path, &magic, &swapped, sizeof magic);
    for (size_t i = 0; i < COUNT_OF(modes); i++)
        refuse(path, modes[i], path, "a processor of the other byte order wrote the table: export it there");
}

/* -- cut files -- */

/* What others do while the library waits, which is for nothing else here. */
struct rest {
    const char *path, *bytes;
    size_t size;
};
static const struct rest *while_asleep;

int nanosleep(const struct timespec *asked, struct timespec *left)
{
    (void)asked;
    (void)left;
    if (while_asleep != NULL)
        scratch_write(while_asleep->path, while_asleep->bytes, while_asleep->size);
    return 0;
}

static void cut_files(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    struct table *table = open_table(path, TABLE_WRITE, 0);
    load_rows(table, 1, 5000, 0);
    table_close(table);
    size_t size = 0;
    char *bytes = scratch_read(path, &size);
    const char *cut = scratch_path(*state, "cut.mdb");
    for (size_t i = 1; i <= 40; i++) {
        scratch_write(cut, bytes, size * i / 41);
        for (size_t j = 0; j < COUNT_OF(modes); j++)
            refuse(cut, modes[j], cut, size * i / 41 < 8192 ? "" : "the file was cut short");
    }
    for (size_t left = 1; left < 8192; left += 97) {
        struct error error = {0};
        const struct table_options options = {.mode = TABLE_READ};
        scratch_write(cut, bytes, left);
        assert_false(table_open(&table, cut, &options, &error));
        assert_non_null(strstr(error.message, cut));
    }
    scratch_write(cut, bytes, size);
    table_close(open_table(cut, TABLE_READ, 0));
    /* A commit that is just ending makes the file longer last of all. */
    const struct rest rest = {cut, bytes, size};
    scratch_write(cut, bytes, size - 4096);
    while_asleep = &rest;
    table_close(open_table(cut, TABLE_READ, 0));
    while_asleep = NULL;
    free(bytes);
}

/* -- rights -- */

/* Runs `test` in a child that is nobody, where the tests run as root: root may do anything. */
static void as_nobody(struct scratch *scratch, void (*test)(struct scratch *scratch))
{
    assert_int_equal(chmod(scratch->directory, 0777), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(3);
        test(scratch);
        exit(0); /* not _exit(): what it ran counts for coverage */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* As refuse(), but ends the child. */
static void expect_refusal(const char *path, enum table_mode mode, const char *start, const char *advice)
{
    struct table *table = NULL;
    struct error error = {0};
    const struct table_options options = {.mode = mode};
    if (!table_open(&table, path, &options, &error) && strncmp(error.message, start, strlen(start)) == 0 &&
        strstr(error.message, advice) != NULL)
        return;
    fprintf(stderr, "got \"%s\", expected \"%s\" and \"%s\"\n", error.message, start, advice);
    _exit(1);
}

static void open_without_rights(struct scratch *scratch)
{
    const char *path = scratch_path(scratch, "t.mdb"), *lock = scratch_path(scratch, "t.mdb-lock");
    chmod(path, 0000);
    expect_refusal(path, TABLE_READ, path, "cannot open the table for reading: give this user the right");
    chmod(path, 0400);
    expect_refusal(path, TABLE_WRITE, path, "cannot open the table for writing: give this user the right");
    chmod(path, 0600);
    chmod(lock, 0400);
    expect_refusal(path, TABLE_READ, lock, "cannot write the lock file, which readers need too");
    expect_refusal(path, TABLE_WRITE, lock, "cannot write the lock file, which readers need too");
    unlink(lock);
    chmod(scratch->directory, 0500);
    expect_refusal(path, TABLE_READ, lock, "cannot make the lock file, which readers need too");
    const char *other = scratch_path(scratch, "other.mdb");
    expect_refusal(other, TABLE_WRITE, other, "writable for this user");
    expect_refusal(other, TABLE_SERVE, other, "writable for this user");
    chmod(scratch->directory, 0000);
    expect_refusal(path, TABLE_READ, path, "Permission denied");
}

static void make_and_open_without_rights(struct scratch *scratch)
{
    /* Everything belongs to the child, so that it may change the rights itself. */
    char own[128];
    snprintf(own, sizeof own, "%s/own", scratch->directory);
    if (mkdir(own, 0700) != 0)
        _exit(4);
    struct scratch *inner = calloc(1, sizeof *inner);
    if (inner == NULL)
        _exit(4);
    inner->directory = own;
    struct table *table = NULL;
    struct error error = {0};
    const struct table_options options = {.mode = TABLE_WRITE};
    if (!table_open(&table, scratch_path(inner, "t.mdb"), &options, &error))
        _exit(5);
    table_close(table);
    open_without_rights(inner);
    chmod(own, 0700);
    free(inner);
}

static void missing_rights(void **state)
{
    as_nobody(*state, make_and_open_without_rights);
}

/* -- address space and sizes of files -- */

/* AddressSanitizer and ThreadSanitizer themselves take terabytes of address space. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static void opened_in_little_address_space(struct scratch *scratch)
{
    /* Room for the smallest map but not for the largest. */
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0)
        _exit(4);
    limit.rlim_cur = (rlim_t)3 << 30;
    struct table *table = NULL;
    struct error error = {0};
    struct table_stat stat;
    const struct table_options options = {.mode = TABLE_WRITE};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        _exit(4);
    if (!table_open(&table, scratch_path(scratch, "t.mdb"), &options, &error) || !table_stat(table, &stat, &error)) {
        fprintf(stderr, "%s\n", error.message);
        _exit(1);
    }
    if (stat.map_size != (uint64_t)1 << 30)
        _exit(6);
    /* Doubling twice is more than there is; the table must live on. */
    if (!table_grow(table, &error) || table_grow(table, &error) || strstr(error.message, "address space") == NULL)
        _exit(7);
    if (!table_stat(table, &stat, &error) || stat.map_size != (uint64_t)2 << 30)
        _exit(8);
    table_close(table);
}

static void little_address_space(void **state)
{
    as_nobody(*state, opened_in_little_address_space);
}
#endif

static void file_size_limited(struct scratch *scratch)
{
    const struct rlimit limit = {256 << 10, 256 << 10};
    signal(SIGXFSZ, SIG_IGN);
    struct error error = {0};
    struct table *table = NULL;
    struct change *change = NULL;
    const char *path = scratch_path(scratch, "t.mdb");
    const struct table_options options = {.mode = TABLE_WRITE};
    char identifier[32];
    if (!table_open(&table, path, &options, &error) || !change_begin(&change, table, &error) ||
        !put_row(change, "default", "kept", 1, &error) || !change_commit(change, &note_load, NULL, &error) ||
        setrlimit(RLIMIT_FSIZE, &limit) != 0 || !change_begin(&change, table, &error))
        _exit(4);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(identifier, sizeof identifier, "row-%06u", i);
        if (!put_row(change, "default", identifier, i, &error))
            _exit(5);
    }
    if (change_commit(change, &note_load, NULL, &error) || strstr(error.message, path) == NULL ||
        strstr(error.message, "File too large: raise the limit") == NULL) {
        fprintf(stderr, "%s\n", error.message);
        _exit(6);
    }
    table_close(table);
    if (!table_open(&table, path, &options, &error) || find_row(table, "default", "kept") != LOOKUP_FOUND ||
        state_of(table).revision != 1 || state_of(table).rows[CONNECTION_STYTCH] != 1)
        _exit(7);
    table_close(table);
}

static void disk_too_small(void **state)
{
    as_nobody(*state, file_size_limited);
}

static bool full;

/* On a disk that has no room for anything, if asked to be. */
int fallocate(int fd, int mode, off_t at, off_t size)
{
    if (!full)
        return (int)syscall(SYS_fallocate, fd, mode, at, size);
    errno = ENOSPC;
    return -1;
}

/* The disk keeps room for all of the lock file: LMDB writes into it by way of memory, where a full disk is SIGBUS. */
static void lock_without_holes(void **state)
{
    struct stat status;
    const bool shown = scratch_shows_room(*state);
    const char *path = scratch_path(*state, "t.mdb"), *lock = scratch_path(*state, "t.mdb-lock");
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        table_close(open_table(path, TABLE_WRITE, 0));
        assert_int_equal(unlink(lock), 0);
        table_close(open_table(path, modes[i], 0));
        assert_int_equal(stat(lock, &status), 0);
        assert_true(status.st_size > 0 && (!shown || status.st_blocks * 512 >= status.st_size));
    }
}

/* A disk that shows no room, and gives none, refuses nobody whose lock file can be written. */
static void lock_on_a_full_disk(void **state)
{
    struct stat status;
    const char *path = scratch_path(*state, "t.mdb"), *lock = scratch_path(*state, "t.mdb-lock");
    table_close(open_table(path, TABLE_WRITE, 0));
    assert_int_equal(stat(lock, &status), 0);
    assert_int_equal(truncate(lock, 0), 0);
    full = true;
    for (size_t i = 0; i < COUNT_OF(modes); i++)
        refuse(path, modes[i], path, "the disk is full: free some space");
    assert_int_equal(truncate(lock, status.st_size), 0);              /* a hole, which has room in truth */
    const bool can_tell = madvise(NULL, 0, MADV_POPULATE_WRITE) == 0; /* not before Linux 5.14 */
    for (size_t i = 0; can_tell && i < COUNT_OF(modes); i++)
        table_close(open_table(path, modes[i], 0));
    full = false;
}

static void making_leaves_nothing_behind(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    table_close(open_table(path, TABLE_SERVE, 0));
    assert_int_equal(scratch_count(path, ".new-*"), 0);
}

static const char *made_meanwhile; /* a table that is made when another one is about to be put in its place */

/* In libc's place. */
int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
    const char *path = made_meanwhile;
    made_meanwhile = NULL;
    if (path != NULL)
        table_close(open_table(path, TABLE_WRITE, 0));
    return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
}

/* As in two containers, where both programs may be number 1. */
static void made_by_two_of_the_same_number(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    made_meanwhile = path;
    table_close(open_table(path, TABLE_WRITE, 0));
    assert_null(made_meanwhile);
    assert_int_equal(scratch_count(path, ".new-*"), 0);
}

static void made_by_two_at_once(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    pid_t children[8];
    for (size_t i = 0; i < COUNT_OF(children); i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            struct table *table = NULL;
            struct error error;
            const struct table_options options = {.mode = modes[1 + i % 2]};
            _exit(table_open(&table, path, &options, &error) ? 0 : 1);
        }
    }
    for (size_t i = 0; i < COUNT_OF(children); i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    struct table *table = open_table(path, TABLE_READ, 0);
    assert_int_equal(state_of(table).revision, 0);
    table_close(table);
}

/* -- names -- */

static void replaced_and_deleted(void **state)
{
    const char *path = scratch_path(*state, "t.mdb"), *other = scratch_path(*state, "other.mdb");
    struct table *table = open_table(path, TABLE_SERVE, 0);
    assert_int_equal(table_place(table), TABLE_IN_PLACE);
    table_close(open_table(other, TABLE_WRITE, 0));
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(table_place(table), TABLE_FILLED); /* the open one was never loaded */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(table_place(table), TABLE_GONE);
    scratch_write(path, "no table", 8);
    assert_int_equal(table_place(table), TABLE_REPLACED);
    table_close(table);
}

/* Who may write in the directory is not to have others write elsewhere. */
static void a_lock_file_that_is_a_link(void **state)
{
    const char *path = scratch_path(*state, "t.mdb"), *lock = scratch_path(*state, "t.mdb-lock");
    const char *victim = scratch_path(*state, "victim");
    struct stat st;
    table_close(open_table(path, TABLE_WRITE, 0));
    scratch_write(victim, "x", 1);
    assert_int_equal(chmod(victim, 0600) | unlink(lock) | symlink("victim", lock), 0);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        refuse(path, modes[i], path, "its -lock file is a link: remove the link; see who made it");
    assert_int_equal(stat(victim, &st), 0);
    assert_true(st.st_size == 1 && (st.st_mode & 0777) == 0600);
}

static void a_lock_file_that_is_deleted(void **state)
{
    const char *path = scratch_path(*state, "t.mdb"), *lock = scratch_path(*state, "t.mdb-lock");
    const char *away = scratch_path(*state, "away");
    struct table *table = open_table(path, TABLE_SERVE, 0);
    assert_int_equal(rename(lock, away), 0);
    assert_int_equal(table_place(table), TABLE_LOCK_GONE);
    table_close(open_table(path, TABLE_WRITE, 0));
    assert_int_equal(table_place(table), TABLE_LOCK_NEW);
    assert_int_equal(rename(away, lock), 0);
    assert_int_equal(table_place(table), TABLE_IN_PLACE);
    table_close(table);
}

/* A process that has the table at `path` open until *ending is closed. */
static pid_t start_holder(const char *path, int *ending)
{
    int ready[2], end[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(end), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct table *table = NULL;
        struct error error;
        const struct table_options options = {.mode = TABLE_SERVE};
        close(end[1]);
        if (!table_open(&table, path, &options, &error) || write(ready[1], "x", 1) != 1)
            _exit(1);
        (void)!read(end[0], &byte, 1);
        table_close(table);
        _exit(0);
    }
    close(end[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *ending = end[1];
    return child;
}

static void end_holder(pid_t child, int ending)
{
    int status = 0;
    close(ending);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static ino_t inode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_ino;
}

/* Two tables, of which `other` has the higher inode, or the lower. */
static void make_two(struct scratch *scratch, const char *path, const char *other, bool higher)
{
    const char *third = scratch_path(scratch, "third.mdb");
    table_close(open_table(path, TABLE_WRITE, 0));
    table_close(open_table(other, TABLE_WRITE, 0));
    if ((inode_of(other) > inode_of(path)) == higher)
        return;
    assert_int_equal(rename(path, third), 0);
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(rename(third, other), 0);
}

/* Whichever of its two newest transactions LMDB would take for the newest by the former file's lock. */
static void put_in_place_of_an_open_one(void **state)
{
    const char *path = scratch_path(*state, "t.mdb"), *other = scratch_path(*state, "other.mdb"),
               *moved = scratch_path(*state, "moved.mdb");
    for (unsigned revisions = 1; revisions <= 2; revisions++) {
        int ending = -1;
        make_two(*state, path, other, revisions == 1);
        struct table *table = open_table(other, TABLE_WRITE, 0);
        for (unsigned i = 1; i <= revisions; i++)
            load_rows(table, i, i, 0);
        table_close(table);
        pid_t holder = start_holder(path, &ending);
        assert_int_equal(rename(path, moved), 0);
        for (size_t i = 0; i < COUNT_OF(modes); i++)
            refuse(path, modes[i], path, "the file that stood here is gone, and process");
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(rename(other, path), 0);
        for (size_t i = 0; i < COUNT_OF(modes); i++)
            refuse(path, modes[i], path, "another file stood here, and process");
        end_holder(holder, ending);
        table = open_table(path, TABLE_WRITE, 0);
        assert_int_equal(state_of(table).revision, revisions);
        table_close(table);
        assert_int_equal(unlink(path), 0);
    }
}

/* As `cp` does, at a time of its own: the clock of files is coarse. */
static void write_over(const char *path, const char *other, unsigned at)
{
    size_t size = 0;
    char *bytes = scratch_read(other, &size);
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = at}};
    scratch_write(path, bytes, size);
    free(bytes);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* A table of row 1 with as many revisions, the last of which says `last`. */
static void make_revisions(const char *path, unsigned revisions, unsigned last)
{
    struct table *table = open_table(path, TABLE_WRITE, 0);
    for (unsigned i = 1; i <= revisions; i++)
        load_rows(table, 1, 1, i < revisions ? last + i : last);
    table_close(table);
}

static void expect_row(struct lookup *lookup, unsigned number)
{
    struct connection_buffer found;
    struct error error;
    char digits[9];
    snprintf(digits, sizeof digits, "%08x", number + 1);
    assert_int_equal(lookup_find(lookup, TEXT("default"), TEXT("row-000001"), &found, &error), LOOKUP_FOUND);
    assert_memory_equal(found.row.connection_id.at + found.row.connection_id.size - 8, digits, 8);
}

/* Of more transactions or fewer, odd or even: LMDB would take one of the two newest for the newest. */
static void written_over_while_open(void **state)
{
    enum { REVISIONS = 4 };
    const char *path = scratch_path(*state, "t.mdb"), *other = scratch_path(*state, "other.mdb");
    for (unsigned revisions = 1; revisions <= 2 * REVISIONS; revisions++) {
        struct error error = {0};
        struct lookup *lookup = NULL;
        int ending = -1;
        if (revisions == REVISIONS || revisions == REVISIONS + 1)
            continue; /* as many, which is another test, or one more, which nothing tells from a change */
        make_revisions(path, REVISIONS, 1);
        make_revisions(other, revisions, 2);
        struct table *table = open_table(path, TABLE_SERVE, 0);
        assert_done(lookup_open(&lookup, table, &error));
        pid_t holder = start_holder(path, &ending);
        assert_int_equal(table_place(table), TABLE_IN_PLACE);
        write_over(path, other, revisions);
        assert_int_equal(table_place(table), TABLE_IN_PLACE); /* seen once */
        assert_int_equal(table_place(table), TABLE_WRITTEN_OVER);
        end_holder(holder, ending);
        assert_int_equal(table_place(table), TABLE_IN_PLACE);
        assert_int_equal(table_place(table), TABLE_WRITTEN_ANEW);
        lookup_close(lookup);
        table_close(table);
        table = open_table(path, TABLE_SERVE, 0);
        assert_done(lookup_open(&lookup, table, &error));
        expect_row(lookup, 2);
        lookup_close(lookup);
        table_close(table);
        assert_int_equal(unlink(path) | unlink(other), 0);
    }
}

/* What is remembered is remembered by the number of the transaction. */
static void written_over_by_as_many_transactions(void **state)
{
    const char *path = scratch_path(*state, "t.mdb"), *other = scratch_path(*state, "other.mdb");
    struct error error = {0};
    struct lookup *lookup = NULL;
    make_revisions(path, 3, 1);
    make_revisions(other, 3, 2);
    struct table *table = open_table(path, TABLE_SERVE, 0);
    assert_done(lookup_open(&lookup, table, &error));
    assert_int_equal(table_place(table), TABLE_IN_PLACE);
    for (int i = 0; i < 3; i++)
        expect_row(lookup, 1);
    write_over(path, other, 1);
    assert_int_equal(table_place(table), TABLE_IN_PLACE);
    for (int i = 0; i < 3; i++)
        expect_row(lookup, 2);
    lookup_close(lookup);
    table_close(table);
}

static void cut_short_while_open(void **state)
{
    const char *path = scratch_path(*state, "t.mdb"), *other = scratch_path(*state, "other.mdb");
    const char nothing[8192] = {0};
    struct error error = {0};
    struct lookup *lookup = NULL;
    make_revisions(path, 3, 1);
    struct table *table = open_table(path, TABLE_SERVE, 0);
    write_over(other, path, 1);
    assert_done(lookup_open(&lookup, table, &error));
    for (unsigned i = 0; i < 3; i++) {
        if (i < 2)
            assert_int_equal(truncate(path, i * 4096), 0);
        else
            scratch_write(path, nothing, sizeof nothing);
        assert_int_equal(table_place(table), TABLE_IN_PLACE);
        assert_int_equal(table_place(table), TABLE_NOT_WHOLE);
        write_over(path, other, i);
        assert_int_equal(table_place(table), TABLE_IN_PLACE);
        expect_row(lookup, 1);
    }
    lookup_close(lookup);
    table_close(table);
}

/* The former file back under its name is as good as before. */
static void put_back(void **state)
{
    int ending = -1;
    const char *path = scratch_path(*state, "t.mdb"), *moved = scratch_path(*state, "moved.mdb");
    pid_t holder = start_holder(path, &ending);
    assert_int_equal(rename(path, moved), 0);
    refuse(path, TABLE_WRITE, path, "put it back");
    assert_int_equal(rename(moved, path), 0);
    struct table *table = open_table(path, TABLE_WRITE, 0);
    assert_int_equal(load_rows(table, 1, 1, 0), 1);
    table_close(table);
    end_holder(holder, ending);
}

/* A network file system has flock() as a lock of all bytes of the file, so another lock there would stand in the way of
 * every writer. */
static void the_file_itself_is_unlocked(void **state)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const char *path = scratch_path(*state, "t.mdb");
    struct table *table = open_table(path, TABLE_WRITE, 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_OFD_GETLK, &lock), 0);
    assert_int_equal(lock.l_type, F_UNLCK);
    close(fd);
    table_close(table);
}

static void written_over(void **state)
{
    int ending = -1;
    size_t size = 0;
    const char *path = scratch_path(*state, "t.mdb"), *other = scratch_path(*state, "other.mdb");
    struct table *table = open_table(other, TABLE_WRITE, 0);
    for (unsigned i = 1; i <= 4; i++)
        load_rows(table, i, i, 0);
    table_close(table);
    pid_t holder = start_holder(path, &ending);
    char *bytes = scratch_read(other, &size);
    scratch_write(path, bytes, size);
    free(bytes);
    for (size_t i = 0; i < COUNT_OF(modes); i++)
        refuse(path, modes[i], path, "the file was written over while a program had it open");
    end_holder(holder, ending);
    table = open_table(path, TABLE_READ, 0);
    assert_int_equal(state_of(table).revision, 4);
    table_close(table);
}

static void open_by_a_bare_name(struct scratch *scratch)
{
    struct table *table = NULL;
    struct error error = {0};
    const struct table_options options = {.mode = TABLE_WRITE};
    if (chdir(scratch->directory) != 0 || !table_open(&table, "t.mdb", &options, &error))
        _exit(1);
    table_close(table);
    if (access(scratch_path(scratch, "t.mdb"), F_OK) != 0)
        _exit(2);
}

static void bare_names(void **state)
{
    as_nobody(*state, open_by_a_bare_name);
}

static mode_t rights_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

/* A directory that hands on its group says that the group shares what is in it, whatever the umask. */
static void shared_directories(void **state)
{
    struct scratch *scratch = *state;
    const char *shared = scratch_path(scratch, "shared.mdb"), *own = scratch_path(scratch, "own.mdb");
    mode_t before = umask(0077);
    table_close(open_table(own, TABLE_WRITE, 0));
    assert_int_equal(chmod(scratch->directory, 02770), 0);
    table_close(open_table(shared, TABLE_WRITE, 0));
    umask(before);
    assert_int_equal(rights_of(own), 0600);
    assert_int_equal(rights_of(shared), 0660);
    assert_int_equal(rights_of(scratch_path(scratch, "shared.mdb-lock")), 0660);
}

/* In one of another user's, whatever comes of it: test_sharing.py has what root must not do there. */
static void root_stays_root(void **state)
{
    struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "t.mdb"), *folder = scratch_path(scratch, "folder.mdb");
    struct stat status;
    if (geteuid() != 0)
        skip();
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(chown(scratch->directory, 65534, 65534), 0);
    assert_int_equal(chmod(scratch->directory, 02770), 0);
    table_close(open_table(path, TABLE_WRITE, 0));
    assert_int_equal(setfsuid((uid_t)-1), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_uid == 65534 && status.st_gid == 65534);
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        refuse(folder, modes[i], folder, "it is a directory");
        assert_int_equal(setfsuid((uid_t)-1), 0);
        assert_int_equal(setfsgid((gid_t)-1), getegid());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(nothing_there),
        scratch_test(serving_does_not_write),
        scratch_test(directories),
        scratch_test(other_files),
        scratch_test(patched_tables),
        scratch_test(table_of_the_other_byte_order),
        scratch_test(cut_files),
        scratch_test(missing_rights),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        scratch_test(little_address_space),
#endif
        scratch_test(disk_too_small),
        scratch_test(lock_without_holes),
        scratch_test(lock_on_a_full_disk),
        scratch_test(making_leaves_nothing_behind),
        scratch_test(made_by_two_of_the_same_number),
        scratch_test(made_by_two_at_once),
        scratch_test(replaced_and_deleted),
        scratch_test(a_lock_file_that_is_a_link),
        scratch_test(a_lock_file_that_is_deleted),
        scratch_test(put_in_place_of_an_open_one),
        scratch_test(written_over_while_open),
        scratch_test(written_over_by_as_many_transactions),
        scratch_test(cut_short_while_open),
        scratch_test(put_back),
        scratch_test(the_file_itself_is_unlocked),
        scratch_test(written_over),
        scratch_test(bare_names),
        scratch_test(shared_directories),
        scratch_test(root_stays_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
