#include "check.h"

#include "ssoferry/connection.h"

#define UUID "51861cbc-d3b9-428b-9761-227f5fb12be9"
#define LIVE "saml-connection-live-" UUID

static struct text repeat(char *out, const char *piece, size_t count)
{
    size_t size = strlen(piece);
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * size, piece, size);
    return text_slice(out, size * count);
}

/* -- names and single fields -- */

static void names(void **state)
{
    (void)state;
    enum connection_state parsed_state;
    enum redirect_kind parsed_kind;
    for (unsigned i = 0; i < CONNECTION_STATES; i++) {
        assert_true(connection_state_parse(text_of(connection_state_name((enum connection_state)i)), &parsed_state));
        assert_int_equal(parsed_state, i);
    }
    for (unsigned i = REDIRECT_307; i <= REDIRECT_FORM; i++) {
        assert_true(redirect_kind_parse(text_of(redirect_kind_name((enum redirect_kind)i)), &parsed_kind));
        assert_int_equal(parsed_kind, i);
    }
    assert_string_equal(redirect_kind_name(REDIRECT_UNSET), "");
    assert_false(redirect_kind_parse(TEXT(""), &parsed_kind));
    assert_false(redirect_kind_parse(TEXT("302"), &parsed_kind));
    assert_false(redirect_kind_parse(TEXT("3070"), &parsed_kind));
    assert_false(connection_state_parse(TEXT("Stytch"), &parsed_state));
    assert_false(connection_state_parse(TEXT(""), &parsed_state));
}

static const struct {
    const char *(*problem)(struct text value);
    const char *value;
    const char *expected; /* NULL: good */
} fields[] = {
    {identifier_problem, "acme", NULL},
    {identifier_problem, "a/b c", NULL},
    {identifier_problem, "\xc3\xa9\xf0\x9f\x98\x80", NULL},
    {identifier_problem, "\xe2\x80\xa8", NULL},
    {identifier_problem, "", "is empty"},
    {identifier_problem, "a\nb", "holds a control character"},
    {identifier_problem, "a\tb", "holds a control character"},
    {identifier_problem, "\x7f", "holds a control character"},
    {identifier_problem, "\xc2\x85", "holds a control character"},
    {identifier_problem, "\xff", "is not valid UTF-8"},
    {identifier_problem, "\xed\xa0\x80", "is not valid UTF-8"},
    {identifier_problem, "\xc0\xaf", "is not valid UTF-8"},
    {source_problem, "default", NULL},
    {source_problem, "0", NULL},
    {source_problem, "a.b_c-9", NULL},
    {source_problem, "", "is empty"},
    {source_problem, "-a", "must start with a lower-case letter or a digit"},
    {source_problem, ".a", "must start with a lower-case letter or a digit"},
    {source_problem, "A", "must start with a lower-case letter or a digit"},
    {source_problem, "aB", "may only hold lower-case letters, digits, '.', '_' and '-'"},
    {source_problem, "a/b", "may only hold lower-case letters, digits, '.', '_' and '-'"},
    {source_problem, "\xc3\xa9", "must start with a lower-case letter or a digit"},
    {connection_id_problem, LIVE, NULL},
    {connection_id_problem, "oidc-connection-test-1", NULL},
    {connection_id_problem, "external-connection-live--", NULL},
    {connection_id_problem, "", "is empty"},
    {connection_id_problem, "saml-connection-live-",
     "may only hold lower-case letters, digits and '-', and at least one after its prefix"},
    {connection_id_problem, "saml-connection-live-A",
     "may only hold lower-case letters, digits and '-', and at least one after its prefix"},
    {connection_id_problem, "saml-connection-live-a/..",
     "may only hold lower-case letters, digits and '-', and at least one after its prefix"},
    {connection_id_problem, "saml-connection-dev-1", "must start with {saml|oidc|external}-connection-{live|test}-"},
    {connection_id_problem, "SAML-connection-live-1", "must start with {saml|oidc|external}-connection-{live|test}-"},
    {connection_id_problem, "external-connectxon-live-1",
     "must start with {saml|oidc|external}-connection-{live|test}-"},
    {connection_id_problem, "saml-connection-live-a_1",
     "may only hold lower-case letters, digits and '-', and at least one after its prefix"},
    {connection_id_problem, " " LIVE, "must start with {saml|oidc|external}-connection-{live|test}-"},
    {organization_id_problem, "organization-live-" UUID, NULL},
    {organization_id_problem, "organization-test-x", NULL},
    {organization_id_problem, "", "is empty"},
    {organization_id_problem, "organization-x-1", "must start with organization-{live|test}-"},
    {organization_id_problem, "organization-live-\xff",
     "may only hold lower-case letters, digits and '-', and at least one after its prefix"},
    {label_problem, "", NULL},
    {label_problem, "Globex (Okta) \xf0\x9f\x98\x80", NULL},
    {label_problem, "a\x1b[0m", "holds a control character"},
    {label_problem, "\x80", "is not valid UTF-8"},
};

