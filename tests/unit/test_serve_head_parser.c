#include "check.h"

#include <stdio.h>

#include "head_pair.h"

#define BROWSER                                                                                                        \
    "POST /old-sso/acme?a=b HTTP/1.1\r\nHost: sso.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) "         \
    "AppleWebKit/537.36\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"                \
    "Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Site: cross-site\r\nContent-Length: "                                   \
    "3\r\n\r\nabcdefghijklmnopqrstuvwxyz"

static const char *const heads[] = {
    BROWSER,
    "\r\nGET / HTTP/1.0\r\n\r\n",
    "POST / HTTP/1.0\r\nExpect: 100-continue\r\nExpecT:a\r\n folded\r\nAccept: a\r\n\r\n",
    "\nGET / HTTP/1.1\nHost: a\nB:c\n\n",
    "GET /\xc3\xa9 HTTP/1.1\r\nHost:\t a\t\r\nName: \xc3\xa9t\xc3\xa9 \tand\tmore\r\n "
    "folded\r\n\tagain\r\nLast:\r\n\r\n",
    "G!#$%&'*+-.^_`|~T / HTTP/1.1\r\n!#$%&'*+-.^_`|~: all of a token's\r\nX_y.z-1: 2\r\nA:b\r\nA: b\r\nA:  b\r\n"
    "Fifteen-Letters: 1\r\nSixteen--Letters: 2\r\nSeventeen-Letters: 3\r\n\r\nabcdefghijklmnopqrstuvwxyz"
    "abcdefghijklmnopqrstuvwxyz",
    "GET / HTTP/2.0\r\nRefused: in its first line, once that or all is there\r\nHost: a\r\n\r\n",
};

/* What a test says of a head that is read otherwise. */
static void must_read_alike(struct text head, size_t room, size_t last_size)
{
    struct parsed_head ours;
    if (!both_read_alike(head, room, last_size, &ours))
        fail_msg("read otherwise, with %zu fields and %zu bytes before: %d from\n%.*s", room, last_size, ours.size,
                 TEXT_ARGS(head));
}

static void a_head_is_cut_into_its_parts(void **state)
{
    struct parsed_head parsed;
    struct text head = text_of(heads[0]);
    (void)state;
    parse_head(phr_parse_request, head, HEAD_FIELDS_MAX, 0, &parsed);
    assert_int_equal(parsed.size, strstr(heads[0], "\r\n\r\n") + 4 - heads[0]);
    assert_text(parsed.method, "POST");
    assert_text(parsed.target, "/old-sso/acme?a=b");
    assert_int_equal(parsed.minor_version, 1);
    assert_int_equal(parsed.count, 3);
    assert_text(text_slice(parsed.fields[0].name, parsed.fields[0].name_len), "Host");
    assert_text(text_slice(parsed.fields[0].value, parsed.fields[0].value_len), "sso.example.com");
    assert_text(text_slice(parsed.fields[1].name, parsed.fields[1].name_len), "Accept");
    assert_text(text_slice(parsed.fields[2].value, parsed.fields[2].value_len), "3");
    head.size = (size_t)parsed.size - 1;
    parse_head(phr_parse_request, head, HEAD_FIELDS_MAX, 0, &parsed);
    assert_int_equal(parsed.size, HEAD_PARSER_PARTIAL);
    parse_head(phr_parse_request, text_of("GET / HTTP/2.0\r\n\r\n"), HEAD_FIELDS_MAX, 0, &parsed);
    assert_int_equal(parsed.size, HEAD_PARSER_BAD);
}

static void fields_are_handed_on_where_somebody_reads_them(void **state)
{
    static const char head[] =
        "GET / HTTP/1.1\r\nhost: a\r\nCookie: a\r\nCONTENT-length: 0\r\ntransfer-encoding: chunked\r\n"
        "User-Agent: a\r\nexpect: 100-continue\r\nUpgrade: a\r\nconnection: close\r\n"
        "content-TYPE: a\r\nx-request-id: a\r\nX-Forwarded-For: ::1\r\nAccept-Language: a\r\n"
        "x-forwarded-for: ::2\r\nIF-none-match: a\r\nSec-Fetch-Site: none\r\nAccept: a\r\n\r\n";
    struct parsed_head parsed;
    (void)state;
    parse_head(phr_parse_request, text_of(head), HEAD_FIELDS_MAX, 0, &parsed);
    assert_int_equal(parsed.count, 12);
    for (size_t i = 0; i < parsed.count; ++i)
        assert_true(somebody_reads(&parsed.fields[i]));
}

