/* Leaves the call from within LMDB by siglongjmp(). While it reads, that is safe because it holds no lock when it looks
 * at a page, and leaves nothing behind: mdb_get()'s handle is on the stack, a cursor is freed by its owner, and a
 * renewed transaction has its reader's slot from before. */
#include "ssoferry/guard.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "ssoferry/log.h"
#include "ssoferry/memory.h"

enum {
    HISTORY_VALUE_MAX = 64 << 20, /* more than the note of a load that names as many files as a command line holds */
};

struct guard {
    sigjmp_buf out;
    volatile int code; /* why it was left */
};

/* The call that this thread is in. Thread-local, since a signal handler gets no pointer of ours, and a fault's handler
 * runs in the thread that faulted. */
static _Thread_local struct guard *volatile entered;

static void leave(struct guard *guard, int code)
{
    guard->code = code;
    siglongjmp(guard->out, 1);
}

/* Where nothing can be left, as in the middle of a change: says more than the end by a signal would. Nobody holds a
 * lock of the log's or libc's while LMDB looks at a page, so even a signal's handler may call this. */
static _Noreturn void end(const char *problem)
{
    log_error(
        "the store's file is damaged, was cut short, or its disk fails: restore a backup; `ssoferry history` tells "
        "whether a change was made (%s)",
        problem);
    _exit(EXIT_FAILURE);
}

static void on_assert(MDB_env *env, const char *message)
{
    (void)env;
    if (entered == NULL)
        end(message);
    leave(entered, MDB_CORRUPTED);
}

/* The kernel's own, about what this thread has just done. A signal sent by a process, or broken memory, is not ours. */
static bool is_ours(int number, const siginfo_t *info)
{
    return number == SIGBUS ? info->si_code == BUS_ADRERR : info->si_code > 0;
}

/* SIGBUS: a page that a file should have provided. SIGSEGV: what a damaged page points at. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    if (entered != NULL && is_ours(number, info)) {
        /* ThreadSanitizer's own handler, which calls this one, has blocked all signals. */
        pthread_sigmask(SIG_SETMASK, &((const ucontext_t *)context)->uc_sigmask, NULL);
        leave(entered, number == SIGBUS ? EIO : MDB_CORRUPTED);
    }
    if (number == SIGBUS && is_ours(number, info))
        end("SIGBUS"); /* while SIGSEGV may be any fault of the program's */
    signal(number, SIG_DFL);
    raise(number);
}

int guard_prepare(MDB_env *env)
{
    /* SA_NODEFER: this handler never returns, and must work again for the next page. */
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGBUS, &action, NULL) != 0 || sigaction(SIGSEGV, &action, NULL) != 0)
        return errno;
    return mdb_env_set_assert(env, on_assert);
}

bool guard_run(int (*run)(void *context), void *context, int *code)
{
    struct guard guard; /* whose jmp_buf is large, so not cleared */
    guard.code = 0;
    if (sigsetjmp(guard.out, 0) != 0) {
        entered = NULL;
        *code = guard.code;
        return false;
    }
    entered = &guard;
    *code = run(context);
    entered = NULL;
    return true;
}

/* -- reading rows -- */

struct request {
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_cursor *cursor; /* NULL: look up the key */
    MDB_cursor_op op;
    MDB_val *key, *value;
    struct guard_row *copy; /* NULL: of the history, and just its place and size are wanted */
};

static void take(MDB_val *bytes, char *copy)
{
    if (bytes->mv_size > 0)
        memcpy(copy, bytes->mv_data, bytes->mv_size);
    bytes->mv_data = copy;
}

static int read_bytes(void *context)
{
    const struct request *request = context;
    *request->value = (MDB_val){0, NULL}; /* LMDB gives none for a page that says it has keys alone */
    int code = request->cursor != NULL ? mdb_cursor_get(request->cursor, request->key, request->value, request->op)
                                       : mdb_get(request->txn, request->dbi, request->key, request->value);
    if (code != MDB_SUCCESS)
        return code;
    if (request->value->mv_data == NULL || request->key->mv_size > TABLE_KEY_SIZE_MAX ||
        request->value->mv_size > (request->copy != NULL ? (size_t)CONNECTION_RECORD_SIZE_MAX : HISTORY_VALUE_MAX))
        return MDB_CORRUPTED; /* they may extend beyond the file's end */
    if (request->cursor != NULL)
        take(request->key, request->copy->key);
    if (request->copy != NULL)
        take(request->value, request->copy->record);
    return MDB_SUCCESS;
}

static int read_guarded(struct request request)
{
    int code;
    guard_run(read_bytes, &request, &code); /* the code says whether it was left */
    return code;
}

int guard_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, struct guard_row *copy)
{
    return read_guarded((struct request){.txn = txn, .dbi = dbi, .key = key, .value = value, .copy = copy});
}

int guard_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op, struct guard_row *copy)
{
    return read_guarded((struct request){.cursor = cursor, .op = op, .key = key, .value = value, .copy = copy});
}

struct copying {
    void *to;
    MDB_val from;
};

static int copy_bytes(void *context)
{
    const struct copying *copying = context;
    memcpy(copying->to, copying->from.mv_data, copying->from.mv_size);
    return MDB_SUCCESS;
}