static void fields_one_by_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        const char *problem = fields[i].problem(text_of(fields[i].value));
        if ((problem == NULL) != (fields[i].expected == NULL) ||
            (problem != NULL && strcmp(problem, fields[i].expected) != 0))
            fail_msg("\"%s\": got %s, expected %s", fields[i].value, problem ? problem : "nothing",
                     fields[i].expected ? fields[i].expected : "nothing");
    }
}

static const struct {
    const char *(*problem)(struct text value);
    const char *start;
    size_t max;
    const char *expected;
} limits[] = {
    {identifier_problem, "", 440, "is longer than 440 bytes"},
    {source_problem, "", 64, "is longer than 64 bytes"},
    {connection_id_problem, "saml-connection-live-", 128, "is longer than 128 bytes"},
    {organization_id_problem, "organization-test-", 128, "is longer than 128 bytes"},
    {label_problem, "", 256, "is longer than 256 bytes"},
};

static void limits_of_length(void **state)
{
    (void)state;
    char bytes[512];
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        size_t start = strlen(limits[i].start);
        memset(bytes, 'a', sizeof bytes);
        memcpy(bytes, limits[i].start, start);
        assert_null(limits[i].problem(text_slice(bytes, limits[i].max)));
        assert_string_equal(limits[i].problem(text_slice(bytes, limits[i].max + 1)), limits[i].expected);
    }
    /* bytes, not characters */
    assert_null(identifier_problem(repeat(bytes, "\xc3\xa9", 220)));
    assert_non_null(identifier_problem(repeat(bytes, "\xc3\xa9", 221)));
    assert_string_equal(identifier_problem(text_slice("a\0b", 3)), "holds a control character");
}

static void ids(void **state)
{
    (void)state;
    assert_true(connection_id_has_uuid(TEXT(LIVE)));
    assert_true(connection_id_has_uuid(TEXT("external-connection-test-" UUID)));
    assert_false(connection_id_has_uuid(TEXT("saml-connection-live-51861cbc")));
    assert_false(connection_id_has_uuid(TEXT("saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be")));
    assert_false(connection_id_has_uuid(TEXT("saml-connection-live-a51861cbc-d3b9-428b-9761-227f5fb12be9")));
    assert_false(connection_id_has_uuid(TEXT("saml-connection-live-51861cbcd-3b9-428b-9761-227f5fb12be9")));
    assert_false(connection_id_has_uuid(TEXT("saml-connection-live-51861cbg-d3b9-428b-9761-227f5fb12be9")));
    assert_false(connection_id_has_uuid(TEXT("saml-connection-live-51861cb--d3b9-428b-9761-227f5fb12be9")));
    assert_false(connection_id_is_test(TEXT(LIVE)));
    for (size_t i = sizeof(LIVE) - sizeof(UUID); i < sizeof(LIVE) - 1; i++) { /* each byte is one of a UUID's */
        char other[] = LIVE;
        other[i] = other[i] == '-' ? 'a' : '-';
        assert_false(connection_id_has_uuid(text_of(other)));
    }
    assert_true(connection_id_is_test(TEXT("oidc-connection-test-1")));
}

/* -- whole rows -- */

#define ACS(host) "https://" host "/v1/b2b/sso/callback/" LIVE

