#include "saml_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "ssoferry/route.h"

#define FORM "application/x-www-form-urlencoded"

/* A Response whose Issuer is ISSUER: base64, and what a redirect's query has. */
#define RESPONSE                                                                                                       \
    "PHNhbWxwOlJlc3BvbnNlIHhtbG5zOnNhbWxwPSJ1cm46b2FzaXM6bmFtZXM6dGM6U0FNTDoyLjA6cHJvdG9jb2wiIFZlcnNpb249IjIuMCI%"     \
    "2BPHNhbWw6SXNzdWVyIHht"                                                                                           \
    "bG5zOnNhbWw9InVybjpvYXNpczpuYW1lczp0YzpTQU1MOjIuMDphc3NlcnRpb24iPmh0dHBzOi8vaWRwLmV4YW1wbGUvc2FtbD94PTEmYW1wO3k9" \
    "Mjwvc2FtbDpJc3N1"                                                                                                 \
    "ZXI%2BPHNhbWxwOlN0YXR1cy8%2BPC9zYW1scDpSZXNwb25zZT4%3D"
#define DEFLATED                                                                                                       \
    "fY%2B9CsJAEIRfJVxhmdOUa%2B7EUtDGgP0RFwzcHzcbiG9vYgpTWc4M8w3TwgWf6c7IKYKrKfgI%2BppGjSVSchhA0QUGSU%2Fd%"            \
    "2BXalpt5TLklSn7yqHlwwpGjUbCvbLl26"                                                                                \
    "ACOXDe0%2FzAFcZIYo%2BxLJIK2HZ655ciF71gvgNJnDbpbHt2lavRlZFzN14mSEtmv4u2Q%2F"
#define ISSUER "https://idp.example/saml?x=1&y=2"

static void make_route(struct route *route, const char *match, enum identify_by identify_by)
{
    char why[256];
    *route = (struct route){.identify_by = identify_by, .relay_state_key = TEXT("idp")};
    if (!template_parse(&route->template, text_of(match), why, NULL))
        fail_msg("%s: %s", match, why);
}

/* -- identifiers in URLs -- */

