#include "ssoferry/background.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ssoferry/clock.h"

/* NICE leaves a tenth of a contended processor: enough to write the request log of a worker that does nothing but
 * answer. The slice is small because a thread that wakes up may have to wait for the end of one. Kernels before 6.12
 * have the same slice for everybody. */
enum { NICE = 10, SLICE_NS = 200 * 1000 };

/* For sched_setattr(2), which glibc does not provide. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

void background_step_back(void)
{
    if (sched_getscheduler(0) == SCHED_IDLE)
        return; /* already lower priority, by its owner's wish: chrt -i 0 */
    int nice = getpriority(PRIO_PROCESS, 0);
    const struct scheduling scheduling = {
        .size = sizeof(scheduling),
        .policy = SCHED_BATCH,
        .nice = nice < NICE ? NICE : nice,
        .runtime = SLICE_NS,
    };
    (void)syscall(SYS_sched_setattr, 0, &scheduling, 0);
}

bool background_fail(int problem, const char *thread, struct error *error)
{
    if (problem == EAGAIN)
        return error_set(error, ERROR_FAILED, "%s cannot be started: raise the limit on threads (ulimit -u, TasksMax=)",
                         thread);
    return error_set_errno(error, ERROR_FAILED, problem, "%s cannot be started", thread);
}

void background_condition(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

struct timespec background_until(uint64_t ns)
{
    const uint64_t end = clock_monotonic_ns() + ns;
    return (struct timespec){(time_t)(end / 1000000000), (long)(end % 1000000000)};
}

struct beginning {
    const char *name;
    void *(*run)(void *);
    void *context;
    sem_t done;
};

/* If the priority cannot be lowered, the thread works all the same. This is done before background_start() returns,
 * because the sandbox that is set up later forbids it. */
static void *begin(void *context)
{
    struct beginning *beginning = context;
    void *(*run)(void *) = beginning->run;
    void *what = beginning->context;
    (void)pthread_setname_np(pthread_self(), beginning->name);
    background_step_back();
    sem_post(&beginning->done);
    return run(what);
}

int background_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context)
{
    struct beginning beginning = {.name = name, .run = run, .context = context};
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGBUS); /* faults of its own: if blocked, they end the program even though there is a handler */
    sigdelset(&all, SIGSEGV);
    sem_init(&beginning.done, 0, 0);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = pthread_create(thread, NULL, begin, &beginning);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    while (problem == 0 && sem_wait(&beginning.done) != 0) {
    }
    sem_destroy(&beginning.done);
    return problem;
}
