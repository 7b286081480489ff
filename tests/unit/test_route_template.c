#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "ssoferry/memory.h"
#include "ssoferry/template.h"

static struct template *compiled(const char *source)
{
    struct template *template;
    char why[256];
    size_t at;
    if (!template_parse(&template, text_of(source), why, &at))
        fail_msg("%s: %s (at %zu)", source, why, at);
    return template;
}

/* -- compiling -- */

static const struct {
    const char *source;
    bool has_identifier;
} good_templates[] = {
    {"/", false},
    {"/**", false},
    {"/old-sso/{identifier}", true},
    {"/complete/saml/", false},
    {"//a///b//", false},
    {"/a/*/{identifier}", true},
    {"/acs-{identifier}.do", true},
    {"/groups/{identifier...}/-/saml/callback", true},
    {"/**/saml/{identifier}", true},
    {"/a?b={identifier}", true},
    {"/a?b=*&c=d&e&f={identifier}", true},
    {"/a?&&b&", false},
    {"https://sso.example.com/{identifier}", true},
    {"http://SSO.Example.com:8080/a", false},
    {"https://{identifier}.sso.example.com/acs", true},
    {"https://sso.{identifier}.example.com/acs", true},
    {"https://*.example.com/{identifier}", true},
    {"https://{identifier}/acs", true},
    {"https://{identifier}:8443/acs", true},
    {"https://*/acs", false},
    {"https://[::1]/acs", false},
    {"https://[2001:DB8::1]:443/acs", false},
    {"https://example.com./acs", false},
    {"/%7Ba%7D/%2A%25/{identifier}", true},
    {"/Zürich/{identifier}", true},
    {"/a;b,c/../.%2e/{identifier}", true},
    {"/a?x=%26&y=%2A+1", false},
};

static const struct {
    const char *source;
    size_t at;
    const char *why; /* a part of it */
} bad_templates[] = {
    {"", 0, "starts neither"},
    {"old-sso/{identifier}", 0, "starts neither"},
    {"ftp://example.com/a", 0, "starts neither"},
    {"HTTPS//x", 0, "starts neither"},
    {"https://example.com", 19, "path has to follow"},
    {"https://example.com?a", 19, "a host is made of"},
    {"https:///a", 8, "host is empty"},
    {"https://:80/a", 8, "host is empty"},
    {"https://a..b/c", 10, "empty label"},
    {"https://.a/c", 8, "empty label"},
    {"https://a.b../c", 12, "empty label"},
    {"https://user@example.com/a", 12, "a host is made of"},
    {"https://a:b/c", 9, "not a port"},
    {"https://a:65536/c", 9, "not a port"},
    {"https://a:/c", 9, "not a port"},
    {"https://[::1/a", 8, "needs its ']'"},
    {"https://[::1]x/a", 13, "not a port"},
    {"https://[fe80::1%25eth0]/a", 16, "hexadecimal"},
    {"https://acs-{identifier}.example.com/a", 8, "whole label"},
    {"https://{identifier...}.example.com/a", 8, "for paths only"},
    {"https://{identifier...}/a", 8, "for paths only"},
    {"https://*.*.example.com/a", 10, "only one label"},
    {"https://*.{identifier}.com/a", 10, "only one label"},
    {"https://a*.example.com/a", 9, "a host is made of"},
    {"https://{identifier}.example.com/{identifier}", 33, "is there twice"},
    {"/{identifier}/{identifier}", 14, "is there twice"},
    {"/{identifier}?a={identifier}", 16, "is there twice"},
    {"/{identifier}{identifier}", 13, "is there twice"},
    {"/{identifer}", 1, "only {identifier}"},
    {"/{ identifier }", 2, "a space"},
    {"/{identifier", 1, "only {identifier}"},
    {"/identifier}", 11, "without its '{'"},
    {"/{Identifier}", 1, "only {identifier}"},
    {"/a{identifier...}", 1, "whole segment"},
    {"/a/**", 3, "first segment"},
    {"/**/**", 4, "first segment"},
    {"/***", 1, "write %2A"},
    {"/a*", 2, "write %2A"},
    {"/*{identifier}", 1, "write %2A"},
    {"/%zz", 1, "two hexadecimal digits"},
    {"/a/%2", 3, "two hexadecimal digits"},
    {"/a b", 2, "a space"},
    {"/a#b", 2, "fragment"},
    {"/a\tb", 0, "control character"},
    {"/a\xff", 0, "not UTF-8"},
    {"/a?", 3, "nothing after"},
    {"/a?&", 3, "nothing after"},
    {"/a?=b", 3, "no name"},
    {"/a?b=1&b=2", 7, "is there twice"},
    {"/a?b&%62", 5, "is there twice"},
    {"/a?b=x{identifier}", 5, "whole value"},
    {"/a?b={identifier...}", 5, "whole value"},
    {"/a?b=x*", 6, "write %2A"},
    {"/a?*=b", 3, "write %2A"},
    {"/a?{identifier}=b", 3, "name cannot hold"},
    {"/a?b=%z", 5, "two hexadecimal digits"},
};