static const struct {
    const char *match, *host, *path, *query; /* query NULL: no '?' */
    enum extract_problem problem;
    const char *identifier, *carried; /* carried NULL: no query */
} urls[] = {
    {"/sso/{identifier}", "", "/sso/acme", NULL, EXTRACT_FINE, "acme", NULL},
    {"/sso/{identifier}", "", "/sso/acme", "", EXTRACT_FINE, "acme", ""},
    {"/sso/{identifier}", "", "/sso/acme", "a=%2f&&b+c&%zz", EXTRACT_FINE, "acme", "a=%2f&&b+c&%zz"},
    {"/sso/{identifier}", "", "///sso//acme///", NULL, EXTRACT_FINE, "acme", NULL},
    {"/sso/{identifier}", "", "/sso/a%2Fb", NULL, EXTRACT_FINE, "a/b", NULL},
    {"/sso/{identifier}", "", "/sso/a%252Fb", NULL, EXTRACT_FINE, "a%2Fb", NULL},
    {"/sso/{identifier}", "", "/sso/a+b%2B%20", NULL, EXTRACT_FINE, "a+b+ ", NULL},
    {"/sso/{identifier}", "", "/sso/..", NULL, EXTRACT_FINE, "..", NULL},
    {"/sso/{identifier}", "", "/sso/%2e%2e%2Fetc", NULL, EXTRACT_FINE, "../etc", NULL},
    {"/sso/{identifier}", "", "/sso/Z%C3%BCrich", NULL, EXTRACT_FINE, "Zürich", NULL},
    {"/sso/{identifier}", "", "/sso/Zürich", NULL, EXTRACT_FINE, "Zürich", NULL},
    {"/sso/{identifier}", "", "/sso/AcMe", NULL, EXTRACT_FINE, "AcMe", NULL},
    {"/sso/{identifier}", "", "/sso/", NULL, EXTRACT_EMPTY, "", NULL},
    {"/sso/{identifier}", "", "/sso//", NULL, EXTRACT_EMPTY, "", NULL},
    {"/sso/{identifier}", "", "/sso/%00", NULL, EXTRACT_CONTROL_CHARACTER, "", NULL},
    {"/sso/{identifier}", "", "/sso/a%0Ab", NULL, EXTRACT_CONTROL_CHARACTER, "", NULL},
    {"/sso/{identifier}", "", "/sso/%c2%85", NULL, EXTRACT_CONTROL_CHARACTER, "", NULL},
    {"/sso/{identifier}", "", "/sso/%7f", NULL, EXTRACT_CONTROL_CHARACTER, "", NULL},
    {"/sso/{identifier}", "", "/sso/%zz", NULL, EXTRACT_BAD_ENCODING, "", NULL},
    {"/sso/{identifier}", "", "/sso/a%", "q", EXTRACT_BAD_ENCODING, "", "q"},
    {"/sso/{identifier}", "", "/sso/a%2", NULL, EXTRACT_BAD_ENCODING, "", NULL},
    {"/sso/{identifier}", "", "/sso/%ff", NULL, EXTRACT_BAD_UTF8, "", NULL},
    {"/sso/{identifier}", "", "/sso/%c0%af", NULL, EXTRACT_BAD_UTF8, "", NULL},
    {"/sso/{identifier}", "", "/sso/%ed%a0%80", NULL, EXTRACT_BAD_UTF8, "", NULL},
    {"/sso/{identifier}", "", "/sso/\xe4\xbc", NULL, EXTRACT_BAD_UTF8, "", NULL},
    {"/sso/{identifier}/acs", "", "/sso//acs", NULL, EXTRACT_EMPTY, "", NULL},
    {"/{identifier}/acs", "", "//acs", NULL, EXTRACT_EMPTY, "", NULL},
    {"/{identifier}/acs", "", "////acs", NULL, EXTRACT_EMPTY, "", NULL},
    {"/acs-{identifier}", "", "/acs-", NULL, EXTRACT_EMPTY, "", NULL},
    {"/acs-{identifier}.do", "", "/acs-a%2Eb.do", NULL, EXTRACT_FINE, "a.b", NULL},
    {"/g/{identifier...}/cb", "", "/g/a///b%2Fc//d/cb", NULL, EXTRACT_FINE, "a/b/c/d", NULL},
    {"/g/{identifier...}/cb", "", "/g/a/../b/cb", NULL, EXTRACT_FINE, "a/../b", NULL},
    {"/g/{identifier...}/cb", "", "/g/a/%zz/cb", NULL, EXTRACT_BAD_ENCODING, "", NULL},
    /* in the query */
    {"/cb?c={identifier}", "", "/cb", "c=acme", EXTRACT_FINE, "acme", NULL},
    {"/cb?c={identifier}", "", "/cb", "a=%zz&c=ac+me%2B&b=1", EXTRACT_FINE, "ac me+", "a=%zz&b=1"},
    {"/cb?c={identifier}", "", "/cb", "%63=acme&", EXTRACT_FINE, "acme", NULL},
    {"/cb?c={identifier}", "", "/cb", "c=", EXTRACT_EMPTY, "", NULL},
    {"/cb?c={identifier}", "", "/cb", "c&x", EXTRACT_EMPTY, "", "x"},
    {"/cb?c={identifier}", "", "/cb", "c=%zz", EXTRACT_BAD_ENCODING, "", NULL},
    {"/cb?c={identifier}", "", "/cb", "c=%00", EXTRACT_CONTROL_CHARACTER, "", NULL},
    {"/cb?c={identifier}", "", "/cb", "c=a&c=b", EXTRACT_PARAMETER_TWICE, "", "c=a&c=b"},
    {"/cb?acs&c={identifier}", "", "/cb", "acs&c=x", EXTRACT_FINE, "x", "acs"},
    /* in the host */
    {"https://{identifier}.example.com/acs", "AcMe.Example.com:443", "/acs", "a", EXTRACT_FINE, "acme", "a"},
    {"https://{identifier}/acs", "SSO.acme.com.", "/acs", NULL, EXTRACT_FINE, "sso.acme.com", NULL},
    {"https://{identifier}/acs", "a%41", "/acs", NULL, EXTRACT_FINE, "a%41", NULL},
    {"https://{identifier}/acs", "a\x01", "/acs", NULL, EXTRACT_CONTROL_CHARACTER, "", NULL},
    {"https://{identifier}/acs", "a\xff", "/acs", NULL, EXTRACT_BAD_UTF8, "", NULL},
};

static void identifiers_are_taken_from_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        struct route route;
        struct arena *arena = arena_new();
        struct extraction extraction;
        make_route(&route, urls[i].match, IDENTIFY_BY_TEMPLATE);
        struct request request = {.host = text_of(urls[i].host),
                                  .path = text_of(urls[i].path),
                                  .query = text_of(urls[i].query),
                                  .has_query = urls[i].query != NULL};
        extract(&route, 1, &request, arena_memory(arena), NULL, &extraction);
        if (extraction.route != &route || extraction.problem != urls[i].problem ||
            extraction.has_query != (urls[i].carried != NULL))
            fail_msg("%s: %s%s: %s, %s", urls[i].match, urls[i].host, urls[i].path,
                     extract_problem_code(extraction.problem), extraction.has_query ? "query" : "no query");
        assert_text(extraction.identifier, urls[i].identifier);
        assert_text(extraction.query, urls[i].carried);
        arena_free(arena);
        template_free(route.template);
    }
}

