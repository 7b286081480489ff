#include "check.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include "ssoferry/background.h"

struct seen {
    int policy, nice;
};

static void look(struct seen *seen)
{
    seen->policy = sched_getscheduler(0);
    seen->nice = getpriority(PRIO_PROCESS, 0); /* the thread's, on Linux */
}

static void *work(void *seen)
{
    look(seen);
    return NULL;
}

static void what_works_behind_gives_way(void **state)
{
    (void)state;
    pthread_t thread;
    struct seen seen;
    (void)setpriority(PRIO_PROCESS, 0, 0); /* where that may be: under a nice value of 10 nothing would be seen */
    int own = getpriority(PRIO_PROCESS, 0);
    assert_int_equal(background_start(&thread, "behind", work, &seen), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(seen.policy, SCHED_BATCH);
    assert_int_equal(seen.nice, own > 10 ? own : 10); /* who was nicer already stays so */
}

static void *look_at_signals(void *blocked)
{
    pthread_sigmask(SIG_BLOCK, NULL, blocked);
    return NULL;
}

static void only_its_own_faults_come_to_it(void **state)
{
    (void)state;
    pthread_t thread;
    sigset_t blocked;
    assert_int_equal(background_start(&thread, "behind", look_at_signals, &blocked), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGHUP) == 1);
    /* The kernel would end the program, whoever takes them. */
    assert_true(sigismember(&blocked, SIGBUS) == 0 && sigismember(&blocked, SIGSEGV) == 0);
}

static void *step_back_from_idle(void *seen)
{
    const struct sched_param none = {.sched_priority = 0};
    if (sched_setscheduler(0, SCHED_IDLE, &none) == 0)
        background_step_back();
    look(seen);
    return NULL;
}

static void who_takes_only_what_is_left_stays_so(void **state)
{
    (void)state;
    pthread_t thread;
    struct seen seen;
    assert_int_equal(pthread_create(&thread, NULL, step_back_from_idle, &seen), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(seen.policy, SCHED_IDLE);
}

static void what_cannot_be_started_is_told_with_what_to_do(void **state)
{
    (void)state;
    struct error error = {0};
    assert_false(background_fail(EAGAIN, "the usage thread", &error));
    assert_string_equal(error.message,
                        "the usage thread cannot be started: raise the limit on threads (ulimit -u, TasksMax=)");
    assert_false(background_fail(EINVAL, "the usage thread", &error));
    assert_string_equal(error.message, "the usage thread cannot be started: Invalid argument");
    assert_int_equal(error.kind, ERROR_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_works_behind_gives_way),
        cmocka_unit_test(only_its_own_faults_come_to_it),
        cmocka_unit_test(who_takes_only_what_is_left_stays_so),
        cmocka_unit_test(what_cannot_be_started_is_told_with_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
