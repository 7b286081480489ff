#include "check.h"

#include "ssoferry/url.h"

static const struct {
    const char *source;
    bool good;
} urls[] = {
    {"https://api.stytch.com/v1/b2b/sso/callback/x", true},
    {"HTTPS://api.stytch.com", true},
    {"https://a.b:8443/x?y=%20&z", true},
    {"https://[::1]:9/x", true},
    {"http://127.0.0.1:9000", true},
    {"https://under_score.example.com/", true},
    {"", false},
    {"api.stytch.com", false},
    {"//api.stytch.com/", false},
    {"ftp://api.stytch.com/", false},
    {"javascript:alert(1)", false},
    {"https:/api.stytch.com", false},
    {"https://", false},
    {"https:///x", false},
    {"https://user@api.stytch.com/", false},
    {"https://api.stytch.com@evil.example/", false},
    {"https://api.stytch.com:80@evil.example/", false},
    {"https://evil.example\\@api.stytch.com/", false},
    {"https://api.stytch.com\\.evil.example/", false},
    {"https://api.stytch.com/a b", false},
    {"https://api.stytch.com/a\r\nX: y", false},
    {"https://api.stytch.com/\xc3\xa9", false},
    {"https://api.stytch.com/#f", false},
    {"https://api.stytch.com/\"", false},
    {"https://api..stytch.com/", false},
    {"https://.stytch.com/", false},
    {"https://api.stytch.com./", false},
    {"https://api.stytch.com:/", false},
    {"https://api.stytch.com:0/", false},
    {"https://api.stytch.com:65536/", false},
    {"https://api.stytch.com:8x/", false},
    {"https://[::1", false},
    {"https://[zz]/", false},
    {"https://[::1]x/", false},
    {"https://api%2estytch.com/", false},
};

static void only_plain_absolute_urls_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); ++i) {
        struct url url;
        const char *why = NULL;
        if (url_parse(text_of(urls[i].source), &url, &why) != urls[i].good)
            fail_msg("%s: %s", urls[i].source, urls[i].good ? why : "parsed");
    }
}

/* What a NUL hides from the C library is in the URL nevertheless. */
static void a_nul_byte_is_no_end(void **state)
{
    const struct text sources[] = {TEXT("https://[::1\0anything\r\n]/"), TEXT("https://a.example\0/"),
                                   TEXT("https://a.example/\0"), TEXT("http://127.0.0.1\0.example:80/")};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sources); ++i) {
        struct url url;
        const char *why = NULL;
        if (url_parse(sources[i], &url, &why))
            fail_msg("%zu parsed", i);
    }
}

static void a_url_has_its_parts(void **state)
{
    struct url url;
    const char *why = NULL;
    (void)state;
    assert_true(url_parse(TEXT("https://a.example:8443/p/q?x=1&y"), &url, &why));
    assert_text(url.host, "a.example");
    assert_text(url.authority, "a.example:8443");
    assert_int_equal(url.port, 8443);
    assert_text(url.path, "/p/q");
    assert_true(url.has_query);
    assert_text(url.query, "x=1&y");
    assert_true(url_parse(TEXT("http://[::1]"), &url, &why));
    assert_text(url.host, "::1");
    assert_int_equal(url.port, 80);
    assert_false(url.has_query);
}

static void a_url_has_a_longest_size(void **state)
{
    char source[URL_SIZE_MAX + 1];
    struct url url;
    const char *why = NULL;
    (void)state;
    memset(source, 'a', sizeof(source));
    memcpy(source, "https://a.example/", 18);
    assert_true(url_parse(text_slice(source, URL_SIZE_MAX), &url, &why));
    assert_false(url_parse(text_slice(source, URL_SIZE_MAX + 1), &url, &why));
}

static const struct {
    const char *source;
    bool allowed;
} destinations[] = {
    {"https://api.stytch.com/x", true},
    {"https://API.Stytch.COM/x", true},
    {"https://api.stytch.com:443/x", true},
    {"https://test.stytch.com/x", true},
    {"https://brave-cat-1234.customers.stytch.com/x", true},
    {"https://brave-cat-1234.customers.stytch.dev/x", true},
    {"https://login.example.com/x", true},
    {"https://port.example.com:8443/x", true},
    {"https://a.wild.example.com/x", true},
    {"http://127.0.0.1:9000/x", true},
    {"http://api.stytch.com/x", false},
    {"https://api.stytch.com:8443/x", false},
    {"https://stytch.com/x", false},
    {"https://www.stytch.com/x", false},
    {"https://evil-api.stytch.com.evil.example/x", false},
    {"https://xapi.stytch.com/x", false},
    {"https://customers.stytch.com/x", false},
    {"https://a.b.customers.stytch.com/x", false},
    {"https://wild.example.com/x", false},
    {"https://port.example.com/x", false},
    {"http://127.0.0.1:9001/x", false},
    {"http://127.0.0.1/x", false},
    {"http://login.example.com/x", false},
};