/* 440 bytes are an identifier, 441 are not, whether encoded or not. */
static void identifiers_have_a_length_limit(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        size_t count;
        enum extract_problem problem;
    } cases[] = {
        {"x", 440, EXTRACT_FINE},        {"x", 441, EXTRACT_TOO_LONG},     {"%41", 440, EXTRACT_FINE},
        {"%41", 441, EXTRACT_TOO_LONG},  {"%C3%BC", 220, EXTRACT_FINE},    {"%C3%BC", 221, EXTRACT_TOO_LONG},
        {"x", 100000, EXTRACT_TOO_LONG}, {"%z", 100000, EXTRACT_TOO_LONG},
    };
    struct route routes[2];
    make_route(&routes[0], "/a/{identifier}", IDENTIFY_BY_TEMPLATE);
    make_route(&routes[1], "/b?c={identifier}", IDENTIFY_BY_TEMPLATE);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t unit = strlen(cases[i].unit), size = unit * cases[i].count;
        char *value = memory_allocate(size + 3);
        memcpy(value, "/a/", 3);
        for (size_t j = 0; j < cases[i].count; j++)
            memcpy(value + 3 + j * unit, cases[i].unit, unit);
        struct request in_path = {.path = text_slice(value, size + 3)};
        for (int r = 0; r < 2; r++) {
            struct arena *arena = arena_new();
            struct extraction extraction;
            if (r == 1)
                memcpy(value + 1, "c=", 2);
            struct request in_query = {.path = TEXT("/b"), .query = text_slice(value + 1, size + 2), .has_query = true};
            extract(routes, 2, r == 0 ? &in_path : &in_query, arena_memory(arena), NULL, &extraction);
            assert_ptr_equal(extraction.route, &routes[r]);
            assert_int_equal(extraction.problem, cases[i].problem);
            if (cases[i].problem == EXTRACT_FINE)
                assert_int_equal(extraction.identifier.size, 440);
            arena_free(arena);
        }
        free(value);
    }
    template_free(routes[0].template);
    template_free(routes[1].template);
}

/* -- identifiers in fields -- */