static void good_templates_compile(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good_templates); i++) {
        struct template *template = compiled(good_templates[i].source);
        assert_text(template_source(template), good_templates[i].source);
        if (template_has_identifier(template) != good_templates[i].has_identifier)
            fail_msg("%s: identifier seen wrongly", good_templates[i].source);
        template_free(template);
    }
    template_free(NULL);
}

static void bad_templates_are_refused_where_they_are_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_templates); i++) {
        struct template *template;
        char why[256] = "";
        size_t at = 9999;
        if (template_parse(&template, text_of(bad_templates[i].source), why, &at))
            fail_msg("\"%s\" compiled", bad_templates[i].source);
        if (strstr(why, bad_templates[i].why) == NULL || at != bad_templates[i].at)
            fail_msg("\"%s\": \"%s\" at %zu", bad_templates[i].source, why, at);
        assert_false(template_parse(&template, text_of(bad_templates[i].source), why, NULL));
    }
}

static void limits_of_templates_hold(void **state)
{
    (void)state;
    char source[TEMPLATE_SIZE_MAX + 2], why[256];
    struct template *template;
    source[0] = '/';
    memset(source + 1, 'a', TEMPLATE_SIZE_MAX);
    assert_true(template_parse(&template, text_slice(source, TEMPLATE_SIZE_MAX), why, NULL));
    template_free(template);
    assert_false(template_parse(&template, text_slice(source, TEMPLATE_SIZE_MAX + 1), why, NULL));
    for (size_t i = 0; i < TEMPLATE_SEGMENTS_MAX + 1; i++)
        memcpy(source + 2 * i, "/a", 2);
    assert_true(template_parse(&template, text_slice(source, 2 * TEMPLATE_SEGMENTS_MAX), why, NULL));
    template_free(template);
    assert_false(template_parse(&template, text_slice(source, 2 * TEMPLATE_SEGMENTS_MAX + 2), why, NULL));
    memcpy(source, "/?", 2);
    for (size_t i = 0; i < TEMPLATE_PARAMETERS_MAX + 1; i++)
        snprintf(source + 2 + 3 * i, 4, "%c=&", (char)('a' + i));
    assert_true(template_parse(&template, text_slice(source, 2 + 3 * TEMPLATE_PARAMETERS_MAX), why, NULL));
    template_free(template);
    assert_false(template_parse(&template, text_slice(source, 5 + 3 * TEMPLATE_PARAMETERS_MAX), why, NULL));
}

/* -- matching -- */

