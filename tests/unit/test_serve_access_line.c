#include "check.h"

#include <stdio.h>

#include "ssoferry/access_line.h"

static void expect_line(struct text identifier, uint64_t number, const char *shown)
{
    static const struct route route = {.name = {"/r", 2}};
    const struct decision decision = {.route = &route, .source = TEXT("s"), .identifier = identifier, .status = 307};
    const struct access_record record = {
        .request_id = TEXT("id"),
        .method = TEXT("POST"),
        .peer = TEXT("unix"),
        .decision = &decision,
        .body_size = number,
        .duration_us = number,
        .now = 1763766000000009,
    };
    static struct access_line line;
    struct access_stamp stamp = {.second = -1};
    char expected[512];
    access_line_format(&line, &stamp, &record);
    int size =
        snprintf(expected, sizeof(expected),
                 "{\"time\":\"2025-11-21T23:00:00.000009Z\",\"request_id\":\"id\",\"method\":\"POST\",\"route\":\"/r\","
                 "\"source\":\"s\",\"identifier\":\"%s\",\"decision\":\"stytch\",\"status\":307,\"body_bytes\":%llu,"
                 "\"duration_us\":%llu,\"peer\":\"unix\"}\n",
                 shown, (unsigned long long)number, (unsigned long long)number);
    assert_text(text_slice(line.bytes, line.size), expected);
    assert_int_equal(size, line.size);
}

static void numbers_are_written_in_full(void **state)
{
    (void)state;
    for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10) {
        expect_line(TEXT("acme"), power - 1, "acme");
        expect_line(TEXT("acme"), power, "acme");
    }
    expect_line(TEXT("acme"), UINT64_MAX, "acme");
}

/* Looked at eight at a time: so at each place of values of all lengths around that. */
static void what_would_end_a_string_is_escaped_wherever_it_stands(void **state)
{
    enum { LONGEST = 19 };
    (void)state;
    for (size_t size = 1; size <= LONGEST; ++size) {
        for (size_t at = 0; at < size; ++at) {
            for (const char *odd = "\"\\\x01\x1f\x7f"; *odd != '\0'; ++odd) {
                char bytes[LONGEST], shown[LONGEST + 8];
                memset(bytes, 'x', size);
                bytes[at] = *odd;
                snprintf(shown, sizeof(shown), "%.*s\\u00%02x%.*s", (int)at, bytes, (unsigned)*odd,
                         (int)(size - at - 1), bytes + at + 1);
                expect_line(text_slice(bytes, size), 0, shown);
            }
        }
    }
}

static void bytes_that_are_no_utf8_are_replaced(void **state)
{
    (void)state;
    expect_line(TEXT("Z\xc3\xbcrich-insurance"), 0, "Z\xc3\xbcrich-insurance");
    expect_line(TEXT("Z\xfcrich-insurance"), 0, "Z\\ufffdrich-insurance");
    expect_line(TEXT("a\xc3"), 0, "a\\ufffd");
}

static void what_cannot_be_seen_is_escaped(void **state)
{
    (void)state;
    expect_line(TEXT("a\xc2\x9b\x33\x31m\xc2\x85\xc2\xa0z"), 0, "a\\u009b31m\\u0085\\u00a0z");
    expect_line(TEXT("\xe2\x80\xa8\xe2\x80\xae\xf3\xa0\x80\x81"), 0, "\\u2028\\u202e\\udb40\\udc01");
    expect_line(TEXT("\xc2\xa1\xf0\x9f\x98\x80\xe4\xb8\xad"), 0, "\xc2\xa1\xf0\x9f\x98\x80\xe4\xb8\xad");
}

/* 440 bytes that have to be escaped are the most that an identifier asks for. */
static void a_value_of_nothing_but_escapes_fits(void **state)
{
    char bytes[IDENTIFIER_SIZE_MAX];
    static struct access_line line;
    (void)state;
    memset(bytes, '"', sizeof(bytes));
    struct access_stamp stamp = {.second = -1};
    const struct route route = {.name = text_slice(bytes, sizeof(bytes))};
    const struct decision decision = {.route = &route, .identifier = text_slice(bytes, sizeof(bytes))};
    const struct access_record record = {.decision = &decision, .peer = TEXT("unix")};
    access_line_format(&line, &stamp, &record);
    assert_true(line.size > (size_t)2 * 6 * IDENTIFIER_SIZE_MAX);
    assert_true(text_ends(text_slice(line.bytes, line.size), TEXT("\"peer\":\"unix\"}\n")));
}

/* A method is whatever a stranger sends, and everything else may be of its most at the same time. */
static void a_line_ends_whatever_is_in_it(void **state)
{
    enum { METHOD_SIZE = 30000, METHOD_SHOWN = 32 };
    static char bytes[METHOD_SIZE];
    static struct access_line line;
    struct access_stamp stamp = {.second = -1};
    const struct route route = {.name = text_slice(bytes, TEMPLATE_SIZE_MAX)};
    struct decision decision = {.route = &route, .identifier = text_slice(bytes, IDENTIFIER_SIZE_MAX)};
    const struct access_record record = {
        .decision = &decision, .method = text_slice(bytes, sizeof(bytes)), .peer = TEXT("unix")};
    (void)state;
    memset(bytes, '"', sizeof(bytes));
    decision.error.kind = ERROR_FAILED;
    memset(decision.error.message, '"', sizeof(decision.error.message) - 1);
    access_line_format(&line, &stamp, &record);
    const size_t escaped = METHOD_SHOWN + TEMPLATE_SIZE_MAX + IDENTIFIER_SIZE_MAX + ERROR_MESSAGE_SIZE - 1;
    assert_in_range(line.size, 6 * escaped, LINE_SIZE_MAX);
    assert_true(text_ends(text_slice(line.bytes, line.size), TEXT("\"}\n")));
    line.bytes[line.size - 1] = '\0';
    assert_non_null(strstr(line.bytes, ",\"peer\":\"unix\",\"error\":\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_in_full),
        cmocka_unit_test(what_would_end_a_string_is_escaped_wherever_it_stands),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
        cmocka_unit_test(what_cannot_be_seen_is_escaped),
        cmocka_unit_test(a_value_of_nothing_but_escapes_fits),
        cmocka_unit_test(a_line_ends_whatever_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