static const struct {
    const char *id, *acs, *legacy, *organization, *label;
    enum connection_state state;
    const char *field, *message; /* NULL: good */
} rows[] = {
    {.id = LIVE},
    {.id = LIVE, .acs = ACS("api.stytch.com"), .organization = "organization-live-1", .label = "x"},
    {.id = LIVE, .acs = ACS("a-b-1.customers.stytch.dev")},
    {.id = LIVE, .legacy = "https://legacy.example.net/acs", .state = CONNECTION_LEGACY},
    {.state = CONNECTION_LEGACY},
    {.state = CONNECTION_DISABLED},
    {.field = "connection_id", .message = "connection_id is missing, which state stytch needs"},
    {.id = "x",
     .field = "connection_id",
     .message = "connection_id must start with {saml|oidc|external}-connection-{live|test}-"},
    {.id = "x",
     .state = CONNECTION_DISABLED,
     .field = "connection_id",
     .message = "connection_id must start with {saml|oidc|external}-connection-{live|test}-"},
    {.id = LIVE, .acs = "http://api.stytch.com/" LIVE, .field = "acs_url"},
    {.id = LIVE, .acs = ACS("api.stytch.com.evil.example"), .field = "acs_url"},
    {.id = LIVE, .acs = ACS("a.b.customers.stytch.com"), .field = "acs_url"},
    {.id = LIVE, .acs = ACS("user@api.stytch.com"), .field = "acs_url"},
    {.id = LIVE, .acs = ACS("api.stytch.com") "?x", .field = "acs_url", .message = "acs_url must end in /" LIVE},
    {.id = LIVE, .acs = ACS("api.stytch.com") "/", .field = "acs_url", .message = "acs_url must end in /" LIVE},
    {.id = LIVE, .acs = "https://api.stytch.com/?/" LIVE, .field = "acs_url", .message = "acs_url must end in /" LIVE},
    {.id = LIVE, .acs = "https://api.stytch.com/x" LIVE, .field = "acs_url", .message = "acs_url must end in /" LIVE},
    {.id = LIVE, .acs = "https://api.stytch.com", .field = "acs_url", .message = "acs_url must end in /" LIVE},
    {.id = LIVE, .acs = "nonsense", .field = "acs_url"},
    {.id = LIVE,
     .acs = ACS("api.stytch.com") "#x",
     .field = "acs_url",
     .message = "acs_url cannot be used: it has a fragment (#)"},
    {.acs = ACS("api.stytch.com"),
     .state = CONNECTION_LEGACY,
     .field = "acs_url",
     .message = "acs_url needs a connection_id beside it"},
    {.id = LIVE, .legacy = "https://api.stytch.com/", .field = "legacy_url"},
    {.id = LIVE, .legacy = "javascript:1", .field = "legacy_url"},
    {.id = LIVE,
     .acs = ACS("own.example.net"),
     .field = "acs_url",
     .message = "acs_url leads back to the gateway itself (hosts): sign-ins would go round in a circle"},
    {.id = LIVE,
     .legacy = "https://own.example.net/acs",
     .field = "legacy_url",
     .message = "legacy_url leads back to the gateway itself (hosts): sign-ins would go round in a circle"},
    {.id = LIVE,
     .organization = "org",
     .field = "organization_id",
     .message = "organization_id must start with organization-{live|test}-"},
    {.id = LIVE, .label = "\r", .field = "label", .message = "label holds a control character"},
    {.id = LIVE,
     .state = (enum connection_state)3,
     .field = "state",
     .message = "state must be stytch, legacy or disabled"},
};

static void check_rows(void **state)
{
    (void)state;
    const char *why = NULL;
    struct allowed_hosts *stytch = allowed_hosts_new(), *legacy = allowed_hosts_new();
    allowed_hosts_add_stytch(stytch);
    static const struct text own[] = {{"Own.example.net", 15}};
    assert_true(allowed_hosts_add(legacy, TEXT("legacy.example.net"), &why));
    assert_true(allowed_hosts_add(legacy, TEXT("own.example.net"), &why));
    assert_true(allowed_hosts_add(stytch, TEXT("own.example.net"), &why));
    const struct connection_rules rules = {.stytch = stytch, .legacy = legacy, .own_hosts = own, .own_host_count = 1};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct connection_problem problem = {NULL, ""};
        struct connection row = {rows[i].state,         REDIRECT_UNSET,          text_of(rows[i].id),
                                 text_of(rows[i].acs),  text_of(rows[i].legacy), text_of(rows[i].organization),
                                 text_of(rows[i].label)};
        bool good = connection_check(&row, &rules, &problem);
        if (good != (rows[i].field == NULL))
            fail_msg("row %zu: %s", i, good ? "passed" : problem.message);
        if (!good) {
            assert_string_equal(problem.field, rows[i].field);
            assert_memory_equal(problem.message, rows[i].field, strlen(rows[i].field));
        }
        if (rows[i].message != NULL)
            assert_string_equal(problem.message, rows[i].message);
    }
    struct connection odd = {.connection_id = TEXT(LIVE), .redirect = (enum redirect_kind)4};
    struct connection_problem problem;
    assert_false(connection_check(&odd, &rules, &problem));
    assert_string_equal(problem.field, "redirect");
    allowed_hosts_free(stytch);
    allowed_hosts_free(legacy);
}

/* What a row has beside what its state uses is left out. */
static void what_is_in_use(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONNECTION_STATES; i++) {
        const struct connection row = {.state = (enum connection_state)i,
                                       .connection_id = TEXT(LIVE),
                                       .acs_url = TEXT("https://a.example/"),
                                       .legacy_url = TEXT("https://l.example/")};
        const struct connection used = connection_in_use(&row);
        assert_text(used.connection_id, LIVE);
        assert_text(used.acs_url, row.state == CONNECTION_STYTCH ? "https://a.example/" : "");
        assert_text(used.legacy_url, row.state == CONNECTION_LEGACY ? "https://l.example/" : "");
    }
}