static const struct {
    enum identify_by by;
    enum method method;
    const char *query, *type, *body;
    enum extract_problem problem;
    const char *identifier;
} fields[] = {
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState=acme&SAMLResponse=x", EXTRACT_FINE, "acme"},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM "; charset=UTF-8", "SAMLResponse=x&RelayState=ac+me%2B",
     EXTRACT_FINE, "ac me+"},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState=%7B%22idp%22%3A%22acme%22%7D", EXTRACT_FINE, "acme"},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState={\"next\":[1,{}],\"idp\":\"a\\u00e9\\/b\"}",
     EXTRACT_FINE, "aé/b"},
    {IDENTIFY_BY_RELAY_STATE, METHOD_GET, "RelayState=acme", "", "", EXTRACT_FINE, "acme"},
    {IDENTIFY_BY_RELAY_STATE, METHOD_HEAD, "RelayState=acme", "", "", EXTRACT_FINE, "acme"},
    {IDENTIFY_BY_RELAY_STATE, METHOD_GET, "RelayState=acme", FORM, "RelayState=other", EXTRACT_FINE, "acme"},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "RelayState=acme", FORM, "SAMLResponse=x", EXTRACT_NO_RELAY_STATE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "", EXTRACT_NO_RELAY_STATE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", "", "", EXTRACT_NO_RELAY_STATE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState=", EXTRACT_NO_RELAY_STATE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState", EXTRACT_NO_RELAY_STATE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", "multipart/form-data; boundary=x", "RelayState=acme", EXTRACT_NOT_A_FORM,
     ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", "", "RelayState=acme", EXTRACT_NOT_A_FORM, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState=a&RelayState=b", EXTRACT_PARAMETER_TWICE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState=%zz", EXTRACT_BAD_ENCODING, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState=%ff", EXTRACT_BAD_UTF8, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState=a%0d", EXTRACT_CONTROL_CHARACTER, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState={", EXTRACT_BAD_RELAY_STATE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState={}", EXTRACT_BAD_RELAY_STATE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState={\"idp\":7}", EXTRACT_BAD_RELAY_STATE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState={\"idp\":null}", EXTRACT_BAD_RELAY_STATE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState={\"idp\":{\"idp\":\"a\"}}", EXTRACT_BAD_RELAY_STATE,
     ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState={\"idp\":\"a\",\"idp\":\"b\"}",
     EXTRACT_BAD_RELAY_STATE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState={\"idp\":\"a\"}x", EXTRACT_BAD_RELAY_STATE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState={\"idp\":\"a\\u0000b\"}", EXTRACT_BAD_RELAY_STATE, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState={\"idp\":\"a\\nb\"}", EXTRACT_CONTROL_CHARACTER, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState={\"idp\":\"\"}", EXTRACT_EMPTY, ""},
    {IDENTIFY_BY_RELAY_STATE, METHOD_POST, "", FORM, "RelayState=[\"idp\"]", EXTRACT_FINE, "[\"idp\"]"},

    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM, "SAMLResponse=" RESPONSE "&RelayState=x", EXTRACT_FINE, ISSUER},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "SAMLResponse=zzz", FORM, "RelayState=x&SAMLResponse=" RESPONSE, EXTRACT_FINE,
     ISSUER},
    {IDENTIFY_BY_ISSUER, METHOD_GET, "SAMLResponse=" DEFLATED "&RelayState=x", "", "", EXTRACT_FINE, ISSUER},
    {IDENTIFY_BY_ISSUER, METHOD_HEAD, "SAMLResponse=" DEFLATED, "", "", EXTRACT_FINE, ISSUER},
    {IDENTIFY_BY_ISSUER, METHOD_GET, "RelayState=x&SAMLResponse=" RESPONSE, "", "", EXTRACT_FINE, ISSUER},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM, "SAMLResponse=" DEFLATED, EXTRACT_BAD_XML, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "SAMLResponse=" DEFLATED, FORM, "", EXTRACT_NO_SAML_RESPONSE, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", "", "", EXTRACT_NO_SAML_RESPONSE, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM, "SAMLResponse=", EXTRACT_NO_SAML_RESPONSE, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM, "samlresponse=" RESPONSE, EXTRACT_NO_SAML_RESPONSE, ""},
    {IDENTIFY_BY_ISSUER, METHOD_GET, "", "", "", EXTRACT_NO_SAML_RESPONSE, ""},
    {IDENTIFY_BY_ISSUER, METHOD_GET, "SAMLart=AAQ&RelayState=x", "", "", EXTRACT_SAML_ARTIFACT, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM, "SAMLart=AAQ", EXTRACT_SAML_ARTIFACT, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM, "SAMLResponse=" RESPONSE "&SAMLResponse=" RESPONSE,
     EXTRACT_SAML_RESPONSE_TWICE, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", "text/plain", "SAMLResponse=" RESPONSE, EXTRACT_NOT_A_FORM, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM, "SAMLResponse=PHNhb$", EXTRACT_BAD_BASE64, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM, "SAMLResponse=PGEvPg%3D%3D", EXTRACT_NOT_A_RESPONSE, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM,
     "SAMLResponse=PFJlc3BvbnNlIHhtbG5zPSJ1cm46b2FzaXM6bmFtZXM6dGM6U0FNTDoyLjA6cHJvdG9jb2wiLz4%3D", EXTRACT_NO_ISSUER,
     ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM,
     "SAMLResponse="
     "PFJlc3BvbnNlIHhtbG5zPSJ1cm46b2FzaXM6bmFtZXM6dGM6U0FNTDoyLjA6cHJvdG9jb2wiPjxJc3N1ZXIgeG1sbnM9InVybjpvYXNpczpuYW1lc"
     "zp0YzpTQU1MOjIuMDphc3NlcnRpb24iLz48L1Jlc3BvbnNlPg%3D%3D",
     EXTRACT_UNFIT_ISSUER, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM,
     "SAMLResponse="
     "PFJlc3BvbnNlIHhtbG5zPSJ1cm46b2FzaXM6bmFtZXM6dGM6U0FNTDoyLjA6cHJvdG9jb2wiPjxJc3N1ZXIgeG1sbnM9InVybjpvYXNpczpuYW1lc"
     "zp0YzpTQU1MOjIuMDphc3NlcnRpb24iPmE8L0lzc3Vlcj48SXNzdWVyIHhtbG5zPSJ1cm46b2FzaXM6bmFtZXM6dGM6U0FNTDoyLjA6YXNzZXJ0aW"
     "9uIj5iPC9Jc3N1ZXI%2BPC9SZXNwb25zZT4%3D",
     EXTRACT_ISSUER_TWICE, ""},
    {IDENTIFY_BY_ISSUER, METHOD_GET, "SAMLResponse=%2F%2F%2F%2F%2Fw%3D%3D", "", "", EXTRACT_BAD_DEFLATE, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM, "SAMLResponse=PHNhb", EXTRACT_BAD_BASE64, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM, "SAMLResponse=%zz", EXTRACT_BAD_BASE64, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM, "SAMLResponse=PHNh", EXTRACT_BAD_XML, ""},
    {IDENTIFY_BY_ISSUER, METHOD_POST, "", FORM, "SAMLResponse=PGEvPg==", EXTRACT_NOT_A_RESPONSE, ""},
    {IDENTIFY_BY_ISSUER, METHOD_GET, "SAMLResponse=fY%2B9", "", "", EXTRACT_BAD_DEFLATE, ""},
};

static void identifiers_are_taken_from_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        struct route route;
        struct arena *arena = arena_new();
        struct extraction extraction;
        make_route(&route, "/acs", fields[i].by);
        struct request request = {.method = fields[i].method,
                                  .path = TEXT("/acs"),
                                  .query = text_of(fields[i].query),
                                  .has_query = fields[i].query[0] != '\0',
                                  .content_type = text_of(fields[i].type),
                                  .body = text_of(fields[i].body)};
        extract(&route, 1, &request, arena_memory(arena), NULL, &extraction);
        if (extraction.problem != fields[i].problem)
            fail_msg("case %zu: %.60s | %.60s: %s", i, fields[i].query, fields[i].body,
                     extract_problem_code(extraction.problem));
        assert_text(extraction.identifier, fields[i].identifier);
        assert_text(extraction.query, fields[i].query);
        assert_int_equal(extraction.has_query, request.has_query);
        arena_free(arena);
        template_free(route.template);
    }
}

static void the_member_of_a_json_relay_state_can_be_named(void **state)
{
    (void)state;
    struct route route;
    struct arena *arena = arena_new();
    struct extraction extraction;
    make_route(&route, "/acs", IDENTIFY_BY_RELAY_STATE);
    route.relay_state_key = text_slice("tenants", 6);
    struct request request = {
        .method = METHOD_GET,
        .path = TEXT("/acs"),
        .query = TEXT("RelayState={\"idp\":\"a\",\"tenan\":\"c\",\"tenants\":\"d\",\"tenant\":\"b\"}")};
    extract(&route, 1, &request, arena_memory(arena), NULL, &extraction);
    assert_text(extraction.identifier, "b");
    arena_free(arena);
    template_free(route.template);
}

/* Deep or long JSON is refused without being parsed to its end. */
static void long_relay_states_are_refused(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    char *body = memory_allocate(SIZE);
    struct route route;
    make_route(&route, "/acs", IDENTIFY_BY_RELAY_STATE);
    for (int json = 0; json < 2; json++) {
        for (size_t size = 8192; size <= SIZE; size += SIZE - 8192) {
            struct arena *arena = arena_new();
            struct extraction extraction;
            memset(body, json ? '{' : 'x', size);
            memcpy(body, "RelayState=", 11);
            struct request request = {.method = METHOD_POST,
                                      .path = TEXT("/acs"),
                                      .content_type = TEXT(FORM),
                                      .body = text_slice(body, size)};
            extract(&route, 1, &request, arena_memory(arena), NULL, &extraction);
            assert_int_equal(extraction.problem, json && size < SIZE ? EXTRACT_BAD_RELAY_STATE : EXTRACT_TOO_LONG);
            arena_free(arena);
        }
    }
    free(body);
    template_free(route.template);
}

/* 8192 bytes of JSON are read, 8193 are not, however they are encoded. */
static void a_json_relay_state_has_a_length_limit(void **state)
{
    static const char json[] = "{\"connection\":\"acme\"}";
    enum { SIZE = 8192, START = 11 };
    char *body = memory_allocate(START + 3 * (SIZE + 1) + 1);
    struct route route;
    (void)state;
    make_route(&route, "/acs", IDENTIFY_BY_RELAY_STATE);
    route.relay_state_key = TEXT("connection");
    for (size_t size = SIZE; size <= SIZE + 1; size++) {
        struct arena *arena = arena_new();
        struct extraction extraction;
        memcpy(body, "RelayState=", START);
        for (size_t i = 0; i < size; i++)
            snprintf(body + START + 3 * i, 4, "%%%02X", i < strlen(json) ? (unsigned)json[i] : (unsigned)' ');
        struct request request = {.method = METHOD_POST,
                                  .path = TEXT("/acs"),
                                  .content_type = TEXT(FORM),
                                  .body = text_slice(body, START + 3 * size)};
        extract(&route, 1, &request, arena_memory(arena), NULL, &extraction);
        assert_int_equal(extraction.problem, size == SIZE ? EXTRACT_FINE : EXTRACT_TOO_LONG);
        assert_text(extraction.identifier, size == SIZE ? "acme" : NULL);
        arena_free(arena);
    }
    free(body);
    template_free(route.template);
}

/* -- logins that the old provider started -- */

static const struct {
    enum method method;
    const char *query, *type, *body;
    bool legacy;
} relay_states[] = {
    {METHOD_POST, "", FORM, "SAMLResponse=x&RelayState=old_1", true},
    {METHOD_POST, "", FORM, "RelayState=old_", true},
    {METHOD_POST, "", FORM, "RelayState=%6Fld_1", true},
    {METHOD_POST, "", FORM, "RelayState=https%3A%2F%2Fold.example%2Fx", true},
    {METHOD_POST, "", FORM, "RelayState=a+b%zz", true},
    {METHOD_GET, "SAMLResponse=x&RelayState=old_1", "", "", true},
    {METHOD_POST, "RelayState=old_1", FORM, "SAMLResponse=x", true},
    {METHOD_POST, "RelayState=old_1", "text/plain", "x", true},
    {METHOD_POST, "", FORM, "RelayState=new_1", false},
    {METHOD_POST, "", FORM, "RelayState=OLD_1", false},
    {METHOD_POST, "", FORM, "RelayState=xold_1", false},
    {METHOD_POST, "", FORM, "RelayState=old", false},
    {METHOD_POST, "", FORM, "RelayState=", false},
    {METHOD_POST, "", FORM, "SAMLResponse=x", false},
    {METHOD_POST, "RelayState=old_1", FORM, "RelayState=new", false},
    {METHOD_GET, "RelayState=new", FORM, "RelayState=old_1", false},
    {METHOD_POST, "", "text/plain", "RelayState=old_1", false},
};

static void relay_states_of_the_old_provider_are_known_by_prefix(void **state)
{
    (void)state;
    static const struct text prefixes[] = {{"old_", 4}, {"https://old.example/", 20}, {"a b", 3}};
    struct route routes[2];
    make_route(&routes[0], "/acs/{identifier}", IDENTIFY_BY_TEMPLATE);
    make_route(&routes[1], "/acs", IDENTIFY_BY_ISSUER);
    for (size_t r = 0; r < COUNT_OF(routes); r++) {
        routes[r].legacy_relay_states = prefixes;
        routes[r].legacy_relay_state_count = COUNT_OF(prefixes);
        for (size_t i = 0; i < COUNT_OF(relay_states); i++) {
            struct arena *arena = arena_new();
            struct extraction extraction;
            struct request request = {.method = relay_states[i].method,
                                      .path = text_of(r == 0 ? "/acs/x" : "/acs"),
                                      .query = text_of(relay_states[i].query),
                                      .content_type = text_of(relay_states[i].type),
                                      .body = text_of(relay_states[i].body)};
            extract(routes, COUNT_OF(routes), &request, arena_memory(arena), NULL, &extraction);
            if (extraction.legacy_relay_state != relay_states[i].legacy)
                fail_msg("route %zu: %s %s", r, relay_states[i].query, relay_states[i].body);
            arena_free(arena);
        }
    }
    template_free(routes[0].template);
    template_free(routes[1].template);
}

/* -- walking routes -- */

static void note_route(void *context, const struct route *route, enum route_miss miss)
{
    char *seen = context;
    size_t size = strlen(seen);
    snprintf(seen + size, 256 - size, "%.*s: %s\n", TEXT_ARGS(template_source(route->template)), route_miss_text(miss));
}

static void routes_are_tried_in_order_and_traced(void **state)
{
    (void)state;
    static const char *const matches[] = {"https://x.example/{identifier}", "/b/{identifier}", "/a?x={identifier}",
                                          "/{identifier}", "/a"};
    struct route routes[COUNT_OF(matches)];
    for (size_t i = 0; i < COUNT_OF(matches); i++)
        make_route(&routes[i], matches[i], i + 1 < COUNT_OF(matches) ? IDENTIFY_BY_TEMPLATE : IDENTIFY_BY_ISSUER);
    char seen[256] = "";
    struct extract_trace trace = {note_route, seen};
    struct arena *arena = arena_new();
    struct extraction extraction;
    struct request request = {.host = TEXT("y.example"), .path = TEXT("/a"), .query = TEXT("y=1"), .has_query = true};
    extract(routes, COUNT_OF(routes), &request, arena_memory(arena), &trace, &extraction);
    assert_ptr_equal(extraction.route, &routes[3]);
    assert_text(extraction.identifier, "a");
    assert_string_equal(seen, "https://x.example/{identifier}: the host differs\n"
                              "/b/{identifier}: the path differs\n"
                              "/a?x={identifier}: a query parameter is missing or has another value\n"
                              "/{identifier}: matches\n");
    request.path = TEXT("/q/r");
    extract(routes, COUNT_OF(routes), &request, arena_memory(arena), NULL, &extraction);
    assert_null(extraction.route);
    assert_int_equal(extraction.problem, EXTRACT_FINE);
    assert_text(extraction.query, "y=1");
    arena_free(arena);
    for (size_t i = 0; i < COUNT_OF(matches); i++)
        template_free(routes[i].template);
}

#define HOLLOW     ": its identifier is empty, so that another route goes before"
#define OTHER_WORD ": an earlier route's identifier is empty, and it would take another word for it"

static const struct {
    const char *matches[3], *path;
    size_t taken;
    enum extract_problem problem;
    const char *identifier;
    const char *passed_over; /* what is said of one that matches, too; NULL: there is none */
} hollows[] = {
    {{"/sso/{identifier}", "/sso"}, "/sso/", 1, EXTRACT_NO_SAML_RESPONSE, "", HOLLOW},
    {{"/sso/{identifier}", "/sso"}, "/sso", 1, EXTRACT_NO_SAML_RESPONSE, "", NULL},
    {{"/sso/{identifier}", "/sso"}, "//sso//", 1, EXTRACT_NO_SAML_RESPONSE, "", HOLLOW},
    {{"/sso/{identifier}", "/x"}, "/sso/", 0, EXTRACT_EMPTY, "", NULL},
    {{"/sso/{identifier}", "/x", "/sso"}, "/sso/", 2, EXTRACT_NO_SAML_RESPONSE, "", HOLLOW},
    {{"/auth/{identifier}/cb", "/auth/cb"}, "/auth//cb", 1, EXTRACT_NO_SAML_RESPONSE, "", HOLLOW},
    {{"/auth/{identifier...}/cb", "/auth/cb"}, "/auth//cb", 1, EXTRACT_NO_SAML_RESPONSE, "", HOLLOW},
    {{"/**/cb/{identifier}", "/a/cb"}, "/a/cb/", 1, EXTRACT_NO_SAML_RESPONSE, "", HOLLOW},
    {{"/a/{identifier}", "/*/{identifier}"}, "/a/", 0, EXTRACT_EMPTY, "", HOLLOW},
    {{"/a/{identifier}", "/a?c={identifier}"}, "/a/", 1, EXTRACT_FINE, "x", HOLLOW},
    {{"/a/{identifier}", "https://{identifier}.example.com/a"}, "/a/", 1, EXTRACT_FINE, "acme", HOLLOW},
    /* one that would take the word before it for the identifier */
    {{"/sso/{identifier}", "/{identifier}"}, "/sso/", 0, EXTRACT_EMPTY, "", OTHER_WORD},
    {{"/old-sso/{identifier}", "/**/{identifier}"}, "/old-sso/", 0, EXTRACT_EMPTY, "", OTHER_WORD},
    {{"/old-sso/{identifier}", "/{identifier...}"}, "/old-sso/", 0, EXTRACT_EMPTY, "", OTHER_WORD},
    {{"/sso/{identifier}", "/{identifier}", "/sso"}, "/sso/", 2, EXTRACT_NO_SAML_RESPONSE, "", OTHER_WORD},
    /* a damaged identifier is no empty one, and text around it makes the segment that of this route */
    {{"/sso/{identifier}", "/**"}, "/sso/%zz", 0, EXTRACT_BAD_ENCODING, "", NULL},
    {{"/acs-{identifier}", "/**"}, "/acs-", 0, EXTRACT_EMPTY, "", NULL},
    {{"/cb?d={identifier}", "/cb"}, "/cb", 0, EXTRACT_EMPTY, "", NULL},
};

static void an_empty_identifier_leaves_the_request_to_a_later_route(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(hollows); i++) {
        struct route routes[COUNT_OF(hollows[i].matches)];
        size_t count = 0;
        for (; count < COUNT_OF(routes) && hollows[i].matches[count] != NULL; count++) {
            make_route(&routes[count], hollows[i].matches[count], IDENTIFY_BY_TEMPLATE);
            if (!template_has_identifier(routes[count].template))
                routes[count].identify_by = IDENTIFY_BY_ISSUER;
        }
        char seen[256] = "";
        struct extract_trace trace = {note_route, seen};
        struct arena *arena = arena_new();
        struct extraction extraction;
        struct request request = {.path = text_of(hollows[i].path),
                                  .host = TEXT("acme.example.com"),
                                  .query = TEXT("c=x&d="),
                                  .has_query = true};
        extract(routes, count, &request, arena_memory(arena), &trace, &extraction);
        if (extraction.route != &routes[hollows[i].taken] || extraction.problem != hollows[i].problem)
            fail_msg("%s ...: %s: %s\n%s", hollows[i].matches[0], hollows[i].path,
                     extract_problem_code(extraction.problem), seen);
        assert_text(extraction.identifier, hollows[i].identifier);
        assert_non_null(strstr(seen, ": matches\n"));
        assert_null(strstr(strstr(seen, ": matches\n") + 1, ": matches\n"));
        assert_int_equal(hollows[i].passed_over != NULL, strstr(seen, "identifier is empty") != NULL);
        if (hollows[i].passed_over != NULL)
            assert_non_null(strstr(seen, hollows[i].passed_over));
        arena_free(arena);
        while (count > 0)
            template_free(routes[--count].template);
    }
}