static const struct {
    const char *template, *host, *path, *query;
    enum template_result result;
    const char *raw; /* NULL: the template has no identifier, or does not match */
} matches[] = {
    /* one segment */
    {"/old-sso/{identifier}", "", "/old-sso/acme", "", TEMPLATE_MATCHES, "acme"},
    {"/old-sso/{identifier}", "any.example:80", "/old-sso/acme/", "a=b", TEMPLATE_MATCHES, "acme"},
    {"/old-sso/{identifier}", "", "//old-sso///acme//", "", TEMPLATE_MATCHES, "acme"},
    {"/old-sso/{identifier}", "", "/old-sso/a%2Fb", "", TEMPLATE_MATCHES, "a%2Fb"},
    {"/old-sso/{identifier}", "", "/old-sso/a;v=1,+&=:@", "", TEMPLATE_MATCHES, "a;v=1,+&=:@"},
    {"/old-sso/{identifier}", "", "/old-sso/%zz", "", TEMPLATE_MATCHES, "%zz"},
    {"/old-sso/{identifier}", "", "/old-sso/..", "", TEMPLATE_MATCHES, ".."},
    {"/old-sso/{identifier}", "", "/old-sso/.", "", TEMPLATE_MATCHES, "."},
    {"/old-sso/{identifier}", "", "/%6fld-ss%6F/acme", "", TEMPLATE_MATCHES, "acme"},
    {"/old-sso/{identifier}", "", "/old-sso/", "", TEMPLATE_MATCHES, ""},
    {"/old-sso/{identifier}", "", "/old-sso//", "", TEMPLATE_MATCHES, ""},
    {"/old-sso/{identifier}", "", "/old-sso", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/old-sso/{identifier}", "", "/old-sso/acme/x", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/old-sso/{identifier}", "", "/OLD-SSO/acme", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/old-sso/{identifier}", "", "/old-sso%2Facme", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/old-sso/{identifier}", "", "/old-ss%6/acme", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/old-sso/{identifier}", "", "/old-ssox/acme", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/old-sso/{identifier}", "", "/old-sso/../acme", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/old-sso/{identifier}", "", "/x/../old-sso/acme", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/old-sso/{identifier}", "", "old-sso/acme", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/old-sso/{identifier}", "", "", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/old-sso/{identifier}", "", "/", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/saml/{identifier}/acs", "", "/saml/acme/acs", "", TEMPLATE_MATCHES, "acme"},
    {"/saml/{identifier}/acs", "", "/saml//acs", "", TEMPLATE_MATCHES, ""},
    {"/saml/{identifier}/acs", "", "/saml///acs/", "", TEMPLATE_MATCHES, ""},
    {"/saml/{identifier}/acs", "", "/saml/acs", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/saml/{identifier}/acs", "", "/saml/acs/", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/saml/{identifier}/acs", "", "/saml/acs/acs", "", TEMPLATE_MATCHES, "acs"},
    {"/saml/{identifier}/acs", "", "//saml//x//acs", "", TEMPLATE_MATCHES, "x"},
    {"/{identifier}/acs", "", "/acs", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/{identifier}/acs", "", "//acs", "", TEMPLATE_MATCHES, ""},
    {"/{identifier}", "", "/", "", TEMPLATE_MATCHES, ""},
    {"/a/{identifier}/b/c", "", "/a//b", "", TEMPLATE_PATH_DIFFERS, NULL},
    /* stars */
    {"/realms/*/broker/{identifier}/endpoint", "", "/realms/main/broker/Okta/endpoint", "", TEMPLATE_MATCHES, "Okta"},
    {"/realms/*/broker/{identifier}/endpoint", "", "/realms//broker/Okta/endpoint", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/realms/*/broker/{identifier}/endpoint", "", "/realms/%zz/broker//endpoint", "", TEMPLATE_MATCHES, ""},
    {"/*/{identifier}", "", "/a/b", "", TEMPLATE_MATCHES, "b"},
    {"/*/{identifier}", "", "/a/", "", TEMPLATE_MATCHES, ""},
    {"/{identifier}/*", "", "/a/b/", "", TEMPLATE_MATCHES, "a"},
    /* text around it */
    {"/acs-{identifier}.do", "", "/acs-x.do", "", TEMPLATE_MATCHES, "x"},
    {"/acs-{identifier}.do", "", "/acs-.do", "", TEMPLATE_MATCHES, ""},
    {"/acs-{identifier}.do", "", "/%61cs%2Dx.do.d%6f", "", TEMPLATE_MATCHES, "x.do"},
    {"/acs-{identifier}.do", "", "/acs-%2E.do", "", TEMPLATE_MATCHES, "%2E"},
    {"/acs-{identifier}.do", "", "/acs-x%2Edo", "", TEMPLATE_MATCHES, "x"},
    {"/acs-{identifier}.do", "", "/acs.do", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/ab{identifier}bc", "", "/abc", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/ab{identifier}bc", "", "/abbc", "", TEMPLATE_MATCHES, ""},
    {"/{identifier}41", "", "/x%41", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/{identifier}A", "", "/x%41", "", TEMPLATE_MATCHES, "x"},
    {"/x/acs-{identifier}", "", "/x/", "", TEMPLATE_PATH_DIFFERS, NULL},
    /* literals that need encoding */
    {"/%2A/{identifier}", "", "/*/x", "", TEMPLATE_MATCHES, "x"},
    {"/%2A/{identifier}", "", "/%2a/x", "", TEMPLATE_MATCHES, "x"},
    {"/a%2Fb/{identifier}", "", "/a/b/x", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/a%2Fb/{identifier}", "", "/a%2fb/x", "", TEMPLATE_MATCHES, "x"},
    {"/a+b/{identifier}", "", "/a+b/x", "", TEMPLATE_MATCHES, "x"},
    {"/a+b/{identifier}", "", "/a%20b/x", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/Zürich/{identifier}", "", "/Z%C3%BCrich/x", "", TEMPLATE_MATCHES, "x"},
    {"/%25/{identifier}", "", "/%/x", "", TEMPLATE_PATH_DIFFERS, NULL},
    /* several segments */
    {"/groups/{identifier...}/-/saml/callback", "", "/groups/a/-/saml/callback", "", TEMPLATE_MATCHES, "a"},
    {"/groups/{identifier...}/-/saml/callback", "", "/groups/a/b/c/-/saml/callback", "", TEMPLATE_MATCHES, "a/b/c"},
    {"/groups/{identifier...}/-/saml/callback", "", "/groups/a//b/-/saml/callback/", "", TEMPLATE_MATCHES, "a//b"},
    {"/groups/{identifier...}/-/saml/callback", "", "/groups/-/saml/callback/-/saml/callback", "", TEMPLATE_MATCHES,
     "-/saml/callback"},
    {"/groups/{identifier...}/-/saml/callback", "", "/groups/-/saml/callback", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/groups/{identifier...}/-/saml/callback", "", "/groups//-/saml/callback", "", TEMPLATE_MATCHES, ""},
    {"/groups/{identifier...}/-/saml/callback", "", "/groups/a/-/saml/callback/x", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/{identifier...}", "", "/a/b", "", TEMPLATE_MATCHES, "a/b"},
    {"/{identifier...}", "", "/", "", TEMPLATE_MATCHES, ""},
    {"/a/{identifier...}", "", "/a", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/a/{identifier...}", "", "/a/", "", TEMPLATE_MATCHES, ""},
    {"/a/{identifier...}", "", "/a/b/", "", TEMPLATE_MATCHES, "b"},
    /* any prefix */
    {"/**", "", "/", "", TEMPLATE_MATCHES, NULL},
    {"/**", "", "/a/b", "", TEMPLATE_MATCHES, NULL},
    {"/**/a", "", "/a", "", TEMPLATE_MATCHES, NULL},
    {"/**/a", "", "/x/y/a/", "", TEMPLATE_MATCHES, NULL},
    {"/**/a", "", "/x/y/a/b", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/**/a", "", "/", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/**/saml/{identifier}", "", "/saml/x", "", TEMPLATE_MATCHES, "x"},
    {"/**/saml/{identifier}", "", "/a/b/saml/x/", "", TEMPLATE_MATCHES, "x"},
    {"/**/saml/{identifier}", "", "/saml/saml/", "", TEMPLATE_MATCHES, "saml"},
    {"/**/saml/{identifier}", "", "/a/saml/", "", TEMPLATE_MATCHES, ""},
    {"/**/saml/{identifier}", "", "/a/saml", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/**/saml/{identifier}/acs", "", "/a/saml//acs", "", TEMPLATE_MATCHES, ""},
    {"/**/saml/{identifier}/acs", "", "/a/saml/acs", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/**/{identifier}", "", "/", "", TEMPLATE_MATCHES, ""},
    {"/**/{identifier}", "", "/a/b", "", TEMPLATE_MATCHES, "b"},
    {"/**/groups/{identifier...}/-/cb", "", "/git/groups/a/b/-/cb", "", TEMPLATE_MATCHES, "a/b"},
    {"/**/groups/{identifier...}/-/cb", "", "/groups/a/groups/b/-/cb", "", TEMPLATE_MATCHES, "b"},
    {"/**/groups/{identifier...}/-/cb", "", "/groups/groups/-/cb", "", TEMPLATE_MATCHES, "groups"},
    {"/**/groups/{identifier...}/-/cb", "", "/groups/a/groups//-/cb", "", TEMPLATE_MATCHES, "a/groups"},
    {"/**/groups/{identifier...}/-/cb", "", "/x/groups//-/cb", "", TEMPLATE_MATCHES, ""},
    {"/**/groups/{identifier...}/-/cb", "", "/x/groups/-/cb", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"/**/{identifier...}", "", "/a/b", "", TEMPLATE_MATCHES, "b"},
    /* no identifier */
    {"/complete/saml/", "", "/complete/saml", "", TEMPLATE_MATCHES, NULL},
    {"/complete/saml", "", "/complete//saml/", "x", TEMPLATE_MATCHES, NULL},
    {"/", "", "/", "", TEMPLATE_MATCHES, NULL},
    {"/", "", "//", "", TEMPLATE_MATCHES, NULL},
    {"/", "", "/a", "", TEMPLATE_PATH_DIFFERS, NULL},
    /* query */
    {"/cb?connection={identifier}", "", "/cb", "connection=acme", TEMPLATE_MATCHES, "acme"},
    {"/cb?connection={identifier}", "", "/cb/", "a=b&&connection=acme&organization=x", TEMPLATE_MATCHES, "acme"},
    {"/cb?connection={identifier}", "", "/cb", "c%6Fnnection=a%20b+c", TEMPLATE_MATCHES, "a%20b+c"},
    {"/cb?connection={identifier}", "", "/cb", "connection=", TEMPLATE_MATCHES, ""},
    {"/cb?connection={identifier}", "", "/cb", "connection", TEMPLATE_MATCHES, ""},
    {"/cb?connection={identifier}", "", "/cb", "connection=%zz", TEMPLATE_MATCHES, "%zz"},
    {"/cb?connection={identifier}", "", "/cb", "connection=a=b", TEMPLATE_MATCHES, "a=b"},
    {"/cb?connection={identifier}", "", "/cb", "", TEMPLATE_QUERY_LACKS, NULL},
    {"/cb?connection={identifier}", "", "/cb", "Connection=acme", TEMPLATE_QUERY_LACKS, NULL},
    {"/cb?connection={identifier}", "", "/cb", "connections=acme", TEMPLATE_QUERY_LACKS, NULL},
    {"/cb?connection={identifier}", "", "/cb", "?connection=acme", TEMPLATE_QUERY_LACKS, NULL},
    {"/cb?connection={identifier}", "", "/cb", "x=1;connection=acme", TEMPLATE_QUERY_LACKS, NULL},
    {"/cb?connection={identifier}", "", "/cb", "connection=a&connection=b", TEMPLATE_QUERY_TWICE, "a"},
    {"/cb?connection={identifier}", "", "/cb", "connection=a&connection=a", TEMPLATE_QUERY_TWICE, "a"},
    {"/cb?connection={identifier}", "", "/x", "connection=acme", TEMPLATE_PATH_DIFFERS, NULL},
    {"/sso/saml/?acs&provider={identifier}", "", "/sso/saml/", "acs&provider=x", TEMPLATE_MATCHES, "x"},
    {"/sso/saml/?acs&provider={identifier}", "", "/sso/saml/", "provider=x&acs=1", TEMPLATE_MATCHES, "x"},
    {"/sso/saml/?acs&provider={identifier}", "", "/sso/saml/", "acs=&provider=x", TEMPLATE_MATCHES, "x"},
    {"/sso/saml/?acs&provider={identifier}", "", "/sso/saml/", "acs&amp;provider=x", TEMPLATE_QUERY_LACKS, NULL},
    {"/sso/saml/?acs&provider={identifier}", "", "/sso/saml/", "acs%26provider=x", TEMPLATE_QUERY_LACKS, NULL},
    {"/sso/saml/?acs&provider={identifier}", "", "/sso/saml/", "provider=x", TEMPLATE_QUERY_LACKS, NULL},
    {"/a?p=*", "", "/a", "p=1", TEMPLATE_MATCHES, NULL},
    {"/a?p=*", "", "/a", "p=", TEMPLATE_QUERY_LACKS, NULL},
    {"/a?p=*", "", "/a", "p", TEMPLATE_QUERY_LACKS, NULL},
    {"/a?p=a+b%2B", "", "/a", "p=a%20b%2b", TEMPLATE_MATCHES, NULL},
    {"/a?p=a+b%2B", "", "/a", "p=a+b+", TEMPLATE_QUERY_LACKS, NULL},
    {"/a?p=", "", "/a", "p", TEMPLATE_MATCHES, NULL},
    {"/a?p=", "", "/a", "p=x", TEMPLATE_QUERY_LACKS, NULL},
    {"/a?p=1", "", "/a", "p=1&p=2", TEMPLATE_MATCHES, NULL},
    {"/a?p=1", "", "/a", "p=2&p=1", TEMPLATE_QUERY_LACKS, NULL},
    {"/a?p=%25zz", "", "/a", "p=%zz", TEMPLATE_MATCHES, NULL},
    /* host */
    {"https://sso.example.com/a", "sso.example.com", "/a", "", TEMPLATE_MATCHES, NULL},
    {"https://SSO.example.com:8443/a", "sso.Example.COM:80", "/a", "", TEMPLATE_MATCHES, NULL},
    {"https://sso.example.com/a", "sso.example.com.", "/a", "", TEMPLATE_MATCHES, NULL},
    {"https://sso.example.com./a", "sso.example.com.:443", "/a", "", TEMPLATE_MATCHES, NULL},
    {"https://sso.example.com/a", "sso.example.com..", "/a", "", TEMPLATE_HOST_DIFFERS, NULL},
    {"https://sso.example.com/a", "xsso.example.com", "/a", "", TEMPLATE_HOST_DIFFERS, NULL},
    {"https://sso.example.com/a", "", "/a", "", TEMPLATE_HOST_DIFFERS, NULL},
    {"https://sso.example.com/a", "sso.example.com", "/b", "", TEMPLATE_PATH_DIFFERS, NULL},
    {"https://{identifier}.sso.example.com/acs", "Acme.sso.example.com:443", "/acs", "", TEMPLATE_MATCHES, "Acme"},
    {"https://{identifier}.sso.example.com/acs", "a.b.sso.example.com", "/acs", "", TEMPLATE_HOST_DIFFERS, NULL},
    {"https://{identifier}.sso.example.com/acs", ".sso.example.com", "/acs", "", TEMPLATE_HOST_DIFFERS, NULL},
    {"https://{identifier}.sso.example.com/acs", "sso.example.com", "/acs", "", TEMPLATE_HOST_DIFFERS, NULL},
    {"https://{identifier}.sso.example.com/acs", "acme.sso.example.com.evil.com", "/acs", "", TEMPLATE_HOST_DIFFERS,
     NULL},
    {"https://sso.{identifier}.com/acs", "sso.acme.com", "/acs", "", TEMPLATE_MATCHES, "acme"},
    {"https://sso.{identifier}/acs", "sso.acme", "/acs", "", TEMPLATE_MATCHES, "acme"},
    {"https://sso.{identifier}/acs", "sso.acme.com", "/acs", "", TEMPLATE_HOST_DIFFERS, NULL},
    {"https://{identifier}/acs", "login.Acme.com:80", "/acs", "", TEMPLATE_MATCHES, "login.Acme.com"},
    {"https://{identifier}/acs", "[::1]:80", "/acs", "", TEMPLATE_MATCHES, "[::1]"},
    {"https://{identifier}/acs", "", "/acs", "", TEMPLATE_HOST_DIFFERS, NULL},
    {"https://{identifier}/acs", ":80", "/acs", "", TEMPLATE_HOST_DIFFERS, NULL},
    {"https://[2001:db8::A]/acs", "[2001:DB8::a]:8080", "/acs", "", TEMPLATE_MATCHES, NULL},
    {"https://[2001:db8::A]/acs", "[2001:db8::a", "/acs", "", TEMPLATE_HOST_DIFFERS, NULL},
    {"https://*.example.com/{identifier}", "a.example.com", "/x", "", TEMPLATE_MATCHES, "x"},
    {"https://*/{identifier}", "a.example.com", "/x", "", TEMPLATE_MATCHES, "x"},
    {"/{identifier}", "a.example.com", "/x", "", TEMPLATE_MATCHES, "x"},
};

static void requests_match_as_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(matches); i++) {
        struct template *template = compiled(matches[i].template);
        struct request request = {
            .host = text_of(matches[i].host),
            .path = text_of(matches[i].path),
            .query = text_of(matches[i].query),
            .has_query = true,
        };
        struct template_capture capture;
        enum template_result result = template_match(template, &request, &capture);
        if (result != matches[i].result)
            fail_msg("%s: %s %s?%s: result %d", matches[i].template, matches[i].host, matches[i].path, matches[i].query,
                     (int)result);
        bool took = result == TEMPLATE_MATCHES || result == TEMPLATE_QUERY_TWICE;
        if (took && (capture.place != TEMPLATE_NOWHERE) != (matches[i].raw != NULL))
            fail_msg("%s: place %d", matches[i].template, (int)capture.place);
        if (matches[i].raw != NULL && !text_equal(capture.raw, text_of(matches[i].raw)))
            fail_msg("%s: %s?%s: took \"%.*s\"", matches[i].template, matches[i].path, matches[i].query,
                     TEXT_ARGS(capture.raw));
        template_free(template);
    }
}

static const struct {
    const char *template, *path, *raw; /* raw NULL: does not match; "": matches and takes nothing */
} caseless[] = {
    {"/Saml2/Acs", "/Saml2/Acs", ""},
    {"/Saml2/Acs", "/saml2/acs", ""},
    {"/Saml2/Acs", "//SAML2//aCS/", ""},
    {"/Saml2/Acs", "/%53%61ml2/%41cs", ""},
    {"/Saml2/Acs", "/saml2/acsx", NULL},
    {"/Saml2/Acs", "/saml2/ac", NULL},
    {"/Saml2/Acs", "/saml2/bcs", NULL},
    {"/Saml2/Acs", "/saml2", NULL},
    {"/Saml2/Acs", "/saml2/a%zzs", NULL},
    {"/Saml2/Acs", "/saml2/acs/x", NULL},
    {"/[", "/{", NULL}, /* what lies as far apart as letters do is none */
    {"/@", "/`", NULL},
    {"/Z\xc3\x9c", "/z\xc3\x9c", ""},
    {"/Z\xc3\x9c", "/z\xc3\xbc", NULL}, /* letters of ASCII alone */
    {"/sso/{identifier}/ACS", "/SSO/AcMe/acs", "AcMe"},
    {"/**/Acs/{identifier}", "/x/ACS/AcMe", "AcMe"},
    {"/Acs-{identifier}.Do", "/aCS-AcMe.%44O", "AcMe"},
    {"/Acs-{identifier}.Do", "/aCS-AcMe.a.do", "AcMe.a"},
    {"/Acs-{identifier}.Do", "/aCS-AcMe.da", NULL},
};

static void a_path_may_be_matched_without_its_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(caseless); i++) {
        struct template *template = compiled(caseless[i].template);
        struct request request = {.path = text_of(caseless[i].path)};
        struct template_capture capture = {.raw = TEXT("")};
        template_fold_path(template);
        assert_true(template_folds_path(template));
        assert_text(template_source(template), caseless[i].template);
        enum template_result result = template_match(template, &request, &capture);
        if ((result == TEMPLATE_MATCHES) != (caseless[i].raw != NULL))
            fail_msg("%s: %s: result %d", caseless[i].template, caseless[i].path, (int)result);
        if (result == TEMPLATE_MATCHES)
            assert_text(capture.raw, caseless[i].raw);
        template_free(template);
    }
    struct template *template = compiled("https://a.example/x?Acs=V");
    template_fold_path(template);
    struct template_capture capture;
    struct request request = {.host = TEXT("A.example"), .path = TEXT("/X"), .query = TEXT("Acs=V"), .has_query = true};
    assert_int_equal(template_match(template, &request, &capture), TEMPLATE_MATCHES);
    request.query = TEXT("acs=V");
    assert_int_equal(template_match(template, &request, &capture), TEMPLATE_QUERY_LACKS);
    request.query = TEXT("Acs=v");
    assert_int_equal(template_match(template, &request, &capture), TEMPLATE_QUERY_LACKS);
    template_free(template);
}

/* Writes the path anew with every `step`th byte that is no slash percent-encoded, and slashes doubled where `doubled`
 * (which could make a path match that does not: with an empty identifier). */
static size_t respell(struct text path, size_t step, bool doubled, char *out)
{
    size_t size = 0, since = 0;
    for (size_t i = 0; i < path.size; i++) {
        out[size++] = path.at[i];
        if (path.at[i] == '/' && doubled)
            out[size++] = '/';
        else if (path.at[i] != '/' && ++since % step == 0)
            size += (size_t)sprintf(out + size - 1, "%%%02x", (unsigned char)path.at[i]) - 1;
    }
    return size;
}

static void other_spellings_of_a_path_match_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(matches); i++) {
        struct text path = text_of(matches[i].path);
        bool plain = strstr(matches[i].path, "//") == NULL && path.size > 1 && path.at[path.size - 1] != '/';
        if (!plain || strchr(matches[i].path, '%') != NULL)
            continue;
        struct template *template = compiled(matches[i].template);
        for (size_t step = 1; step < 14; step++) {
            char bytes[1024], decoded[1024];
            struct request request = {
                .host = text_of(matches[i].host), .query = text_of(matches[i].query), .has_query = true};
            struct template_capture capture;
            request.path = text_slice(
                bytes, respell(path, step / 2 + 1, step % 2 == 1 && matches[i].result == TEMPLATE_MATCHES, bytes));
            enum template_result result = template_match(template, &request, &capture);
            if (result != matches[i].result)
                fail_msg("%s: %.*s: result %d", matches[i].template, TEXT_ARGS(request.path), (int)result);
            if (result != TEMPLATE_MATCHES || capture.place != TEMPLATE_IN_PATH || strchr(matches[i].raw, '/') != NULL)
                continue;
            assert_true(text_percent_decode(capture.raw, TEXT_PLUS_IS_PLUS, decoded, &capture.raw.size));
            assert_text(text_slice(decoded, capture.raw.size), matches[i].raw);
        }
        template_free(template);
    }
}

/* Ends in an acceptable time only where no byte of a path is looked at again and again. */
static void long_paths_are_matched_in_one_pass(void **state)
{
    (void)state;
    static const char *const templates[] = {
        "/{identifier}",
        "/**/b",
        "/a/{identifier...}/b",
        "/**/a/a/a/b/{identifier...}/a",
        "/**/a/a/a/a/a/a/b/{identifier...}",
        "/a?a=1&b=2&c=3&d={identifier}",
    };
    static const char *const units[] = {"/", "a/", "%41/", "a", "a/b/"};
    enum { SIZE = 400 * 1024 };
    char *bytes = memory_allocate(SIZE);
    for (size_t u = 0; u < COUNT_OF(units); u++) {
        for (size_t i = 0; i < SIZE; i++)
            bytes[i] = i == 0 ? '/' : units[u][(i - 1) % strlen(units[u])];
        for (size_t t = 0; t < COUNT_OF(templates); t++) {
            struct template *template = compiled(templates[t]);
            struct request request = {.path = text_slice(bytes, SIZE), .query = text_slice(bytes, SIZE)};
            struct template_capture capture;
            template_match(template, &request, &capture);
            template_free(template);
        }
    }
    free(bytes);
}

/* -- expanding -- */

static const struct {
    const char *pattern, *identifier, *expanded;
} expansions[] = {
    {"https://l.example/a", "x", "https://l.example/a"},
    {"https://l.example/{identifier}", "acme", "https://l.example/acme"},
    {"https://l.example/{identifier}/a?b={identifier}&c", "a-._~9", "https://l.example/a-._~9/a?b=a-._~9&c"},
    {"https://l.example/{identifier}", "a/b c+d%?#&=é\"<",
     "https://l.example/a%2Fb%20c%2Bd%25%3F%23%26%3D%C3%A9%22%3C"},
    {"{identifier}", "..", ".."},
    {"{identifier", "x", "{identifier"},
    {"{{identifier}}", "x", "{x}"},
    {"", "x", ""},
    {"/{identifier}/", "", "//"},
    {"https://l.example{path}", "acme", "https://l.example/a%2fb//c|"},
    {"https://l.example{path}/", "acme", "https://l.example{path}/"},
};

static void a_path_may_begin_with_a_word_or_with_any(void **state)
{
    static const struct {
        const char *source;
        bool anyhow;
    } cases[] = {
        {"/acs/{identifier}", false},
        {"/acs-{identifier}", false},
        {"/", false},
        {"/{identifier}", true},
        {"/*/{identifier}", true},
        {"/{identifier...}", true},
        {"/**/{identifier}", true},
        {"/**/acs/{identifier}", true},
        {"/**?c={identifier}", true},
        {"/acs/*", false},
        {"/acs/{identifier...}", false},
        {"https://*.example/acs", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char why[256];
        struct template *template = NULL;
        if (!template_parse(&template, text_of(cases[i].source), why, NULL))
            fail_msg("%s: %s", cases[i].source, why);
        if (template_begins_anyhow(template) != cases[i].anyhow)
            fail_msg("%s", cases[i].source);
        template_free(template);
    }
}

static void identifiers_are_encoded_into_legacy_urls(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT_OF(expansions); i++)
        assert_text(template_expand(text_of(expansions[i].pattern), text_of(expansions[i].identifier),
                                    TEXT("/a%2fb//c|"), arena_memory(arena)),
                    expansions[i].expanded);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_templates_compile),
        cmocka_unit_test(bad_templates_are_refused_where_they_are_bad),
        cmocka_unit_test(limits_of_templates_hold),
        cmocka_unit_test(requests_match_as_documented),
        cmocka_unit_test(a_path_may_be_matched_without_its_case),
        cmocka_unit_test(other_spellings_of_a_path_match_alike),
        cmocka_unit_test(long_paths_are_matched_in_one_pass),
        cmocka_unit_test(a_path_may_begin_with_a_word_or_with_any),
        cmocka_unit_test(identifiers_are_encoded_into_legacy_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
