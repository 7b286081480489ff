#include "check.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssoferry/config_watch.h"

#define GOOD "routes:\n  - match: /a/{identifier}\n"

struct watched {
    char path[64];
    struct config *config;
    struct config_watch watch;
    uint64_t now; /* milliseconds */
    struct config_change change;
    struct error error;
};

static void write_file(const struct watched *watched, const char *text)
{
    FILE *file = fopen(watched->path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    static struct watched watched;
    struct faults *faults = faults_new();
    watched = (struct watched){.path = "/tmp/ssoferry-watch-XXXXXX", .now = 1000};
    int file = mkstemp(watched.path);
    assert_true(file >= 0);
    close(file);
    write_file(&watched, GOOD);
    config_watch_begin(&watched.watch, watched.path);
    assert_true(config_read(&watched.config, watched.path, faults, &watched.error));
    faults_free(faults);
    *state = &watched;
    return 0;
}

static int teardown(void **state)
{
    struct watched *watched = *state;
    unlink(watched->path);
    config_free(watched->config);
    return 0;
}

/* Looks `ms` milliseconds later. */
static enum config_news look_after(struct watched *watched, uint64_t ms)
{
    watched->now += ms;
    return config_watch_look(&watched->watch, watched->path, watched->config, watched->config, watched->now,
                             &watched->change, &watched->error);
}

/* What it tells of a file once that has been left alone for long enough. */
static enum config_news news_of(struct watched *watched, const char *text)
{
    write_file(watched, text);
    assert_int_equal(look_after(watched, 1), CONFIG_NO_NEWS);
    assert_int_equal(look_after(watched, CONFIG_SETTLE_MS - 1), CONFIG_NO_NEWS);
    return look_after(watched, 1);
}

static void a_file_that_nobody_touches_is_no_news(void **state)
{
    struct watched *watched = *state;
    assert_int_equal(look_after(watched, 1), CONFIG_NO_NEWS);
    assert_int_equal(look_after(watched, 10 * CONFIG_SETTLE_MS), CONFIG_NO_NEWS);
}

static void a_look_that_is_asked_for_reads_the_file_once_more(void **state)
{
    struct watched *watched = *state;
    config_watch_again(&watched->watch);
    assert_int_equal(look_after(watched, CONFIG_SETTLE_MS), CONFIG_IN_FORCE);
    assert_int_equal(look_after(watched, CONFIG_SETTLE_MS), CONFIG_NO_NEWS);
}

static void a_change_is_told_once(void **state)
{
    struct watched *watched = *state;
    assert_int_equal(news_of(watched, "redirect: form\nhealth_path: /up\nthreads: 3\n" GOOD), CONFIG_CHANGED);
    assert_int_equal(watched->change.keys, 2);
    assert_int_equal(watched->change.waiting, 1);
    assert_int_equal(look_after(watched, 10 * CONFIG_SETTLE_MS), CONFIG_NO_NEWS);
}

static void another_file_that_says_the_same_is_in_force(void **state)
{
    struct watched *watched = *state;
    assert_int_equal(news_of(watched, "# written anew\n" GOOD), CONFIG_IN_FORCE);
    assert_int_equal(news_of(watched, "redirect: form\n" GOOD), CONFIG_CHANGED);
    assert_int_equal(news_of(watched, GOOD), CONFIG_IN_FORCE); /* taken back */
}

static void errors_and_a_missing_file_are_told(void **state)
{
    struct watched *watched = *state;
    assert_int_equal(news_of(watched, "nonsense: true\n" GOOD), CONFIG_BROKEN);
    assert_non_null(strstr(watched->error.message, "1 error"));
    unlink(watched->path);
    assert_int_equal(look_after(watched, 1), CONFIG_NO_NEWS);
    assert_int_equal(look_after(watched, CONFIG_SETTLE_MS), CONFIG_BROKEN);
    assert_non_null(strstr(watched->error.message, watched->path));
}

/* Nobody opens what might block. */
static void a_pipe_is_not_read(void **state)
{
    struct watched *watched = *state;
    unlink(watched->path);
    assert_int_equal(mkfifo(watched->path, 0600), 0);
    assert_int_equal(look_after(watched, 1), CONFIG_NO_NEWS);
    assert_int_equal(look_after(watched, CONFIG_SETTLE_MS), CONFIG_BROKEN);
    assert_non_null(strstr(watched->error.message, "it is no regular file"));
    unlink(watched->path);
    assert_int_equal(news_of(watched, GOOD), CONFIG_IN_FORCE);

    unlink(watched->path);
    assert_int_equal(mkfifo(watched->path, 0600), 0);
    config_watch_begin(&watched->watch, watched->path); /* as after a start from one */
    unlink(watched->path);
    assert_int_equal(look_after(watched, 1), CONFIG_NO_NEWS);
    assert_int_equal(look_after(watched, 10 * CONFIG_SETTLE_MS), CONFIG_NO_NEWS);
}

static void who_goes_on_writing_is_left_alone(void **state)
{
    struct watched *watched = *state;
    char text[128];
    for (int i = 0; i < 30; ++i) {
        snprintf(text, sizeof(text), "redirect: form\n%s%*s", GOOD, i + 1, "#\n");
        write_file(watched, text);
        assert_int_equal(look_after(watched, CONFIG_SETTLE_MS - 1), CONFIG_NO_NEWS);
    }
    assert_int_equal(look_after(watched, CONFIG_SETTLE_MS), CONFIG_CHANGED);
}

/* As in the moment of a rename. */
static void a_reload_of_a_missing_file_watches_for_the_next(void **state)
{
    struct watched *watched = *state;
    unlink(watched->path);
    config_watch_begin(&watched->watch, watched->path);
    assert_int_equal(news_of(watched, GOOD), CONFIG_IN_FORCE);
}

static void other_permissions_are_looked_at(void **state)
{
    struct watched *watched = *state;
    poll(NULL, 0, 20); /* longer than a tick of the file system's clock */
    assert_int_equal(chmod(watched->path, 0640), 0);
    assert_int_equal(look_after(watched, 1), CONFIG_NO_NEWS);
    assert_int_equal(look_after(watched, CONFIG_SETTLE_MS), CONFIG_IN_FORCE);
}

static void what_is_too_large_is_not_read(void **state)
{
    struct watched *watched = *state;
    assert_int_equal(truncate(watched->path, CONFIG_WATCHED_MAX + 1), 0);
    assert_int_equal(look_after(watched, 1), CONFIG_NO_NEWS);
    assert_int_equal(look_after(watched, CONFIG_SETTLE_MS), CONFIG_BROKEN);
    assert_non_null(strstr(watched->error.message, "too large"));
}

static void a_reload_begins_anew(void **state)
{
    struct watched *watched = *state;
    write_file(watched, "redirect: form\n" GOOD);
    assert_int_equal(look_after(watched, 1), CONFIG_NO_NEWS);
    config_watch_begin(&watched->watch, watched->path);
    assert_int_equal(look_after(watched, 10 * CONFIG_SETTLE_MS), CONFIG_NO_NEWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_that_nobody_touches_is_no_news, setup, teardown),
        cmocka_unit_test_setup_teardown(a_look_that_is_asked_for_reads_the_file_once_more, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(another_file_that_says_the_same_is_in_force, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_and_a_missing_file_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pipe_is_not_read, setup, teardown),
        cmocka_unit_test_setup_teardown(who_goes_on_writing_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reload_of_a_missing_file_watches_for_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(other_permissions_are_looked_at, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_large_is_not_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reload_begins_anew, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