static void paths_start_with_a_slash(void **state)
{
    (void)state;
    static const char *const paths[] = {"", "*", "a", "http://x.example/a"};
    struct route route;
    make_route(&route, "/**", IDENTIFY_BY_ISSUER);
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct arena *arena = arena_new();
        struct extraction extraction;
        struct request request = {.path = text_of(paths[i])};
        extract(&route, 1, &request, arena_memory(arena), NULL, &extraction);
        assert_null(extraction.route);
        assert_int_equal(extraction.problem, EXTRACT_BAD_PATH);
        arena_free(arena);
    }
    template_free(route.template);
}

static const struct {
    const char *matches[4];
    enum identify_by by[4];
    bool ambiguous;
    size_t first, second;
} ambiguities[] = {
    {{"/a/{identifier}", "/b/{identifier}"}, {0}, false, 0, 0},
    {{"/a/{identifier}", "/a/{identifier}"}, {0}, true, 0, 1},
    {{"/cb?c={identifier}", "/cb"}, {IDENTIFY_BY_TEMPLATE, IDENTIFY_BY_ISSUER}, false, 0, 0},
    {{"/cb", "/cb?c={identifier}"}, {IDENTIFY_BY_ISSUER}, true, 0, 1},
    {{"/a", "/a"}, {IDENTIFY_BY_RELAY_STATE, IDENTIFY_BY_ISSUER}, true, 0, 1},
    {{"/x", "/saml/{identifier}/acs", "/y", "/saml/acs/{identifier}"},
     {IDENTIFY_BY_ISSUER, 0, IDENTIFY_BY_ISSUER},
     true,
     1,
     3},
    {{"https://a.example/{identifier}", "https://b.example/{identifier}", "/{identifier}"}, {0}, false, 0, 0},
    {{"/a/b", "/a/{identifier}", "/**"}, {IDENTIFY_BY_ISSUER, 0, IDENTIFY_BY_ISSUER}, false, 0, 0},
};

