/* The usage file among kills, damage, other writers and a full disk. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "usage_fixture.h"

static void pause_us(long us)
{
    const struct timespec time = {us / 1000000, us % 1000000 * 1000L};
    nanosleep(&time, NULL);
}

static const char *usage_path(struct scratch *scratch)
{
    return scratch_path(scratch, "store.usage");
}

/* -- kill -9 -- */

enum { KILLS = 12, ROUND_NAMES = 50 };

/* Each round counts each name once and is written as a whole when it is closed; then a byte says so. */
static void count_rounds(const char *store, int pipe_end)
{
    for (;;) {
        struct usage *usage = NULL;
        struct error error;
        if (!usage_open(&usage, store, 1, NOON, -1, &error))
            _exit(1);
        for (int i = 0; i < ROUND_NAMES; ++i) {
            char name[16];
            snprintf(name, sizeof(name), "row-%d", i);
            count(usage, name, USAGE_STYTCH, NOON);
            count_unknown(usage, name, NOON);
        }
        usage_close(usage);
        if (write(pipe_end, "", 1) != 1)
            _exit(1);
    }
}

/* Lets a child count for a while, kills it, and returns how many rounds it had said were written. */
static uint64_t count_and_be_killed(const char *store, long after_us)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        count_rounds(store, ends[1]);
    close(ends[1]);
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 1); /* not killed before it has begun */
    pause_us(after_us);
    kill(child, SIGKILL);
    uint64_t rounds = 1;
    while (read(ends[0], &byte, 1) == 1)
        ++rounds;
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return rounds;
}

static void a_kill_leaves_whole_flushes_and_loses_none(void **state)
{
    const char *store = scratch_path(*state, "store");
    uint64_t said = 0, random = 88172645463325252u;
    for (int i = 0; i < KILLS; ++i) {
        said += count_and_be_killed(store, random_below(&random, 20000));
        struct usage_reader *reader = open_reader(store, NOON);
        uint64_t written = assert_totals_agree(reader) / ROUND_NAMES;
        assert_in_range(written, said, said + (uint64_t)i + 1); /* the byte of a round may be missing */
        assert_int_equal(usage_reader_totals(reader)->unknown_hits, written * ROUND_NAMES);
        for (int k = 0; k < ROUND_NAMES; ++k) {
            char name[16];
            struct usage_row row;
            snprintf(name, sizeof(name), "row-%d", k);
            assert_true(find_usage(reader, name, &row));
            assert_int_equal(sum_of(row.hits), written);
            assert_int_equal(find_unknown(reader, name)->hits, written);
        }
        usage_reader_close(reader);
    }
}

static bool is_written(const char *store, const char *identifier)
{
    struct usage_reader *reader = NULL;
    struct usage_row row;
    struct error error = {0};
    assert_done(usage_reader_open(&reader, store, NOON, &error));
    bool found = reader != NULL && find_usage(reader, identifier, &row);
    usage_reader_close(reader);
    return found;
}

/* Without a restart: the flushing thread writes by itself, another process reads it, and then a kill takes nothing. */
static void what_was_flushed_is_there_after_a_kill(void **state)
{
    const char *store = scratch_path(*state, "store");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct usage *usage = NULL;
        struct error error;
        if (!usage_open(&usage, store, 1, NOON, -1, &error))
            _exit(1);
        count(usage, "acme", USAGE_STYTCH, NOON);
        for (;; pause_us(20000))
            usage_tick(usage_lane(usage, 0));
    }
    bool written = false;
    for (int i = 0; i < 300 && !written; ++i) {
        pause_us(100000);
        written = is_written(store, "acme");
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(written);
    usage_close(open_usage(store, 1, NOON));
    assert_true(is_written(store, "acme"));
}

/* -- several processes -- */

enum { WRITERS = 3, WRITER_ROUNDS = 8, WRITER_HITS = 100 };

