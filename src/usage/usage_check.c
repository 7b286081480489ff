#include "usage_check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "record.h"
#include "ssoferry/clock.h"
#include "usage_fault.h"

/* A disk may hang, and a start must not wait for statistics until it answers. */
enum {
    CHECK_SECONDS = 60, /* then an alarm ends the child */
    LAST_SECONDS = 1,   /* of them, once this process is to end: enough for a disk that answers */
    DEATH_SECONDS = 1,  /* then it is left alone: a process that waits for its disk may be out of reach of signals */
};

/* What came of waiting for the child. */
enum wait { WAIT_HEARD, WAIT_IN_VAIN, WAIT_CUT_SHORT };

static const char sound = 's';

static bool is_key(struct text key)
{
    struct text source, identifier;
    return key.size <= CONNECTION_KEY_SIZE_MAX && connection_key_split(key, &source, &identifier);
}

static bool is_sound_hit(struct text key, struct text value)
{
    struct usage_record record;
    return is_key(key) && usage_record_decode(value, &record);
}

static bool is_sound_unknown(struct text key, struct text value)
{
    struct unknown_record record;
    return is_key(key) && unknown_record_decode(value, &record);
}

static bool is_sound_meta(struct text key, struct text value)
{
    struct usage_totals totals;
    return text_equal(key, TEXT("totals")) ? totals_decode(value, &totals) : text_equal(key, TEXT("schema"));
}

/* The list of free pages: a transaction's number; then a count, and that many page numbers, descending. */
static bool is_sound_free(struct text key, struct text value)
{
    size_t count = 0, page = 0, last = SIZE_MAX;
    if (key.size != sizeof(size_t) || value.size < sizeof(size_t) || value.size % sizeof(size_t) != 0)
        return false;
    memcpy(&count, value.at, sizeof(count));
    if (count > value.size / sizeof(size_t) - 1)
        return false;
    for (size_t i = 1; i <= count; ++i) {
        memcpy(&page, value.at + i * sizeof(page), sizeof(page));
        if (page >= last || page < 2)
            return false;
        last = page;
    }
    return true;
}

static bool walk(MDB_txn *txn, MDB_dbi dbi, bool ordered, bool (*is_sound)(struct text key, struct text value))
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value, last = {0, NULL};
    MDB_stat stat;
    size_t count = 0;
    if (mdb_stat(txn, dbi, &stat) != MDB_SUCCESS || mdb_cursor_open(txn, dbi, &cursor) != MDB_SUCCESS)
        return false;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; code == MDB_SUCCESS; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        /* Pages that lead back to each other would be an endless loop. */
        if (count++ >= stat.ms_entries || !is_sound(text_of_val(key), text_of_val(value)) ||
            (ordered && last.mv_data != NULL && text_compare(text_of_val(last), text_of_val(key)) >= 0))
            break;
        last = key;
    }
    return code == MDB_NOTFOUND && count == stat.ms_entries;
}

/* Whether this program knows the records' format. */
static bool is_readable_schema(MDB_txn *txn)
{
    static const unsigned char known[] = {0, 0, 0, USAGE_SCHEMA_VERSION};
    MDB_dbi dbi;
    MDB_val key = val_of(TEXT("schema")), value;
    return mdb_dbi_open(txn, "meta", 0, &dbi) == MDB_SUCCESS && mdb_get(txn, dbi, &key, &value) == MDB_SUCCESS &&
           value.mv_size == sizeof(known) && memcmp(value.mv_data, known, sizeof(known)) == 0;
}

static bool walk_databases(MDB_txn *txn)
{
    static const struct {
        const char *name;
        bool (*is_sound)(struct text key, struct text value);
    } databases[] = {{"hits", is_sound_hit}, {"unknown", is_sound_unknown}, {"meta", is_sound_meta}};
    MDB_dbi dbi;
    for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); ++i) {
        if (mdb_dbi_open(txn, databases[i].name, 0, &dbi) != MDB_SUCCESS ||
            !walk(txn, dbi, true, databases[i].is_sound))
            return false;
    }
    return true;
}

static bool walk_all(const char *path)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    if (mdb_env_create(&env) != MDB_SUCCESS || mdb_env_set_maxdbs(env, 3) != MDB_SUCCESS)
        return false;
    int code = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOTLS, 0660);
    if (code == MDB_SUCCESS)
        code = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (code != MDB_SUCCESS)
        return code != MDB_PAGE_NOTFOUND && code != MDB_CORRUPTED; /* the caller will get and report the same error */
    bool good = walk(txn, 0, false, is_sound_free) && (!is_readable_schema(txn) || walk_databases(txn));
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return good;
}

/* Closes all descriptors from `first` on. Not closefrom(), which ends the process if there is neither close_range() nor
 * /proc, as where a container's filter refuses the one and our sandbox the other. */
static void close_from(int first)
{
    enum { OPEN_MOST = 1 << 21 }; /* twice as many as limits.connections may ask for */
    struct rlimit limit = {OPEN_MOST, OPEN_MOST};
    if (close_range((unsigned)first, ~0U, 0) == 0)
        return;
    /* Linux before 5.9, or a container's filter. */
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    const int end = limit.rlim_cur < OPEN_MOST ? (int)limit.rlim_cur : OPEN_MOST;
    for (int fd = first; fd < end; ++fd)
        close(fd);
}

/* Closes everything else: as long as this process has them, connections that the daemon ends stay open, and after its
 * end its port takes clients whom nobody answers. Returns the pipe end's new descriptor. */
