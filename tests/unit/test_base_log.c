#include "check.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ssoferry/log.h"

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
    log_never_wait();
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
        strstr(told, ": warning: 3 lines were lost here: what reads standard error stood still\nfifth\nsixth\n"));
    close(ends[0]);
    close(ends[1]);
    close(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_lost_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
