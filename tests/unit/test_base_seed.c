/* The kernel's random numbers: on a machine that has just started, and where there are none. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ssoferry/seed.h"

static bool started, has_device;

/* As the kernel's, whose call waits until it is asked not to. */
ssize_t getrandom(void *bytes, size_t size, unsigned flags)
{
    assert_true(started || (flags & GRND_NONBLOCK) != 0);
    if (started)
        return syscall(SYS_getrandom, bytes, size, flags);
    errno = EAGAIN;
    return -1;
}

int open(const char *path, int flags, ...)
{
    if (has_device || strcmp(path, "/dev/urandom") != 0)
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0);
    errno = EACCES;
    return -1;
}

/* By chance alone, this fails once in 2^64 times. */
static void expect_two_that_differ(void)
{
    uint64_t first[2] = {0}, second[2] = {0};
    seed_draw(first);
    seed_draw(second);
    assert_true(first[0] != 0 && first[1] != 0);
    assert_true(first[1] != second[1]);
}

static void the_kernel_draws(void **state)
{
    (void)state;
    started = true;
    has_device = false;
    expect_two_that_differ();
}

static void a_machine_that_has_just_started_keeps_nobody_waiting(void **state)
{
    (void)state;
    started = false;
    has_device = true;
    expect_two_that_differ();
}

static void without_any_there_is_a_seed_still(void **state)
{
    uint64_t words[2] = {0};
    (void)state;
    started = has_device = false;
    seed_draw(words);
    assert_true(words[1] != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_draws),
        cmocka_unit_test(a_machine_that_has_just_started_keeps_nobody_waiting),
        cmocka_unit_test(without_any_there_is_a_seed_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
