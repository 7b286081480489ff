/* What the configuration makes of rows as they stand in the table. */
#include "check.h"

#include "ssoferry/audit.h"

#define ID "saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be9"

static struct template *template_of(const char *source)
{
    char why[256];
    struct template *template = NULL;
    if (!template_parse(&template, text_of(source), why, NULL))
        fail_msg("%s: %s", source, why);
    return template;
}

static void rows_and_what_stands_in_their_way(void **state)
{
    const struct {
        const char *source, *identifier;
        struct connection row;
        enum unusable expected;
    } cases[] = {
        {"default", "acme", {.connection_id = TEXT(ID)}, UNUSABLE_NOT},
        {"okta", "acme", {.connection_id = TEXT(ID)}, UNUSABLE_UNREACHED},
        {"default", "a\nb", {.connection_id = TEXT(ID)}, UNUSABLE_UNREACHED},
        {"default", "acme", {.state = CONNECTION_LEGACY}, UNUSABLE_NO_LEGACY_URL},
        {"old", "acme", {.state = CONNECTION_LEGACY}, UNUSABLE_NOT},
        {"okta", "acme", {.state = CONNECTION_LEGACY}, UNUSABLE_UNREACHED},
        {"default", "acme", {.state = CONNECTION_DISABLED}, UNUSABLE_NOT},
        {"default", "acme", {.state = CONNECTION_LEGACY, .legacy_url = TEXT("https://evil.example/")}, UNUSABLE_URL},
        {"default", "acme", {.connection_id = TEXT(ID), .acs_url = TEXT("https://evil.example/" ID)}, UNUSABLE_URL},
        {"default", "acme", {.connection_id = TEXT(ID), .legacy_url = TEXT("https://evil.example/")}, UNUSABLE_NOT},
        {"default", "acme", {.state = CONNECTION_STYTCH}, UNUSABLE_RECORD},
    };
    struct template *template = template_of("/old-sso/{identifier}");
    const struct route routes[] = {
        {.template = template, .source = TEXT("default")},
        {.template = template, .source = TEXT("old"), .legacy_url = TEXT("https://old.example/")}};
    struct allowed_hosts *none = allowed_hosts_new();
    const struct config config = {.gateway = {.routes = routes, .route_count = COUNT_OF(routes)},
                                  .rules = {.stytch = none, .legacy = none}};
    struct audit audit = {.config = &config};
    char record[CONNECTION_RECORD_SIZE_MAX];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text encoded = text_slice(record, connection_encode(&cases[i].row, record));
        enum unusable got = audit_record(&audit, text_of(cases[i].source), text_of(cases[i].identifier), encoded);
        if (got != cases[i].expected)
            fail_msg("case %zu: \"%s\", not \"%s\"", i, unusable_code(got), unusable_code(cases[i].expected));
    }
    assert_int_equal(audit_record(&audit, TEXT("default"), TEXT("acme"), TEXT("\x01")), UNUSABLE_RECORD);
    allowed_hosts_free(none);
    template_free(template);
}

static void names_that_no_request_has(void **state)
{
    static const struct {
        const char *source, *identifier;
        enum oddity expected;
    } cases[] = {
        {"path", "acme", ODDITY_NONE},
        {"path", "https://sso.example.com/saml/acme/acs", ODDITY_ADDRESS},
        {"path", "HTTPS://SSO.example.com:443/saml/acme/acs/", ODDITY_ADDRESS},
        {"path", "/saml/acme/acs", ODDITY_ADDRESS},
        {"path", "/samlp/acme/acs", ODDITY_SLASH},
        {"path", "https://idp.example.com/saml/acme/acs", ODDITY_SLASH},
        {"path", "a/b", ODDITY_SLASH},
        {"path", "hooli", ODDITY_NONE},
        {"groups", "a/b", ODDITY_NONE},
        {"query", "acme", ODDITY_NONE},
        {"query", "connection=acme", ODDITY_ADDRESS},
        {"query", "connection", ODDITY_NONE},
        {"query", "connections=acme", ODDITY_NONE},
        {"query", "/login/callback?connection=acme", ODDITY_ADDRESS},
        {"query", "https://sso.example.com/login/callback?connection=acme", ODDITY_ADDRESS},
        {"query", "https://sso.example.com/login/callback", ODDITY_NONE},
        {"query", "http://www.okta.com/exk1", ODDITY_NONE},
        {"query", "/a/b", ODDITY_NONE},
        {"issuer", "http://www.okta.com/exk1", ODDITY_NONE},
        {"issuer", "urn:acme:idp", ODDITY_NONE},
        {"issuer", "https://sso.example.com/complete/saml/", ODDITY_ADDRESS},
        {"issuer", "https://sso.example.com/other", ODDITY_NONE},
        {"issuer", "acme", ODDITY_NO_ENTITY},
        {"both", "acme", ODDITY_NONE},
        {"both", "https://idp.example.com/x", ODDITY_NONE},
        {"both", "https://sso.example.com/x/y", ODDITY_NONE}, /* the catch-all takes all */
        {"both", "https://sso.example.com/bare", ODDITY_ADDRESS},
        {"relay", "acme/x", ODDITY_NONE},
        {"host", "acme", ODDITY_NONE},
        {"host", "acme.example.com/x", ODDITY_SLASH},
    };
    static const struct text own_hosts[] = {{"sso.example.com", 15}};
    struct route routes[] = {
        {.source = TEXT("path"), .template = template_of("/saml/{identifier}/acs")},
        {.source = TEXT("groups"), .template = template_of("/groups/{identifier...}")},
        {.source = TEXT("query"), .template = template_of("/login/callback?connection={identifier}")},
        {.source = TEXT("issuer"), .identify_by = IDENTIFY_BY_ISSUER, .template = template_of("/complete/saml")},
        {.source = TEXT("both"), .template = template_of("/**/{identifier}")},
        {.source = TEXT("both"), .identify_by = IDENTIFY_BY_ISSUER, .template = template_of("/bare")},
        {.source = TEXT("relay"), .identify_by = IDENTIFY_BY_RELAY_STATE, .template = template_of("/relay")},
        {.source = TEXT("host"), .template = template_of("https://{identifier}.example.com/acs")},
    };
    const struct config config = {.gateway = {.routes = routes, .route_count = COUNT_OF(routes)},
                                  .rules = {.own_hosts = own_hosts, .own_host_count = COUNT_OF(own_hosts)}};
    struct audit audit = {.config = &config};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum oddity got = audit_row(&audit, text_of(cases[i].source), text_of(cases[i].identifier),
                                    &(struct connection){.connection_id = TEXT(ID)});
        if (got != cases[i].expected)
            fail_msg("%s of %s: %d, not %d", cases[i].identifier, cases[i].source, (int)got, (int)cases[i].expected);
    }
    for (size_t i = 0; i < COUNT_OF(routes); i++)
        template_free(routes[i].template);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_and_what_stands_in_their_way),
                                       cmocka_unit_test(names_that_no_request_has)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