static void only_listed_hosts_are_allowed(void **state)
{
    static const char *const patterns[] = {"login.example.com", "Port.example.com:8443", "*.wild.example.com",
                                           "127.0.0.1:9000"};
    struct allowed_hosts *hosts = allowed_hosts_new();
    const char *why = NULL;
    (void)state;
    allowed_hosts_add_stytch(hosts);
    for (size_t i = 0; i < COUNT_OF(patterns); ++i)
        assert_true(allowed_hosts_add(hosts, text_of(patterns[i]), &why));
    for (size_t i = 0; i < COUNT_OF(destinations); ++i) {
        struct url url;
        assert_true(url_parse(text_of(destinations[i].source), &url, &why));
        if (allowed_hosts_check(hosts, &url, &why) != destinations[i].allowed)
            fail_msg("%s: %s", destinations[i].source, destinations[i].allowed ? why : "allowed");
    }
    allowed_hosts_free(hosts);
}

static void wide_or_broken_patterns_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "*",
                                      "*.com",
                                      "*.*.example.com",
                                      "https://a.example",
                                      "a.example/x",
                                      "a b",
                                      "*a.example.com",
                                      "a.example:0",
                                      "user@a.example"};
    struct allowed_hosts *hosts = allowed_hosts_new();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); ++i) {
        const char *why = NULL;
        if (allowed_hosts_add(hosts, text_of(bad[i]), &why))
            fail_msg("the pattern \"%s\" was taken", bad[i]);
        assert_non_null(why);
    }
    allowed_hosts_free(hosts);
    allowed_hosts_free(NULL);
}

/* Plain http goes nowhere else. */
static void loopback_is_of_this_machine(void **state)
{
    static const struct {
        const char *source;
        bool loopback;
    } cases[] = {
        {"http://127.0.0.1/", true},
        {"http://127.255.255.254:8080", true},
        {"http://localhost", true},
        {"http://LocalHost:1/", true},
        {"http://[::1]/", true},
        {"http://10.0.0.1/", false},
        {"http://126.255.255.255/", false},
        {"http://128.0.0.0/", false},
        {"http://0.0.0.0/", false},
        {"http://[::2]/", false},
        {"http://127.0.0.1.evil/", false},
        {"http://localhost.evil/", false},
        {"http://127/", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        struct url url;
        const char *why = NULL;
        assert_true(url_parse(text_of(cases[i].source), &url, &why));
        if (url_is_loopback(&url) != cases[i].loopback)
            fail_msg("%s", cases[i].source);
    }
}

static void own_names_are_recognised(void **state)
{
    static const struct text own[] = {{"SSO.example.com", 15}, {"other.example.com:8443", 22}, {"[::1]", 5}};
    static const struct {
        const char *source;
        bool own;
    } cases[] = {
        {"https://sso.example.com/x", true},      {"https://sso.example.com:9/x", true},
        {"https://other.example.com:8443", true}, {"https://[::1]:5/", true},
        {"https://other.example.com/", false},    {"https://xsso.example.com/", false},
        {"https://sso.example.com.evil/", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        struct url url;
        const char *why = NULL;
        assert_true(url_parse(text_of(cases[i].source), &url, &why));
        if (url_leads_to(&url, own, COUNT_OF(own)) != cases[i].own)
            fail_msg("%s", cases[i].source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_plain_absolute_urls_parse),
        cmocka_unit_test(a_nul_byte_is_no_end),
        cmocka_unit_test(a_url_has_its_parts),
        cmocka_unit_test(a_url_has_a_longest_size),
        cmocka_unit_test(only_listed_hosts_are_allowed),
        cmocka_unit_test(wide_or_broken_patterns_are_refused),
        cmocka_unit_test(loopback_is_of_this_machine),
        cmocka_unit_test(own_names_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