static const struct {
    const char *name, *value, *why; /* NULL: good */
} settings[] = {
    {"connection_id", LIVE, NULL},
    {"connection_id", "", NULL},
    {"connection_id", "x", "must start with {saml|oidc|external}-connection-{live|test}-"},
    {"acs_url", "https://a.example/", NULL},
    {"legacy_url", "", NULL},
    {"legacy_url", "https://a.example/", NULL},
    {"redirect", "303", NULL},
    {"redirect", "", NULL},
    {"redirect", "301", "must be 307, 303 or form"},
    {"state", "disabled", NULL},
    {"state", "", "must be stytch, legacy or disabled"},
    {"organization_id", "organization-live-1", NULL},
    {"organization_id", "1", "must start with organization-{live|test}-"},
    {"label", "L", NULL},
    {"label", "", NULL},
    {"label", "\n", "holds a control character"},
    {"colour", "red", "is not a field of a connection"},
    {"", "", "is not a field of a connection"},
};

static void set_fields(void **state)
{
    (void)state;
    char url[URL_SIZE_MAX + 1];
    struct connection row = {0};
    const char *why = NULL;
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        bool good = connection_set_field(&row, text_of(settings[i].name), text_of(settings[i].value), &why);
        assert_int_equal(good, settings[i].why == NULL);
        if (!good)
            assert_string_equal(why, settings[i].why);
    }
    assert_true(connection_set_field(&row, TEXT("state"), TEXT("legacy"), &why) && row.state == CONNECTION_LEGACY);
    assert_true(connection_set_field(&row, TEXT("redirect"), TEXT("form"), &why) && row.redirect == REDIRECT_FORM);
    assert_true(connection_set_field(&row, TEXT("redirect"), TEXT(""), &why) && row.redirect == REDIRECT_UNSET);
    assert_true(connection_set_field(&row, TEXT("label"), TEXT("L"), &why));
    memset(url, 'u', sizeof(url));
    assert_true(connection_set_field(&row, TEXT("acs_url"), text_slice(url, URL_SIZE_MAX), &why));
    assert_false(connection_set_field(&row, TEXT("acs_url"), text_slice(url, URL_SIZE_MAX + 1), &why));
    assert_string_equal(why, "is longer than 2048 bytes");
    assert_text(row.label, "L");
    size_t count = 0;
    while (connection_field_name(count) != NULL)
        count++;
    assert_int_equal(count, 7);
}

/* -- keys -- */

static void keys(void **state)
{
    (void)state;
    char key[CONNECTION_KEY_SIZE_MAX], source_bytes[SOURCE_SIZE_MAX], identifier_bytes[IDENTIFIER_SIZE_MAX];
    struct text source, identifier;
    size_t size = connection_key(TEXT("default"), TEXT("acme"), key);
    assert_int_equal(size, 12);
    assert_memory_equal(key, "default\0acme", 12);
    assert_true(connection_key_split(text_slice(key, size), &source, &identifier));
    assert_text(source, "default");
    assert_text(identifier, "acme");
    size = connection_key(repeat(source_bytes, "s", SOURCE_SIZE_MAX),
                          repeat(identifier_bytes, "i", IDENTIFIER_SIZE_MAX), key);
    assert_int_equal(size, CONNECTION_KEY_SIZE_MAX);
    assert_true(connection_key_split(text_slice(key, size), &source, &identifier));
    assert_int_equal(identifier.size, IDENTIFIER_SIZE_MAX);
    assert_false(connection_key_split(TEXT("no zero"), &source, &identifier));
    char first[SOURCE_SIZE_MAX + 1], behind[SOURCE_SIZE_MAX + 1];
    source = text_slice(first, source_first_key(TEXT("saml"), first));
    identifier = text_slice(behind, source_behind_key(TEXT("saml"), behind));
    size = connection_key(TEXT("saml"), TEXT("\xf4\x8f\xbf\xbf"), key);
    assert_true(text_starts(text_slice(key, size), source));
    assert_true(text_compare(text_slice(key, size), identifier) < 0);
    size = connection_key(TEXT("saml-"), TEXT("a"), key);
    assert_false(text_starts(text_slice(key, size), source));
    assert_true(text_compare(text_slice(key, size), identifier) > 0);
    assert_int_equal(source_first_key(TEXT(""), first) + source_behind_key(TEXT(""), behind), 0);
    assert_false(connection_key_split(TEXT(""), &source, &identifier));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(fields_one_by_one),
        cmocka_unit_test(limits_of_length),
        cmocka_unit_test(ids),
        cmocka_unit_test(check_rows),
        cmocka_unit_test(what_is_in_use),
        cmocka_unit_test(set_fields),
        cmocka_unit_test(keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