static void write_along(const char *store)
{
    for (int round = 0; round < WRITER_ROUNDS; ++round) {
        struct usage *usage = NULL;
        struct error error;
        if (!usage_open(&usage, store, 1, NOON, -1, &error))
            _exit(1);
        for (int i = 0; i < WRITER_HITS; ++i) {
            count(usage, "acme", USAGE_STYTCH, NOON);
            count_unknown(usage, "acmee", NOON);
        }
        usage_close(usage);
    }
    _exit(0);
}

static void several_writers_all_count(void **state)
{
    const char *store = scratch_path(*state, "store");
    pid_t children[WRITERS];
    for (int i = 0; i < WRITERS; ++i) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            write_along(store);
    }
    for (int i = 0; i < WRITERS; ++i) {
        int status = 1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    struct usage_reader *reader = open_reader(store, NOON);
    struct usage_row row;
    assert_true(find_usage(reader, "acme", &row));
    assert_int_equal(row.hits[USAGE_STYTCH], WRITERS * WRITER_ROUNDS * WRITER_HITS);
    assert_int_equal(find_unknown(reader, "acmee")->hits, WRITERS * WRITER_ROUNDS * WRITER_HITS);
    usage_reader_close(reader);
}

/* -- damage -- */

enum { PAGE = 4096, ROWS = 3000 };

static void make_usage(const char *store)
{
    struct usage *usage = open_usage(store, 1, NOON);
    for (int i = 0; i < ROWS; ++i) {
        char name[32];
        snprintf(name, sizeof(name), "customer-%d", i);
        count(usage, name, USAGE_STYTCH, NOON);
        count_unknown(usage, name, NOON);
    }
    usage_close(usage);
}

static bool opens(const char *store, struct error *error)
{
    struct usage *usage = NULL;
    bool good = usage_open(&usage, store, 1, NOON, -1, error);
    if (good) {
        count(usage, "customer-1", USAGE_STYTCH, NOON);
        usage_close(usage);
    }
    return good;
}

static bool can_be_read(const char *store, struct error *error)
{
    struct usage_reader *reader = NULL;
    bool good = usage_reader_open(&reader, store, NOON, error);
    usage_reader_close(reader);
    return good;
}