/* In two steps, because nothing may be allocated in a call that can be left. */
int guard_get_history(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, size_t most)
{
    MDB_val found = {0, NULL};
    *value = found;
    int code = read_guarded((struct request){.txn = txn, .dbi = dbi, .key = key, .value = &found});
    if (code != MDB_SUCCESS)
        return code;
    found.mv_size = found.mv_size < most ? found.mv_size : most;
    struct copying copying = {memory_allocate(found.mv_size), found};
    guard_run(copy_bytes, &copying, &code);
    if (code == MDB_SUCCESS)
        *value = (MDB_val){found.mv_size, copying.to};
    else
        free(copying.to);
    return code;
}

/* -- the meta pages, and those that say where a database is -- */

/* What the calls below take and give; each uses what it needs. */
struct call {
    MDB_env *env;
    size_t size; /* of the map */
    MDB_txn *txn;
    const char *name;
    MDB_dbi dbi;
    MDB_stat *stat;
    MDB_cursor *cursor;
};

static int guarded(int (*run)(void *context), struct call *call)
{
    int code;
    guard_run(run, call, &code); /* the code says whether it was left */
    return code;
}

/* guard_run() written out, since every request passes here. */
int guard_info(MDB_env *env, MDB_envinfo *info)
{
    struct guard guard;
    guard.code = 0;
    if (sigsetjmp(guard.out, 0) != 0) {
        entered = NULL;
        return guard.code;
    }
    entered = &guard;
    int code = mdb_env_info(env, info);
    entered = NULL;
    return code;
}

static int look_at_env_stat(void *context)
{
    const struct call *call = context;
    return mdb_env_stat(call->env, call->stat);
}

int guard_env_stat(MDB_env *env, MDB_stat *stat)
{
    return guarded(look_at_env_stat, &(struct call){.env = env, .stat = stat});
}

static int set_mapsize(void *context)
{
    const struct call *call = context;
    return mdb_env_set_mapsize(call->env, call->size);
}

int guard_set_mapsize(MDB_env *env, size_t size)
{
    return guarded(set_mapsize, &(struct call){.env = env, .size = size});
}

/* Looks at the meta pages first: it cannot tell us about a transaction that it is left in the middle of, whose reader's
 * slot would be lost. */
static int begin(void *context)
{
    struct call *call = context;
    MDB_envinfo info;
    int code = mdb_env_info(call->env, &info);
    return code == MDB_SUCCESS ? mdb_txn_begin(call->env, NULL, MDB_RDONLY, &call->txn) : code;
}

int guard_begin_read(MDB_env *env, MDB_txn **txn)
{
    struct call call = {.env = env};
    int code = guarded(begin, &call);
    if (code == MDB_SUCCESS)
        *txn = call.txn;
    return code;
}

static int renew(void *context)
{
    const struct call *call = context;
    return mdb_txn_renew(call->txn);
}

int guard_renew(MDB_txn *txn)
{
    int code;
    if (!guard_run(renew, &(struct call){.txn = txn}, &code))
        guard_reset(txn);
    return code;
}

static int reset(void *context)
{
    mdb_txn_reset(context);
    return MDB_SUCCESS;
}

void guard_reset(MDB_txn *txn)
{
    int code;
    (void)guard_run(reset, txn, &code);
}

/* Runs what frees the object in the end. If it is left before that, nobody can use the object any more. */
static void run_last(int (*run)(void *context), void *object)
{
    int code;
    if (!guard_run(run, object, &code))
        memory_abandon(object);
}

static int abort_txn(void *context)
{
    mdb_txn_abort(context);
    return MDB_SUCCESS;
}

void guard_abort(MDB_txn *txn)
{
    run_last(abort_txn, txn);
}

static int close_env(void *context)
{
    mdb_env_close(context);
    return MDB_SUCCESS;
}

void guard_close(MDB_env *env)
{
    run_last(close_env, env);
}

static int open_dbi(void *context)
{
    struct call *call = context;
    return mdb_dbi_open(call->txn, call->name, 0, &call->dbi);
}

int guard_open_dbi(MDB_txn *txn, const char *name, MDB_dbi *dbi)
{
    struct call call = {.txn = txn, .name = name};
    int code = guarded(open_dbi, &call);
    if (code == MDB_SUCCESS)
        *dbi = call.dbi;
    return code;
}

static int look_at_stat(void *context)
{
    const struct call *call = context;
    return mdb_stat(call->txn, call->dbi, call->stat);
}

int guard_stat(MDB_txn *txn, MDB_dbi dbi, MDB_stat *stat)
{
    return guarded(look_at_stat, &(struct call){.txn = txn, .dbi = dbi, .stat = stat});
}

/* Looks up where the database is first, so that mdb_cursor_open() need not after it has allocated the cursor. */
static int open_cursor(void *context)
{
    struct call *call = context;
    MDB_stat stat;
    int code = mdb_stat(call->txn, call->dbi, &stat);
    return code == MDB_SUCCESS ? mdb_cursor_open(call->txn, call->dbi, &call->cursor) : code;
}

int guard_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor)
{
    struct call call = {.txn = txn, .dbi = dbi};
    int code = guarded(open_cursor, &call);
    if (code == MDB_SUCCESS)
        *cursor = call.cursor;
    return code;
}
