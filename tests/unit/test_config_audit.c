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
        {"watched", "acme", {.connection_id = TEXT(ID), .legacy_url = TEXT("https://evil.example/")}, UNUSABLE_URL},
        {"started", "acme", {.connection_id = TEXT(ID), .legacy_url = TEXT("https://evil.example/")}, UNUSABLE_URL},
    };
    struct template *template = template_of("/old-sso/{identifier}");
    const struct route routes[] = {
        {.template = template, .source = TEXT("default")},
        {.template = template, .source = TEXT("old"), .legacy_url = TEXT("https://old.example/")},
        {.template = template, .source = TEXT("watched"), .observe = true},
        {.template = template, .source = TEXT("started"), .legacy_relay_state_count = 1}};
    struct allowed_hosts *none = allowed_hosts_new();
    struct config config = {.gateway = {.routes = routes, .route_count = COUNT_OF(routes)},
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
    config.gateway.observe = true; /* then every row may be sent to its legacy_url */
    audit = (struct audit){.config = &config};
    const struct connection row = {.connection_id = TEXT(ID), .legacy_url = TEXT("https://evil.example/")};
    struct text encoded = text_slice(record, connection_encode(&row, record));
    assert_int_equal(audit_record(&audit, TEXT("default"), TEXT("acme"), encoded), UNUSABLE_URL);
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
        {"path", "https://[2001:DB8::1]:8443/saml/acme/acs", ODDITY_ADDRESS},
        {"path", "/saml/acme/acs", ODDITY_ADDRESS},
        {"path", "/samlp/acme/acs", ODDITY_SLASH},
        {"path", "https://idp.example.com/saml/acme/acs", ODDITY_SLASH},
        {"path", "a/b", ODDITY_SLASH},
        {"path", "hooli", ODDITY_NONE},
        {"path", "Hooli", ODDITY_NONE},
        {"path", "acme%20corp", ODDITY_ENCODED},
        {"path", "acme%20", ODDITY_ENCODED},
        {"path", "acme%2", ODDITY_NONE},
        {"folded", "acme", ODDITY_NONE},
        {"folded", "Acme", ODDITY_CAPITALS},
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
        {"query", "/saml/acme/acs", ODDITY_NONE}, /* another source's address */
        {"issuer", "http://www.okta.com/exk1", ODDITY_NONE},
        {"issuer", "urn:acme:idp", ODDITY_NONE},
        {"issuer", "https://sso.example.com/complete/saml/", ODDITY_ADDRESS},
        {"issuer", "https://sso.example.com/other", ODDITY_NONE},
        {"issuer", "acme", ODDITY_NO_ENTITY},
        {"issuer", "urn:acme%20corp", ODDITY_NONE}, /* what is no part of a URL may look so */
        {"both", "acme", ODDITY_NONE},
        {"both", "https://idp.example.com/x", ODDITY_NONE},
        {"both", "https://sso.example.com/x/y", ODDITY_NONE}, /* the catch-all takes all */
        {"both", "https://sso.example.com/bare", ODDITY_ADDRESS},
        {"relay", "acme/x", ODDITY_NONE},
        {"mixed", "a/b", ODDITY_NONE}, /* one of its routes takes it so */
        {"mixed", "Acme", ODDITY_NONE},
        {"host", "acme", ODDITY_NONE},
        {"host", "acme.example.com/x", ODDITY_SLASH},
    };
    static const struct text own_hosts[] = {{"sso.example.com", 15}, {"[2001:db8::1]", 13}};
    struct route routes[] = {
        {.source = TEXT("path"), .template = template_of("/saml/{identifier}/acs")},
        {.source = TEXT("folded"), .fold_case = true, .template = template_of("/folded/{identifier}")},
        {.source = TEXT("groups"), .template = template_of("/groups/{identifier...}")},
        {.source = TEXT("query"), .template = template_of("/login/callback?connection={identifier}")},
        {.source = TEXT("issuer"), .identify_by = IDENTIFY_BY_ISSUER, .template = template_of("/complete/saml")},
        {.source = TEXT("both"), .template = template_of("/**/{identifier}")},
        {.source = TEXT("both"), .identify_by = IDENTIFY_BY_ISSUER, .template = template_of("/bare")},
        {.source = TEXT("mixed"), .template = template_of("/m/{identifier...}")},
        {.source = TEXT("mixed"), .fold_case = true, .template = template_of("/n/{identifier}")},
        {.source = TEXT("relay"), .identify_by = IDENTIFY_BY_RELAY_STATE, .template = template_of("/relay")},
        {.source = TEXT("host"), .template = template_of("https://{identifier}.example.com/acs")},
    };
    struct config config = {.gateway = {.routes = routes, .route_count = COUNT_OF(routes)},
                            .rules = {.own_hosts = own_hosts, .own_host_count = COUNT_OF(own_hosts)}};
    struct audit audit = {.config = &config};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum oddity got = audit_row(&audit, text_of(cases[i].source), text_of(cases[i].identifier),
                                    &(struct connection){.connection_id = TEXT(ID)});
        if (got != cases[i].expected)
            fail_msg("%s of %s: %d, not %d", cases[i].identifier, cases[i].source, (int)got, (int)cases[i].expected);
    }
    const struct connection row = {.connection_id = TEXT(ID)};
    config.rules.own_host_count = 0; /* then any host may be the gateway's */
    assert_int_equal(audit_row(&audit, TEXT("path"), TEXT("https://idp.example.com/saml/acme/acs"), &row),
                     ODDITY_ADDRESS);
    for (size_t i = 0; i < COUNT_OF(routes); i++)
        template_free(routes[i].template);
}

static void owners_of_many_connections(void **state)
{
    enum { CONNECTIONS = 5000 };
    struct owners *owners = owners_new();
    char connection[64], owner[64];
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < CONNECTIONS; i++) {
            snprintf(connection, sizeof connection, "saml-connection-live-51861cbc-d3b9-428b-9761-2222%08x", i);
            snprintf(owner, sizeof owner, "organization-live-%u", i + (round == 2));
            if (owners_contradict(owners, OWNER_ORGANIZATION, text_of(connection), text_of(owner)) != (round == 2))
                fail_msg("round %u: %s", round, connection);
            if (owners_contradict(owners, OWNER_LABEL, text_of(connection), TEXT("the same")))
                fail_msg("round %u: %s by its label", round, connection);
        }
    }
    owners_free(owners);
}

/* More than it remembers: the rest is not compared, and nothing takes for ever. */
static void more_connections_than_are_remembered(void **state)
{
    enum { CONNECTIONS = 100000 };
    struct owners *owners = owners_new();
    char connection[64];
    (void)state;
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        snprintf(connection, sizeof connection, "saml-connection-live-51861cbc-d3b9-428b-9761-2222%08x", i);
        assert_false(owners_contradict(owners, OWNER_ORGANIZATION, text_of(connection), TEXT("one")));
    }
    snprintf(connection, sizeof connection, "saml-connection-live-51861cbc-d3b9-428b-9761-2222%08x", 0);
    assert_true(owners_contradict(owners, OWNER_ORGANIZATION, text_of(connection), TEXT("other")));
    owners_free(owners);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_what_stands_in_their_way), cmocka_unit_test(more_connections_than_are_remembered),
        cmocka_unit_test(names_that_no_request_has), cmocka_unit_test(owners_of_many_connections)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