/* Neither may end the process; where they fail they say so with the path. */
static void assert_refused(const char *store, const char *word)
{
    struct error error = {0};
    assert_false(opens(store, &error));
    if (strstr(error.message, "store.usage") == NULL || strstr(error.message, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, word);
    error.message[0] = '\0';
    assert_false(can_be_read(store, &error));
    if (strstr(error.message, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, word);
}

static void what_is_no_usage_file_is_refused(void **state)
{
    const char *store = scratch_path(*state, "store");
    char text[3 * PAGE];
    memset(text, 'x', sizeof(text));
    scratch_write(usage_path(*state), text, sizeof(text));
    assert_refused(store, "not a usage file");
    assert_int_equal(unlink(usage_path(*state)), 0);
    assert_int_equal(mkdir(usage_path(*state), 0700), 0);
    assert_refused(store, "directory");
    assert_int_equal(rmdir(usage_path(*state)), 0);
    /* What a kill in the moment of making leaves. */
    scratch_write(usage_path(*state), "", 0);
    struct error error = {0};
    assert_done(can_be_read(store, &error));
    assert_done(opens(store, &error));
}

static void a_missing_directory_is_said(void **state)
{
    const char *store = scratch_path(*state, "none/store");
    struct error error = {0};
    assert_false(opens(store, &error));
    assert_non_null(strstr(error.message, "No such file or directory"));
}

/* It is made once that can be, with what was counted until then; one that lies there unchecked is left alone. */
static void a_file_is_awaited(void **state)
{
    const char *store = scratch_path(*state, "later/store");
    struct error error = {0};
    struct usage *usage = NULL;
    struct usage_reader *reader = NULL;
    assert_done(usage_await(&usage, store, 1, NOON, &error));
    count(usage, "acme", USAGE_STYTCH, NOON);
    assert_false(usage_is_open(usage));
    assert_true(usage_failing(usage, &error) && strstr(error.message, "later/store.usage") != NULL);
    assert_done(usage_reader_open_live(&reader, usage, NOON, &error));
    assert_null(reader);
    assert_int_equal(mkdir(scratch_path(*state, "later"), 0700), 0);
    usage_close(usage);
    assert_true(is_written(store, "acme"));

    make_usage(scratch_path(*state, "store"));
    assert_done(usage_await(&usage, scratch_path(*state, "store"), 1, NOON, &error));
    count(usage, "acme", USAGE_STYTCH, NOON);
    assert_false(usage_finish(usage, &error));
    assert_non_null(strstr(error.message, "reload ssoferryd, or move it away"));
    usage_close(usage);
    assert_done(usage_await(&usage, scratch_path(*state, "store"), 1, NOON, &error));
    assert_true(usage_failing(usage, &error));
    assert_true(usage_finish(usage, &error)); /* nothing was counted, so nothing is lost */
    usage_close(usage);

    assert_done(usage_await(&usage, scratch_path(*state, "store"), 1, NOON, &error));
    count(usage, "hooli", USAGE_STYTCH, NOON);
    assert_int_equal(rename(usage_path(*state), scratch_path(*state, "away")), 0);
    usage_close(usage);
    assert_true(is_written(scratch_path(*state, "store"), "hooli"));
}

/* Once it is asked for, and told once where it was in vain. */
static void an_awaited_file_is_looked_into_again(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct error error = {0};
    struct usage *usage = NULL;
    size_t size = 0;
    make_usage(store);
    assert_int_equal(rename(usage_path(*state), scratch_path(*state, "good")), 0);
    char *bytes = scratch_read(scratch_path(*state, "good"), &size);
    memset(bytes + size / 2, 0xff, size - size / 2);
    scratch_write(usage_path(*state), bytes, size);
    free(bytes);

    assert_done(usage_await(&usage, store, 1, NOON, &error));
    count(usage, "acme", USAGE_STYTCH, NOON);
    usage_look_again(usage);
    while (!usage_was_refused(usage, &error))
        pause_us(1000);
    assert_non_null(strstr(error.message, "damaged"));
    assert_false(usage_was_refused(usage, &error));
    assert_false(usage_is_open(usage));

    assert_int_equal(rename(scratch_path(*state, "good"), usage_path(*state)), 0);
    usage_look_again(usage);
    while (!usage_is_open(usage))
        pause_us(1000);
    assert_false(usage_was_refused(usage, &error));
    usage_close(usage);
    assert_true(is_written(store, "acme"));
    assert_true(is_written(store, "customer-1"));
}

static void a_file_that_was_cut_is_refused(void **state)
{
    const char *store = scratch_path(*state, "store");
    make_usage(store);
    struct stat facts;
    assert_int_equal(stat(usage_path(*state), &facts), 0);
    assert_int_equal(truncate(usage_path(*state), facts.st_size / 2), 0);
    assert_refused(store, "damaged");
}

static void a_newer_schema_is_refused(void **state)
{
    static const char schema[] = "schema\0\0\0\1";
    const char *store = scratch_path(*state, "store");
    make_usage(store);
    size_t size = 0, patched = 0;
    char *bytes = scratch_read(usage_path(*state), &size);
    for (size_t i = 0; i + sizeof(schema) <= size; ++i) {
        if (memcmp(bytes + i, schema, sizeof(schema) - 1) == 0) {
            bytes[i + sizeof(schema) - 2] = 2;
            ++patched;
        }
    }
    assert_true(patched > 0);
    scratch_write(usage_path(*state), bytes, size);
    free(bytes);
    assert_refused(store, "newer");
}

/* Writes `size` bytes of `fill` (256: of chance) over the file, from `from` on. */
static void overwrite(const char *path, size_t from, size_t size, int fill, uint64_t *random)
{
    char bytes[PAGE];
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t i = 0; i < size; ++i)
        bytes[i] = (char)(fill < 256 ? (unsigned)fill : random_below(random, 256));
    assert_int_equal(pwrite(fd, bytes, size, (off_t)from), size);
    close(fd);
}

static void garbage_ends_no_process(void **state)
{
    static const struct {
        int fill;
        size_t size;
    } kinds[] = {{0, PAGE}, {255, PAGE}, {256, PAGE}, {256, 16}, {256, 1}, {0, 64}};
    const char *store = scratch_path(*state, "store"), *path = usage_path(*state);
    uint64_t random = 88172645463325252u;
    size_t size = 0, refused = 0, tried = 0;
    make_usage(store);
    char *good = scratch_read(path, &size);
    for (size_t page = 2; page < size / PAGE; page += 2) {
        size_t kind = page / 2 % COUNT_OF(kinds);
        struct error error = {0};
        scratch_write(path, good, size);
        overwrite(path, page * PAGE + random_below(&random, (uint32_t)(PAGE - kinds[kind].size + 1)), kinds[kind].size,
                  kinds[kind].fill, &random);
        ++tried;
        refused += !can_be_read(store, &error);
        bool opened = opens(store, &error);
        (void)opened; /* either will do; to be here is what counts */
    }
    free(good);
    assert_true(tried > 40);
    assert_true(refused > tried / 4);
}

/* -- a full disk -- */

/* One that goes bad while the daemon runs; a start would refuse the file. */
static void a_record_that_cannot_be_read_begins_anew(void **state)
{
    enum { NODE_HEAD = 8 /* of LMDB's, before a key: it begins with the size of the value */ };
    const char *store = scratch_path(*state, "store"), *path = scratch_path(*state, "store.usage");
    struct usage *usage = open_usage(store, 1, NOON);
    for (int i = 0; i < 3; ++i)
        count(usage, "acme", USAGE_STYTCH, NOON);
    usage_close(usage);
    usage = open_usage(store, 1, NOON);
    size_t size = 0, found = 0;
    char *bytes = scratch_read(path, &size);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    for (char *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), "default\0acme", 12)) != NULL; ++at, ++found) {
        char *last = at + 11 + (unsigned char)at[-NODE_HEAD];
        const char goes_on = (char)(*last | '\x80'); /* a number, of which no more is there */
        assert_int_equal(pwrite(fd, &goes_on, 1, last - bytes), 1);
    }
    close(fd);
    free(bytes);
    assert_true(found > 0);
    count(usage, "acme", USAGE_DISABLED, NOON);
    usage_close(usage);
    struct usage_row row;
    struct usage_reader *reader = open_reader(store, NOON);
    assert_true(find_usage(reader, "acme", &row));
    assert_int_equal(row.hits[USAGE_DISABLED], 1);
    assert_int_equal(sum_of(row.hits), 1);
    usage_reader_close(reader);
}

