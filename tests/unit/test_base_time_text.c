#include "check.h"

#include <time.h>

#include "ssoferry/time_text.h"

enum { DAY = 86400 };

#define YEAR_10000 INT64_C(253402300800) /* seconds */

static void expect(int64_t microseconds, const char *expected)
{
    char buffer[TIME_SIZE];
    assert_string_equal(time_text(microseconds, buffer), expected);
}

static void times_are_as_the_library_has_them(void **state)
{
    (void)state;
    for (int64_t second = 1; second < YEAR_10000; second += 31 * (int64_t)DAY + 12345) {
        char expected[TIME_SIZE];
        struct tm utc;
        time_t time = (time_t)second;
        strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&time, &utc));
        expect(second * 1000000 + 999999, expected);
    }
    expect(INT64_C(951782400) * 1000000, "2000-02-29T00:00:00Z");
    expect(YEAR_10000 * 1000000 - 1, "9999-12-31T23:59:59Z");
}

static void what_is_no_time_is_never(void **state)
{
    (void)state;
    expect(0, "never");
    expect(-1, "never");
    expect(INT64_MIN, "never");
    expect(YEAR_10000 * 1000000, "never");
    expect(INT64_MAX, "never");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_as_the_library_has_them),
        cmocka_unit_test(what_is_no_time_is_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
