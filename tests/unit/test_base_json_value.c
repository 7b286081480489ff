#include <stdlib.h>

#include "check.h"
#include "ssoferry/json_value.h"

/* `value`, which is given up, is written as `wanted`. */
static void assert_written(json_t *value, const char *wanted)
{
    char *written = json_dumps(value, JSON_ENCODE_ANY);
    assert_non_null(written);
    assert_string_equal(written, wanted);
    free(written);
    json_decref(value);
}

static void texts(void **state)
{
    (void)state;
    assert_written(json_text(TEXT("acme")), "\"acme\"");
    assert_written(json_text(TEXT("")), "\"\"");
    assert_written(json_text_or_null(TEXT("")), "null");
    assert_written(json_text_or_null(TEXT("z\xc3\xbcrich")), "\"z\xc3\xbcrich\"");
}

/* A tampered record must not take a member out of an object. */
static void texts_that_are_not_utf8_are_escaped(void **state)
{
    (void)state;
    assert_written(json_text(TEXT("a\xff\n")), "\"a\\\\xff\\\\x0a\"");
    assert_written(json_text_or_null(TEXT("\xc3")), "\"\\\\xc3\"");
}

static void numbers_and_times(void **state)
{
    (void)state;
    assert_written(json_number(10000000), "10000000");
    assert_written(json_time(1700000000000000), "\"2023-11-14T22:13:20Z\"");
    assert_written(json_time(0), "null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(texts_that_are_not_utf8_are_escaped),
        cmocka_unit_test(numbers_and_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