static void limit_files(rlim_t size)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(2);
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(3);
}

static void count_names(struct usage *usage, int names)
{
    for (int i = 0; i < names; ++i) {
        char name[32];
        snprintf(name, sizeof(name), "customer-%d", i);
        count(usage, name, USAGE_STYTCH, NOON);
    }
}

/* Fails to write for a while; then there is room again. */
static void count_on_a_full_disk(const char *store, const char *path)
{
    struct usage *usage = NULL;
    struct error error;
    struct stat facts;
    signal(SIGXFSZ, SIG_IGN);
    if (!usage_open(&usage, store, 1, NOON, -1, &error) || stat(path, &facts) != 0)
        _exit(4);
    limit_files((rlim_t)facts.st_size);
    count_names(usage, ROWS);
    for (int i = 0; i < 300 && usage_flush_failures(usage) == 0; ++i) {
        pause_us(100000);
        usage_tick(usage_lane(usage, 0));
    }
    if (!usage_failing(usage, &error) || strstr(error.message, path) == NULL)
        _exit(5);
    count_names(usage, ROWS);
    limit_files(RLIM_INFINITY);
    usage_close(usage);
    _exit(0);
}

static void a_full_disk_delays_but_loses_nothing(void **state)
{
    const char *store = scratch_path(*state, "store");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        count_on_a_full_disk(store, usage_path(*state));
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    struct usage_reader *reader = open_reader(store, NOON);
    assert_int_equal(assert_totals_agree(reader), 2 * ROWS);
    assert_int_equal(usage_reader_totals(reader)->unnamed, 0);
    usage_reader_close(reader);
}

