#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "ssoferry/framing.h"

#define POST "POST /old-sso/acme HTTP/1.1\r\n"
#define HOST "Host: sso.example.com\r\n"

static const struct {
    const char *head;
    enum framing framing;
} heads[] = {
    {POST HOST "Content-Length: 3\r\n\r\nabc", FRAMING_GOOD},
    {"GET / HTTP/1.1\r\n" HOST "\r\n", FRAMING_GOOD},
    {"\r\nGET / HTTP/1.1\r\n" HOST "\r\n", FRAMING_GOOD},
    {"GET / HTTP/1.0\r\n\r\n", FRAMING_GOOD},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", FRAMING_GOOD},
    {POST "host:  [::1]:8080 \r\nCONTENT-LENGTH:0\r\n\r\n", FRAMING_GOOD},
    {POST "Host:\r\n\r\n", FRAMING_GOOD},
    {POST HOST "X-Odd!#$%&'*+-.^_`|~: \xff\r\n\r\n", FRAMING_GOOD},
    {POST HOST "Transfer-Encoding: chunked\r\n\r\n", FRAMING_CLOSE},
    {"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", FRAMING_CLOSE},
    {"POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n", FRAMING_GOOD},
    {"GET / HTTP/1.1\n" HOST "\r\n", FRAMING_BARE_LINE_FEED},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", FRAMING_BARE_LINE_FEED},
    {"GET / HTTP/1.1\r\n" HOST "\n", FRAMING_BARE_LINE_FEED},
    {"GET / HTTP/1.1\r\n" HOST, FRAMING_BARE_LINE_FEED},
    {"", FRAMING_BARE_LINE_FEED},
    {POST HOST "\rHost: b\r\n\r\n", FRAMING_GOOD}, /* libh2o has refused it */
    {POST HOST "Content\rLength: 3\r\n\r\n", FRAMING_BAD_FIELD},
    {POST HOST "Transfer\rEncoding: chunked\r\n\r\n", FRAMING_BAD_FIELD},
    {POST HOST "Cache\rControl: no-store\r\n\r\n", FRAMING_BAD_FIELD},
    {POST HOST "Content-Type : text/html\r\n\r\n", FRAMING_BAD_FIELD},
    {POST HOST "Content-Lengt: 3\r\nTransfer-Encodinh: chunked\r\nHosu: a b\r\n\r\n", FRAMING_GOOD},
    {POST HOST " folded\r\n\r\n", FRAMING_FOLDED_LINE},
    {POST HOST "Content-Length: 3\r\n\tTransfer-Encoding: chunked\r\n\r\n", FRAMING_FOLDED_LINE},
    {POST HOST "Content-Length : 3\r\n\r\n", FRAMING_BAD_FIELD},
    {POST HOST "Transfer-Encoding\r\n\r\n", FRAMING_BAD_FIELD},
    {POST HOST "Host : b\r\n\r\n", FRAMING_BAD_FIELD},
    {POST HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", FRAMING_LENGTH_TWICE},
    {POST HOST "Content-Length: 3\r\ncontent-length: 3\r\n\r\n", FRAMING_LENGTH_TWICE},
    {POST HOST "Content-Length: 3, 3\r\n\r\n", FRAMING_LENGTH_TWICE},
    {POST HOST "Content-Length: +3\r\n\r\n", FRAMING_LENGTH_TWICE},
    {POST HOST "Content-Length: 0x3\r\n\r\n", FRAMING_LENGTH_TWICE},
    {POST HOST "Content-Length:\r\n\r\n", FRAMING_LENGTH_TWICE},
    {POST HOST "Content-Length: 9223372036854775808\r\n\r\n", FRAMING_LENGTH_TWICE},
    {POST HOST "Content-Length: 99999999999999999999\r\n\r\n", FRAMING_LENGTH_TWICE},
    {POST HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", FRAMING_LENGTH_AND_CODING},
    {POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", FRAMING_LENGTH_AND_CODING},
    {POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", FRAMING_CODING_TWICE},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", FRAMING_CODING_IN_OLD_HTTP},
    {POST "\r\n", FRAMING_NO_HOST},
    {POST HOST HOST "\r\n", FRAMING_HOST_TWICE},
    {POST "Host: a, b\r\n\r\n", FRAMING_BAD_HOST},
    {POST "Host: a b\r\n\r\n", FRAMING_BAD_HOST},
    {POST "Host: user@a\r\n\r\n", FRAMING_BAD_HOST},
    {POST "Host: a/b\r\n\r\n", FRAMING_BAD_HOST},
    {"POST http://a/old-sso/acme HTTP/1.1\r\n" HOST "\r\n", FRAMING_BAD_TARGET},
    {"CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", FRAMING_BAD_TARGET},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", FRAMING_BAD_TARGET},
    {"GET /\r\n" HOST "\r\n", FRAMING_BAD_TARGET},
    {" / HTTP/1.1\r\n" HOST "\r\n", FRAMING_BAD_TARGET},
};

static void a_head_leaves_no_doubt(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); ++i) {
        size_t size = 0;
        enum framing framing = framing_check(text_of(heads[i].head), &size);
        if (framing != heads[i].framing)
            fail_msg("%s: %d (%s)", heads[i].head, (int)framing, framing_code(framing));
        assert_int_equal(framing > FRAMING_CLOSE, framing_code(framing)[0] != '\0');
        if (framing <= FRAMING_CLOSE)
            assert_ptr_equal(heads[i].head + size, strstr(heads[i].head, "\r\n\r\n") + 4);
    }
}

static void every_cut_of_a_head_is_in_doubt(void **state)
{
    static const char head[] = "\r\n" POST HOST "Content-Length: 3\r\nAccept: */*\r\n\r\n";
    size_t head_size = 0;
    (void)state;
    for (size_t size = 0; size < sizeof(head) - 1; ++size)
        assert_true(framing_check(text_slice(head, size), &head_size) > FRAMING_CLOSE);
    assert_int_equal(framing_check(text_slice(head, sizeof(head) - 1), &head_size), FRAMING_GOOD);
}

/* Line feeds are looked for in blocks: whatever lies where in them, the verdict is the same. */
static void where_a_line_lies_does_not_matter(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); ++i) {
        const char *rest = strchr(heads[i].head, '\n');
        for (size_t pad = 0; rest != NULL && rest > heads[i].head && rest[-1] == '\r' && pad < 130; ++pad) {
            char filler[130], *head = NULL;
            memset(filler, 'x', pad);
            int first = (int)(rest + 1 - heads[i].head);
            int size = asprintf(&head, "%.*sX: %.*s\r\n%s", first, heads[i].head, (int)pad, filler, rest + 1);
            size_t head_size = 0;
            assert_true(size > 0);
            bool empty = first == 2; /* the empty line that may come first */
            if (!empty)
                assert_int_equal(framing_check(text_slice(head, (size_t)size), &head_size), heads[i].framing);
            free(head);
        }
    }
}