static void ambiguous_routes_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ambiguities); i++) {
        struct route routes[4];
        size_t count = 0, found = 0, first = 0, second = 0;
        while (count < 4 && ambiguities[i].matches[count] != NULL) {
            make_route(&routes[count], ambiguities[i].matches[count], ambiguities[i].by[count]);
            count++;
        }
        for (size_t later = count; later-- > 1;) {
            for (size_t earlier = later; earlier-- > 0;) {
                if (routes_ambiguous(&routes[earlier], &routes[later])) {
                    ++found;
                    first = earlier;
                    second = later;
                }
            }
        }
        if (found != (ambiguities[i].ambiguous ? 1 : 0) || first != ambiguities[i].first ||
            second != ambiguities[i].second)
            fail_msg("%s ...: %zu and %zu", ambiguities[i].matches[0], first, second);
        while (count > 0)
            template_free(routes[--count].template);
    }
}

/* -- words -- */

static void each_problem_has_a_code_of_its_own_and_a_sentence(void **state)
{
    (void)state;
    assert_string_equal(extract_problem_code(EXTRACT_FINE), "");
    assert_string_equal(extract_problem_code(EXTRACT_BAD_ENCODING), "bad_encoding");
    for (unsigned i = EXTRACT_FINE + 1; i < EXTRACT_PROBLEMS; i++) {
        const char *code = extract_problem_code((enum extract_problem)i),
                   *cause = extract_problem_cause((enum extract_problem)i),
                   *text = extract_problem_text((enum extract_problem)i);
        assert_true(strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(code) && code[0] != '\0');
        assert_true(strlen(cause) > 10 && strlen(cause) < 90 && cause[strlen(cause) - 1] != '.');
        assert_true(strlen(text) > 30 && text[strlen(text) - 1] == '.');
        for (unsigned j = i + 1; j < EXTRACT_PROBLEMS; j++)
            assert_string_not_equal(code, extract_problem_code((enum extract_problem)j));
    }
    assert_string_equal(extract_problem_code(EXTRACT_PROBLEMS), "");
}