/* -- among readers in the same process -- */

enum { META_END = 2 * 4096 }; /* of the two pages that LMDB writes a commit's end into */

static atomic_bool commits_fail;

/* In libc's place: after this LMDB gives the environment up. */
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    if (atomic_load(&commits_fail) && offset < META_END) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

static struct usage_reader *open_live(struct usage *usage)
{
    struct error error = {0};
    struct usage_reader *reader = NULL;
    assert_done(usage_reader_open_live(&reader, usage, NOON, &error));
    return reader; /* NULL where there is no file */
}

static void tick(struct usage *usage)
{
    usage_tick(usage_lane(usage, 0));
    pause_us(1000);
}

static void count_until_it_is_written(struct usage *usage, const char *identifier)
{
    struct usage_row row;
    count(usage, identifier, USAGE_STYTCH, NOON);
    for (bool written = false; !written; tick(usage)) {
        struct usage_reader *reader = open_live(usage);
        written = reader != NULL && find_usage(reader, identifier, &row);
        usage_reader_close(reader);
    }
}

/* The file is opened anew where it has to be, and let go where it was taken away, once nobody reads it. */
static void what_is_read_stays_open(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct error error = {0};
    struct usage_row row;
    make_usage(store);
    struct usage *usage = open_usage(store, 1, NOON);
    struct usage_reader *reader = open_live(usage);
    atomic_store(&commits_fail, true);
    count(usage, "acme", USAGE_STYTCH, NOON);
    while (usage_flush_failures(usage) == 0)
        tick(usage);
    atomic_store(&commits_fail, false);
    while (usage_flush_failures(usage) < 4) {
        assert_true(usage_failing(usage, &error));
        tick(usage);
    }
    assert_true(find_usage(reader, "customer-1", &row));
    usage_reader_close(reader);
    while (usage_failing(usage, &error))
        tick(usage);
    count_until_it_is_written(usage, "globex");

    reader = open_live(usage);
    assert_int_equal(rename(usage_path(*state), scratch_path(*state, "away")), 0);
    count_until_it_is_written(usage, "hooli");
    assert_true(find_usage(reader, "customer-1", &row));
    assert_false(usage_was_taken_away(usage));
    usage_reader_close(reader);
    while (!usage_was_taken_away(usage))
        tick(usage);
    assert_false(usage_was_taken_away(usage)); /* told once */
    count_until_it_is_written(usage, "initech");
    assert_false(is_written(store, "hooli"));
    assert_int_equal(rename(scratch_path(*state, "away"), usage_path(*state)), 0);
    while (!usage_was_taken_away(usage))
        tick(usage);
    usage_close(usage);
    assert_true(is_written(store, "hooli"));
}

/* A reload of a time when the file stood where it was is not taken for one after it was replaced. */
static void only_a_reload_since_looks_into_a_file(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct error error = {0};
    size_t size = 0;
    make_usage(store);
    char *bytes = scratch_read(usage_path(*state), &size);
    scratch_write(scratch_path(*state, "other"), bytes, size);
    free(bytes);
    struct usage *usage = open_usage(store, 1, NOON);
    usage_look_again(usage);
    count_until_it_is_written(usage, "acme");

    assert_int_equal(rename(scratch_path(*state, "other"), usage_path(*state)), 0);
    while (!usage_was_taken_away(usage))
        tick(usage);
    const uint64_t failures = usage_flush_failures(usage);
    while (usage_flush_failures(usage) == failures && !usage_is_open(usage))
        tick(usage);
    assert_false(usage_is_open(usage));
    assert_false(usage_was_refused(usage, &error));
    usage_look_again(usage);
    while (!usage_is_open(usage))
        tick(usage);
    usage_close(usage);
}

/* Another process, which counts once when it is told to. It has to be there before this one has threads: otherwise
 * ThreadSanitizer lets it start none. */
