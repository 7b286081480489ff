#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ssoferry/log.h"
#include "ssoferry/standard_files.h"

enum { PIPE_ROOM = 4 * 4096 }; /* a line is a page of it */

static void read_all(int fd, char *out, size_t room)
{
    ssize_t got = read(fd, out, room - 1);
    out[got < 0 ? 0 : got] = '\0';
}

/* What has no room is lost, and told with the next line that has. */
static void what_is_lost_is_told(void **state)
{
    int ends[2], kept = dup(STDERR_FILENO);
    char filler[PIPE_ROOM] = "", told[2 * PIPE_ROOM];
    (void)state;
    assert_true(kept >= 0);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETPIPE_SZ, PIPE_ROOM), PIPE_ROOM);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_never_wait(STDERR_FILENO);
    log_info("first");
    read_all(ends[0], told, sizeof(told));
    bool first = strstr(told, ": first\n") != NULL;
    assert_int_equal(write(ends[1], filler, sizeof(filler)), sizeof(filler));
    log_warning("second");
    log_lines(TEXT("third\nfourth\n"));
    read_all(ends[0], told, sizeof(told));
    bool none = strstr(told, "second") == NULL;
    log_lines(TEXT("fifth\nsixth\n"));
    read_all(ends[0], told, sizeof(told));
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    assert_true(first && none);
    assert_non_null(
        strstr(told, ": warning: 3 lines were lost here: whatever reads standard error had stopped\nfifth\nsixth\n"));
    close(ends[0]);
    close(ends[1]);
    close(kept);
}

/* A terminal is said to have room while it has less than a line takes, and a write to it then waits. */
static void a_terminal_that_nobody_reads_is_waited_for_by_nobody(void **state)
{
    int reader = -1, terminal = -1, kept = dup(STDERR_FILENO);
    char line[2000];
    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    assert_int_equal(openpty(&reader, &terminal, NULL, NULL, NULL), 0);
    assert_int_equal(dup2(terminal, STDERR_FILENO), STDERR_FILENO);
    int unshared = standard_files_unshared(STDERR_FILENO);
    log_never_wait(unshared);
    for (int i = 0; i < 100; ++i) /* more than the 64 KiB that a pseudo-terminal keeps */
        log_info("%s", line);
    bool waits = (fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) == 0; /* as whoever else has it expects */
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    log_never_wait(STDERR_FILENO);
    assert_true(waits && unshared != STDERR_FILENO);
    close(unshared);
    close(terminal);
    close(reader);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(standard_files_unshared(null), null);
    close(null);
    close(kept);
}

/* execve() takes any name for a program; a line that begins with it is no longer than others. */
static void a_long_name_of_the_program_is_cut(void **state)
{
    int ends[2], kept = dup(STDERR_FILENO);
    char name[3 * 1024], filler[PIPE_ROOM] = "", told[2 * PIPE_ROOM];
    char *program = program_invocation_short_name;
    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETPIPE_SZ, PIPE_ROOM), PIPE_ROOM);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_never_wait(STDERR_FILENO);
    program_invocation_short_name = name;
    assert_int_equal(write(ends[1], filler, sizeof(filler)), sizeof(filler));
    log_info("first");
    read_all(ends[0], told, sizeof(told));
    log_info("second");
    read_all(ends[0], told, sizeof(told));
    program_invocation_short_name = program;
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    char expected[256];
    snprintf(expected, sizeof(expected),
             "%.32s: warning: 1 line was lost here: whatever reads standard error had stopped\n%.32s: second\n", name,
             name);
    assert_string_equal(told, expected);
    close(ends[0]);
    close(ends[1]);
    close(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_lost_is_told),
                                       cmocka_unit_test(a_long_name_of_the_program_is_cut),
                                       cmocka_unit_test(a_terminal_that_nobody_reads_is_waited_for_by_nobody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