/* The two sets of bytes are written as bits; here they are spelled out. */
static void names_and_hosts_take_just_their_characters(void **state)
{
    static const char token[] = "!#$%&'*+-.^_`|~";
    static const char no_host[] = "\"#/<>?@\\^`{|},";
    (void)state;
    for (int c = 1; c < 256; ++c) {
        char head[64];
        size_t size = 0;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c == '\r' || c == '\n' || c == ' ' || c == '\t')
            continue;
        snprintf(head, sizeof(head), "GET / HTTP/1.1\r\n" HOST "t%cy: z\r\n\r\n", c);
        bool good = letter || c == ':' || strchr(token, c) != NULL;
        assert_int_equal(framing_check(text_of(head), &size), good ? FRAMING_GOOD : FRAMING_BAD_FIELD);
        snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: x%cy\r\n\r\n", c);
        good = c > 0x20 && c < 0x7f && strchr(no_host, c) == NULL;
        assert_int_equal(framing_check(text_of(head), &size), good ? FRAMING_GOOD : FRAMING_BAD_HOST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_leaves_no_doubt),
        cmocka_unit_test(every_cut_of_a_head_is_in_doubt),
        cmocka_unit_test(where_a_line_lies_does_not_matter),
        cmocka_unit_test(names_and_hosts_take_just_their_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