struct other {
    pid_t pid;
    int pipe_end;
};

static void count_when_told(const char *store, int pipe_end)
{
    struct usage *usage = NULL;
    struct error error;
    char byte;
    if (read(pipe_end, &byte, 1) != 1)
        _exit(1);
    if (!usage_open(&usage, store, 1, NOON, -1, &error))
        _exit(2);
    count(usage, "other", USAGE_STYTCH, NOON);
    _exit(usage_finish(usage, &error) ? 0 : 3);
}

static struct other start_other(const char *store)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[1]);
        count_when_told(store, ends[0]);
    }
    close(ends[0]);
    return (struct other){child, ends[1]};
}

static void assert_can_write(struct other other)
{
    int status = 1;
    assert_int_equal(write(other.pipe_end, "", 1), 1);
    close(other.pipe_end);
    assert_int_equal(waitpid(other.pid, &status, 0), other.pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void assert_says_where(const struct error *error, const char *path)
{
    assert_int_equal(error->kind, ERROR_FAILED);
    assert_non_null(strstr(error->message, path));
}

/* As when the disk fails; `size` is what is left of the file. Then it is put right again. */
static void lose_pages(struct scratch *scratch, off_t size)
{
    const char *store = scratch_path(scratch, "store"), *path = usage_path(scratch);
    const struct usage_unknown *unknown = NULL;
    struct error error = {0};
    struct usage_row row = {0};
    struct usage_reader *none = NULL;
    size_t whole = 0, unknown_count = 0;
    unsigned days = 0;
    make_usage(store);
    const struct other other = start_other(store);
    struct usage *usage = open_usage(store, 1, NOON);
    count_until_it_is_written(usage, "acme");
    char *good = scratch_read(path, &whole);
    struct usage_reader *reader = open_live(usage);
    assert_int_equal(truncate(path, size), 0);

    assert_int_equal(usage_reader_next(reader, &row, &error), LOOKUP_FAILED);
    assert_says_where(&error, path);
    assert_int_equal(usage_reader_find(reader, TEXT("default\0acme"), &row, &error), LOOKUP_FAILED);
    assert_false(usage_reader_uncounted(reader, USAGE_DAYS, &days, &error));
    assert_false(usage_reader_unknown(reader, &unknown, &unknown_count, &error));
    assert_says_where(&error, path);

    count(usage, "globex", USAGE_STYTCH, NOON);
    while (!usage_was_given_up(usage, &error))
        tick(usage);
    assert_says_where(&error, path);
    assert_false(usage_was_given_up(usage, &error)); /* told once */
    assert_true(usage_failing(usage, &error));
    assert_false(usage_is_open(usage));
    assert_done(usage_reader_open_live(&none, usage, NOON, &error));
    assert_null(none);
    assert_int_equal(usage_reader_next(reader, &row, &error), LOOKUP_FAILED);

    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, good, whole, 0), whole);
    close(fd);
    free(good);
    assert_can_write(other);
    usage_look_again(usage);
    usage_reader_close(reader); /* until then it stays as it is */
    count_until_it_is_written(usage, "hooli");
    usage_close(usage);
    assert_true(is_written(store, "acme") && is_written(store, "globex") && is_written(store, "other"));
}

static void a_page_that_cannot_be_read_ends_nothing(void **state)
{
    lose_pages(*state, META_END);
}

static void no_page_that_can_be_read_ends_nothing(void **state)
{
    lose_pages(*state, 0);
}

/* What came after the last look goes into a new file, too. */
static void a_file_taken_away_right_before_the_end_is_left_alone(void **state)
{
    const char *store = scratch_path(*state, "store");
    struct error error = {0};
    struct usage *usage = open_usage(store, 1, NOON);
    count_until_it_is_written(usage, "acme");
    count(usage, "globex", USAGE_STYTCH, NOON);
    assert_int_equal(rename(usage_path(*state), scratch_path(*state, "away")), 0);
    assert_done(usage_finish(usage, &error));
    usage_close(usage);
    assert_true(is_written(store, "globex"));
    assert_false(is_written(store, "acme"));
}

