#include "check.h"

#include <stdlib.h>

#include "ssoferry/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\xc0\x00\x02\x01\xc6\x33\x64\x01\xc3\x50\x01\xbb"
#define V6        "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xc3\x50\x01\xbb"
#define EIGHT     "TLVTLV.."
#define UNIX      EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT /* a third of its 216 bytes */

/* As TEXT(), for a table. */
#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    }

static const struct {
    const char *name;
    struct text header;
    enum proxy_header answer;
    const char *ip;
} headers[] = {
    {"v1", BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 50000 443\r\n"), PROXY_HEADER_ADDRESS, "192.0.2.1"},
    {"v1 over IPv6", BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 50000 443\r\n"), PROXY_HEADER_ADDRESS, "2001:db8::1"},
    {"v1 unknown", BYTES("PROXY UNKNOWN\r\n"), PROXY_HEADER_LOCAL, NULL},
    {"v1 unknown and more", BYTES("PROXY UNKNOWN ffff::1 ffff::1 65535 65535\r\n"), PROXY_HEADER_LOCAL, NULL},
    {"v1 longest",
     BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
           "65535\r\n"),
     PROXY_HEADER_LOCAL, NULL},
    {"v1 other protocol", BYTES("PROXY UDP4 192.0.2.1 198.51.100.1 50000 443\r\n"), PROXY_HEADER_BAD, NULL},
    {"v1 no protocol", BYTES("PROXY \r\n"), PROXY_HEADER_BAD, NULL},
    {"v1 wrong family", BYTES("PROXY TCP4 2001:db8::1 2001:db8::2 50000 443\r\n"), PROXY_HEADER_BAD, NULL},
    {"v1 other wrong family", BYTES("PROXY TCP6 192.0.2.1 198.51.100.1 50000 443\r\n"), PROXY_HEADER_BAD, NULL},
    {"v1 bad address", BYTES("PROXY TCP4 192.0.2.256 198.51.100.1 50000 443\r\n"), PROXY_HEADER_BAD, NULL},
    {"v1 bad target", BYTES("PROXY TCP4 192.0.2.1 198.51.100 50000 443\r\n"), PROXY_HEADER_BAD, NULL},
    {"v1 bad port", BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n"), PROXY_HEADER_BAD, NULL},
    {"v1 port with zeros", BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 050000 443\r\n"), PROXY_HEADER_BAD, NULL},
    {"v1 too few", BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 50000\r\n"), PROXY_HEADER_BAD, NULL},
    {"v1 too many", BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 50000 443 1\r\n"), PROXY_HEADER_BAD, NULL},
    {"v1 two spaces", BYTES("PROXY TCP4  192.0.2.1 198.51.100.1 50000 443\r\n"), PROXY_HEADER_BAD, NULL},
    {"v1 bare line feed", BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 50000 443\n"), PROXY_HEADER_BAD, NULL},
    {"v2", BYTES(SIGNATURE "\x21\x11\0\x0c" V4), PROXY_HEADER_ADDRESS, "192.0.2.1"},
    {"v2 over IPv6", BYTES(SIGNATURE "\x21\x21\0\x24" V6), PROXY_HEADER_ADDRESS, "2001:db8::1"},
    {"v2 with TLVs", BYTES(SIGNATURE "\x21\x11\0\x14" V4 EIGHT), PROXY_HEADER_ADDRESS, "192.0.2.1"},
    {"v2 local", BYTES(SIGNATURE "\x20\x00\0\0"), PROXY_HEADER_LOCAL, NULL},
    {"v2 local with an address", BYTES(SIGNATURE "\x20\x11\0\x0c" V4), PROXY_HEADER_LOCAL, NULL},
    {"v2 unspecified", BYTES(SIGNATURE "\x21\x00\0\x08" EIGHT), PROXY_HEADER_LOCAL, NULL},
    {"v2 unix", BYTES(SIGNATURE "\x21\x31\0\xd8" UNIX UNIX UNIX), PROXY_HEADER_LOCAL, NULL},
    {"v2 short unix", BYTES(SIGNATURE "\x21\x31\0\x08" EIGHT), PROXY_HEADER_BAD, NULL},
    {"v2 short", BYTES(SIGNATURE "\x21\x11\0\x08" EIGHT), PROXY_HEADER_BAD, NULL},
    {"v2 short over IPv6", BYTES(SIGNATURE "\x21\x21\0\x0c" V4), PROXY_HEADER_BAD, NULL},
    {"v2 one byte short", BYTES(SIGNATURE "\x21\x11\0\x0b\xc0\x00\x02\x01\xc6\x33\x64\x01\xc3\x50\x01"),
     PROXY_HEADER_BAD, NULL},
    {"v2 one byte short over IPv6", BYTES(SIGNATURE "\x21\x21\0\x23" EIGHT EIGHT EIGHT EIGHT "TLV"), PROXY_HEADER_BAD,
     NULL},
    {"v2 datagram", BYTES(SIGNATURE "\x21\x12\0\x0c" V4), PROXY_HEADER_BAD, NULL},
    {"v2 no such family", BYTES(SIGNATURE "\x21\x41\0\x0c" V4), PROXY_HEADER_BAD, NULL},
    {"v2 no such command", BYTES(SIGNATURE "\x22\x11\0\x0c" V4), PROXY_HEADER_BAD, NULL},
    {"v3", BYTES(SIGNATURE "\x31\x11\0\x0c" V4), PROXY_HEADER_BAD, NULL},
    {"v2 too large", BYTES(SIGNATURE "\x21\x11\x0f\xf1"), PROXY_HEADER_BAD, NULL},
    {"http", BYTES("GET / HTTP/1.1\r\n"), PROXY_HEADER_BAD, NULL},
    {"put", BYTES("PUT / HTTP/1.1\r\n"), PROXY_HEADER_BAD, NULL},
    {"tls", BYTES("\x16\x03\x01"), PROXY_HEADER_BAD, NULL},
    {"lower case", BYTES("proxy TCP4 192.0.2.1 198.51.100.1 50000 443\r\n"), PROXY_HEADER_BAD, NULL},
};

/* From a block of its own size, so that a sanitizer sees a byte read too many. */
static enum proxy_header read_exactly(const char *at, size_t size, struct proxied *proxied)
{
    char *exact = malloc(size == 0 ? 1 : size);
    memcpy(exact, at, size);
    enum proxy_header answer = proxy_header_read(text_slice(exact, size), proxied);
    free(exact);
    return answer;
}

static void headers_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(headers); ++i) {
        struct proxied proxied = {0};
        enum proxy_header answer = read_exactly(headers[i].header.at, headers[i].header.size, &proxied);
        if (answer != headers[i].answer)
            fail_msg("%s: %d", headers[i].name, (int)answer);
        if (answer < PROXY_HEADER_LOCAL)
            continue;
        assert_int_equal(proxied.size, headers[i].header.size);
        if (headers[i].ip == NULL)
            continue;
        char out[IP_TEXT_SIZE];
        assert_text(ip_format(&proxied.ip, out), headers[i].ip);
        assert_int_equal(proxied.port, 50000);
    }
}

static void what_follows_is_left_alone(void **state)
{
    char longer[512];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(headers); ++i) {
        struct proxied proxied = {0};
        size_t size = headers[i].header.size;
        if (headers[i].answer < PROXY_HEADER_LOCAL)
            continue;
        memcpy(longer, headers[i].header.at, size);
        memcpy(longer + size, "PROXY \r\n", 8);
        assert_int_equal(proxy_header_read(text_slice(longer, size + 8), &proxied), headers[i].answer);
        assert_int_equal(proxied.size, size);
    }
}

static void every_cut_of_a_good_one_asks_for_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(headers); ++i) {
        struct proxied proxied = {0};
        for (size_t size = 0; headers[i].answer >= PROXY_HEADER_LOCAL && size < headers[i].header.size; ++size)
            assert_int_equal(read_exactly(headers[i].header.at, size, &proxied), PROXY_HEADER_MORE);
    }
}

static void a_header_is_bounded(void **state)
{
    char line[PROXY_LINE_SIZE_MAX + 2] = "PROXY UNKNOWN ";
    char block[PROXY_HEADER_SIZE_MAX] = SIGNATURE "\x21\x11\x0f\xf0" V4;
    struct proxied proxied = {0};
    (void)state;
    memset(line + 14, 'x', sizeof(line) - 14);
    assert_int_equal(proxy_header_read(text_slice(line, PROXY_LINE_SIZE_MAX - 1), &proxied), PROXY_HEADER_MORE);
    assert_int_equal(proxy_header_read(text_slice(line, PROXY_LINE_SIZE_MAX), &proxied), PROXY_HEADER_BAD);
    memcpy(line + PROXY_LINE_SIZE_MAX - 1, "\r\n", 2);
    assert_int_equal(proxy_header_read(text_slice(line, sizeof(line) - 1), &proxied), PROXY_HEADER_BAD);
    assert_int_equal(proxy_header_read(text_slice(block, sizeof(block) - 1), &proxied), PROXY_HEADER_MORE);
    assert_int_equal(proxy_header_read(text_slice(block, sizeof(block)), &proxied), PROXY_HEADER_ADDRESS);
    assert_int_equal(proxied.size, sizeof(block));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read),
        cmocka_unit_test(what_follows_is_left_alone),
        cmocka_unit_test(every_cut_of_a_good_one_asks_for_more),
        cmocka_unit_test(a_header_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