static void old_http_knows_no_expectations(void **state)
{
    struct parsed_head parsed;
    (void)state;
    parse_head(
        phr_parse_request,
        text_of("POST / HTTP/1.0\r\neXPECT: 100-continue\r\nHost: a\r\nExpect: a\r\nExpecT:b\r\nAccept: a\r\n\r\n"),
        HEAD_FIELDS_MAX, 0, &parsed);
    assert_int_equal(parsed.count, 2);
    assert_text(text_slice(parsed.fields[0].name, parsed.fields[0].name_len), "Host");
    assert_text(text_slice(parsed.fields[1].name, parsed.fields[1].name_len), "Accept");
}

static void the_other_parser_is_another(void **state)
{
    (void)state;
    assert_non_null(head_parser_of_libh2o());
    assert_true(head_parser_of_libh2o() != phr_parse_request);
}

/* Wherever it is cut, and however much of it was there before. */
static void every_part_of_a_head_is_read_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); ++i)
        for (size_t size = 0; size <= strlen(heads[i]); ++size)
            for (size_t before = 0; before == 0 || before < size; ++before)
                must_read_alike(text_slice(heads[i], size), HEAD_FIELDS_MAX, before);
}

static void every_byte_at_every_place_is_read_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); ++i) {
        char changed[1024];
        struct text head = text_slice(changed, (size_t)snprintf(changed, sizeof(changed), "%s", heads[i]));
        for (size_t at = 0; at < head.size; ++at) {
            for (unsigned byte = 0; byte < 256; ++byte) {
                changed[at] = (char)byte;
                must_read_alike(head, HEAD_FIELDS_MAX, 0);
            }
            changed[at] = heads[i][at];
        }
    }
}

static void a_head_without_one_of_its_bytes_is_read_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); ++i) {
        for (int at = 0; heads[i][at] != '\0'; ++at) {
            char rest[1024];
            int size = snprintf(rest, sizeof(rest), "%.*s%s", at, heads[i], heads[i] + at + 1);
            must_read_alike(text_slice(rest, (size_t)size), HEAD_FIELDS_MAX, 0);
        }
    }
}

/* Blocks and their ends are looked at in other ways: so each line is moved through them. */
static void where_a_line_lies_does_not_matter(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); ++i) {
        for (int pad = 0; pad < 130; ++pad) {
            char moved[1024];
            int size = snprintf(moved, sizeof(moved), "GET / HTTP/1.1\r\nX: %0*d\r\n%s", pad, 0, strchr(heads[i], '/'));
            must_read_alike(text_slice(moved, (size_t)size), HEAD_FIELDS_MAX, 0);
        }
    }
}

static void where_a_line_is_cut_does_not_matter(void **state)
{
    (void)state;
    for (int pad = 0; pad < 130; ++pad) {
        char line[1024];
        int size = snprintf(line, sizeof(line), "GET /%0*d HTTP/1.1\r\n%0*d: a\r\n\r\n\r\n", pad, 0, pad, 1);
        for (int cut = 15; cut <= size; ++cut)
            must_read_alike(text_slice(line, (size_t)cut), HEAD_FIELDS_MAX, 0);
        size = snprintf(line, sizeof(line), "GET / HTTP/1.1\r\nX: %0*d\r\n\r\n", pad, 0);
        for (int cut = 15; cut <= size; ++cut)
            must_read_alike(text_slice(line, (size_t)cut), HEAD_FIELDS_MAX, 0);
    }
}

static void more_fields_than_there_is_room_for_are_refused(void **state)
{
    struct parsed_head parsed;
    (void)state;
    for (size_t room = 0; room < 8; ++room) {
        must_read_alike(text_of(heads[0]), room, 0);
        parse_head(phr_parse_request, text_of(heads[0]), room, 0, &parsed);
        assert_int_equal(parsed.size < 0, room < 6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_cut_into_its_parts),
        cmocka_unit_test(fields_are_handed_on_where_somebody_reads_them),
        cmocka_unit_test(old_http_knows_no_expectations),
        cmocka_unit_test(the_other_parser_is_another),
        cmocka_unit_test(every_part_of_a_head_is_read_alike),
        cmocka_unit_test(every_byte_at_every_place_is_read_alike),
        cmocka_unit_test(a_head_without_one_of_its_bytes_is_read_alike),
        cmocka_unit_test(where_a_line_lies_does_not_matter),
        cmocka_unit_test(where_a_line_is_cut_does_not_matter),
        cmocka_unit_test(more_fields_than_there_is_room_for_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