/* The disk keeps room for all of the lock file: LMDB writes into it by way of memory, where a full disk is SIGBUS. */
static void the_lock_has_no_holes(void **state)
{
    struct scratch *scratch = *state;
    struct usage *usage = NULL;
    struct error error = {0};
    struct stat facts;
    const bool shown = scratch_shows_room(scratch);
    for (int i = 0; i < 2; ++i) {
        if (i > 0)
            assert_int_equal(unlink(scratch_path(scratch, "store.usage-lock")), 0);
        assert_true(usage_open(&usage, scratch_path(scratch, "store"), 1, NOON, -1, &error));
        usage_close(usage);
        assert_int_equal(stat(scratch_path(scratch, "store.usage-lock"), &facts), 0);
        assert_true(facts.st_size > 0 && (!shown || facts.st_blocks * 512 >= facts.st_size));
    }
}

/* In a shared directory of another user's, whatever comes of it. */
static void root_opens_as_the_owner_and_stays_root(void **state)
{
    struct scratch *scratch = *state;
    const char *store = scratch_path(scratch, "store"), *path = usage_path(scratch);
    struct usage_reader *reader = NULL;
    struct error error = {0};
    struct stat status;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(scratch->directory, 65534, 65534), 0);
    assert_int_equal(chmod(scratch->directory, 02770), 0);
    struct usage *usage = open_usage(store, 1, NOON);
    assert_int_equal(setfsuid((uid_t)-1), 0);
    usage_close(usage);
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_uid == 65534 && status.st_gid == 65534);
    usage_reader_close(open_reader(store, NOON));
    assert_int_equal(setfsuid((uid_t)-1), 0);
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_false(usage_reader_open(&reader, store, NOON, &error));
    assert_non_null(strstr(error.message, "give that user the file (chown -h)"));
    assert_int_equal(setfsuid((uid_t)-1), 0);
}

static void a_lock_that_is_a_link_is_refused(void **state)
{
    struct scratch *scratch = *state;
    struct usage *usage = NULL;
    struct usage_reader *reader = NULL;
    struct error error;
    struct stat facts;
    const char *store = scratch_path(scratch, "store"), *lock = scratch_path(scratch, "store.usage-lock");
    const char *victim = scratch_path(scratch, "victim");
    assert_true(usage_open(&usage, store, 1, NOON, -1, &error));
    usage_close(usage);
    scratch_write(victim, "x", 1);
    assert_int_equal(unlink(lock) | symlink("victim", lock), 0);
    assert_false(usage_reader_open(&reader, store, NOON, &error));
    assert_non_null(strstr(error.message, "its -lock file is a link: remove the link"));
    assert_false(usage_open(&usage, store, 1, NOON, -1, &error));
    assert_int_equal(stat(victim, &facts), 0);
    assert_int_equal(facts.st_size, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(a_kill_leaves_whole_flushes_and_loses_none),
        scratch_test(what_was_flushed_is_there_after_a_kill),
        scratch_test(several_writers_all_count),
        scratch_test(what_is_no_usage_file_is_refused),
        scratch_test(a_missing_directory_is_said),
        scratch_test(a_file_is_awaited),
        scratch_test(an_awaited_file_is_looked_into_again),
        scratch_test(a_file_that_was_cut_is_refused),
        scratch_test(a_newer_schema_is_refused),
        scratch_test(garbage_ends_no_process),
        scratch_test(what_is_read_stays_open),
        scratch_test(only_a_reload_since_looks_into_a_file),
        scratch_test(a_file_taken_away_right_before_the_end_is_left_alone),
        scratch_test(a_page_that_cannot_be_read_ends_nothing),
        scratch_test(no_page_that_can_be_read_ends_nothing),
        scratch_test(the_lock_has_no_holes),
        scratch_test(root_opens_as_the_owner_and_stays_root),
        scratch_test(a_lock_that_is_a_link_is_refused),
        scratch_test(a_record_that_cannot_be_read_begins_anew),
        scratch_test(a_full_disk_delays_but_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
