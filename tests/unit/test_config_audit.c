/* What the configuration makes of rows as they stand in the table. */
#include "check.h"

#include "ssoferry/audit.h"

#define ID "saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be9"

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
    const struct route routes[] = {{.source = TEXT("default")},
                                   {.source = TEXT("old"), .legacy_url = TEXT("https://old.example/")}};
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_and_what_stands_in_their_way)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