static int keep_only(int pipe_end)
{
    enum { KEPT = STDERR_FILENO + 1 };
    if (pipe_end != KEPT && dup2(pipe_end, KEPT) != KEPT)
        return pipe_end;
    close_from(KEPT + 1);
    return KEPT;
}

/* By an alarm of the child's own, and by the kernel's SIGIO once the parent has closed its end of the pipe, because the
 * sandbox does not let the parent send signals. */
static void end_in_time(int pipe_end)
{
    struct pollfd descriptor = {pipe_end, 0, 0};
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGALRM);
    sigaddset(&ends, SIGIO);
    signal(SIGALRM, SIG_DFL);
    signal(SIGIO, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &ends, NULL); /* the flushing thread has blocked them */
    alarm(CHECK_SECONDS);
    (void)fcntl(pipe_end, F_SETOWN, getpid());
    (void)fcntl(pipe_end, F_SETFL, O_ASYNC);
    if (poll(&descriptor, 1, 0) > 0) /* it was closed before */
        _exit(1);
}

/* Runs in the child: writes `sound` to the pipe, or dies of what it reads. */
static void check_and_exit(const char *path, const int pipe_ends[2])
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};
    int pipe_end = pipe_ends[1];
    close(pipe_ends[0]); /* so that it is the parent's alone */
    end_in_time(pipe_end);
    prctl(PR_SET_DUMPABLE, 0); /* no core dump */
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); ++i)
        signal(fatal[i], SIG_DFL);
    pipe_end = keep_only(pipe_end);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0)
        dup2(null, STDERR_FILENO); /* LMDB prints its assertions */
    bool good = walk_all(path) && write(pipe_end, &sound, 1) == 1;
    _exit(good ? 0 : 1);
}

/* Waits until the child has written or ended. */
static enum wait wait_for(int pipe_end, int end)
{
    uint64_t now = clock_monotonic_ms(), deadline = now + (CHECK_SECONDS + DEATH_SECONDS) * 1000;
    struct pollfd descriptors[] = {{pipe_end, POLLIN, 0}, {end, POLLIN, 0}};
    enum wait otherwise = WAIT_IN_VAIN;
    for (;; now = clock_monotonic_ms()) {
        int ready = poll(descriptors, 2, now < deadline ? (int)(deadline - now) : 0);
        if (ready == 0)
            return otherwise;
        if (ready > 0 && descriptors[0].revents != 0)
            return WAIT_HEARD;
        if (ready > 0) {
            otherwise = WAIT_CUT_SHORT;
            descriptors[1].fd = -1;
            now = clock_monotonic_ms();
            deadline = now + LAST_SECONDS * 1000 < deadline ? now + LAST_SECONDS * 1000 : deadline;
        }
    }
}

/* Whether the child found the file sound. *status is as from waitpid(). */
static bool hear(pid_t child, int pipe_end, int *status)
{
    char got = 0;
    ssize_t size;
    do
        size = read(pipe_end, &got, 1);
    while (size < 0 && errno == EINTR);
    while (waitpid(child, status, 0) < 0 && errno == EINTR) {
    }
    return size == 1 && got == sound;
}

/* Gives a child whose pipe was closed the time to end, so that it does not outlive this process. */
static void wait_for_death(pid_t child)
{
    const uint64_t deadline = clock_monotonic_ms() + DEATH_SECONDS * 1000;
    while (waitpid(child, NULL, WNOHANG) == 0 && clock_monotonic_ms() < deadline)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
}

/* Forgets children that were left alone and have ended since. */
static void reap_late(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

static bool fail_late(const char *path, struct error *error)
{
    return error_set(error, ERROR_FAILED,
                     "%s: the check of the usage file took more than %d seconds: does its disk hang?", path,
                     CHECK_SECONDS);
}

/* Whether the child, which has written or ended, found the file sound. */
static bool take_result(const char *path, pid_t child, int pipe_end, struct error *error)
{
    int status = 0;
    if (hear(child, pipe_end, &status))
        return true;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return fail_late(path, error);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return error_set(error, ERROR_FAILED, "%s: the check of the usage file was killed: is memory short?", path);
    return usage_fail(path, MDB_CORRUPTED, "use the usage file", error);
}

/* Closes the pipe's end. */
static bool attend(const char *path, pid_t child, int pipe_end, int end, struct error *error)
{
    const enum wait wait = wait_for(pipe_end, end);
    const bool good = wait == WAIT_HEARD && take_result(path, child, pipe_end, error);
    close(pipe_end);
    if (wait == WAIT_IN_VAIN)
        return fail_late(path, error);
    if (wait == WAIT_HEARD)
        return good;
    wait_for_death(child);
    return error_set(error, ERROR_FAILED, "%s: the check of the usage file was cut short: ssoferryd is to end", path);
}

bool usage_check(const char *path, int end, struct error *error)
{
    int ends[2];
    reap_late();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(error, ERROR_FAILED, errno, "%s: cannot check the usage file", path);
    pid_t child = fork();
    if (child == 0)
        check_and_exit(path, ends);
    int problem = errno;
    close(ends[1]);
    if (child > 0)
        return attend(path, child, ends[0], end, error);
    close(ends[0]);
    if (problem == ENOSYS)
        return error_set(error, ERROR_FAILED,
                         "%s: the sandbox no longer allows the process that checks it: restart ssoferryd", path);
    return error_set_errno(error, ERROR_FAILED, problem, "%s: cannot check the usage file", path);
}