static void methods_are_case_sensitive(void **state)
{
    (void)state;
    assert_int_equal(method_parse(TEXT("GET")), METHOD_GET);
    assert_int_equal(method_parse(TEXT("HEAD")), METHOD_HEAD);
    assert_int_equal(method_parse(TEXT("POST")), METHOD_POST);
    assert_int_equal(method_parse(TEXT("post")), METHOD_OTHER);
    assert_int_equal(method_parse(TEXT("PUT")), METHOD_OTHER);
    assert_int_equal(method_parse(TEXT("")), METHOD_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifiers_are_taken_from_urls),
        cmocka_unit_test(identifiers_have_a_length_limit),
        cmocka_unit_test(identifiers_are_taken_from_fields),
        cmocka_unit_test(the_member_of_a_json_relay_state_can_be_named),
        cmocka_unit_test(long_relay_states_are_refused),
        cmocka_unit_test(a_json_relay_state_has_a_length_limit),
        cmocka_unit_test(relay_states_of_the_old_provider_are_known_by_prefix),
        cmocka_unit_test(routes_are_tried_in_order_and_traced),
        cmocka_unit_test(an_empty_identifier_leaves_the_request_to_a_later_route),
        cmocka_unit_test(paths_start_with_a_slash),
        cmocka_unit_test(ambiguous_routes_are_found),
        cmocka_unit_test(each_problem_has_a_code_of_its_own_and_a_sentence),
        cmocka_unit_test(methods_are_case_sensitive),
    };
    return cmocka_run_group_tests(tests, saml_setup, saml_teardown);
}
