/* Unknown identifiers as time goes on while the file is in use: they are dropped, and their times are corrected. */
#include "usage_clock.h"
#include "usage_fixture.h"

/* Runs on for two hours, after which its clock is reliable, until what `identifier` has in the file is of at most
 * `latest`. */
static void run_until_seen(struct usage *usage, const char *identifier, int64_t latest)
{
    enum { TRIES = 600 };
    bool done = false;
    atomic_store(&hours_passed, 2);
    for (int i = 0; i < TRIES && !done; ++i) {
        struct usage_reader *reader = NULL;
        struct error error = {0};
        nanosleep(&(struct timespec){0, 50 * 1000 * 1000}, NULL);
        usage_tick(usage_lane(usage, 0));
        assert_done(usage_reader_open_live(&reader, usage, latest + 400 * DAY, &error));
        const struct usage_unknown *unknown = find_unknown(reader, identifier);
        done = unknown != NULL && unknown->last_seen <= latest;
        usage_reader_close(reader);
    }
    assert_true(done);
}

/* Nobody need open the file for that, or ask for another one. */
static void after_ninety_days_of_silence_they_go_from_a_file_in_use(void **state)
{
    const char *store = scratch_path(*state, "store");
    const int64_t now = clock_utc_us();
    struct usage *usage = open_usage(store, 1, now);
    count_unknown(usage, "silent", now);
    count_unknown(usage, "spoke-again", now);
    count_unknown(usage, "spoke-again", now + DAY / 12);
    run_until_seen(usage, "silent", now);
    atomic_store(&hours_passed, 90 * 24 + 1);
    count(usage, "acme", USAGE_STYTCH, clock_utc_us());
    usage_close(usage);
    atomic_store(&hours_passed, 0);
    struct usage_reader *reader = open_reader(store, now + 90 * DAY);
    assert_null(find_unknown(reader, "silent"));
    assert_int_equal(find_unknown(reader, "spoke-again")->hits, 2);
    usage_reader_close(reader);
}

/* As of a row, whether or not another one comes. */
static void the_time_of_a_clock_that_was_ahead_is_corrected(void **state)
{
    const char *store = scratch_path(*state, "store");
    const int64_t now = clock_utc_us();
    struct usage *usage = open_usage(store, 1, now);
    count_unknown(usage, "acmee", now + 45 * DAY);
    count_unknown(usage, "globexx", now - DAY);
    count_unknown(usage, "globexx", now + 45 * DAY);
    usage_close(usage);
    usage = open_usage(store, 1, now);
    count(usage, "acme", USAGE_STYTCH, now);
    run_until_seen(usage, "acmee", now + DAY / 4);
    usage_close(usage);
    atomic_store(&hours_passed, 0);
    struct usage_reader *reader = open_reader(store, now + 400 * DAY); /* to whom 45 days ahead is no future */
    const struct usage_unknown *corrected = find_unknown(reader, "acmee");
    assert_in_range(corrected->last_seen, now, now + DAY / 4);
    assert_int_equal(corrected->first_seen, corrected->last_seen);
    assert_int_equal(corrected->hits, 1);
    corrected = find_unknown(reader, "globexx");
    assert_in_range(corrected->last_seen, now, now + DAY / 4);
    assert_int_equal(corrected->first_seen, now - DAY);
    assert_int_equal(corrected->hits, 2);
    usage_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(after_ninety_days_of_silence_they_go_from_a_file_in_use),
        scratch_test(the_time_of_a_clock_that_was_ahead_is_corrected),
    };
    return cmocka_run_group_tests(tests, begin_at_noon, NULL);
}
