#include "check.h"

#include <stdlib.h>

#include "ssoferry/connection.h"

#define UUID "51861cbc-d3b9-428b-9761-227f5fb12be9"
#define LIVE "saml-connection-live-" UUID

static char longest_url[URL_SIZE_MAX + 2], longest_label[LABEL_SIZE_MAX + 1], longest_id[CONNECTION_ID_SIZE_MAX + 1],
    longest_organization[ORGANIZATION_ID_SIZE_MAX + 1];

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
     "may only hold lower-case letters, digits and '-', and some of them behind its prefix"},
    {connection_id_problem, "saml-connection-live-A",
     "may only hold lower-case letters, digits and '-', and some of them behind its prefix"},
    {connection_id_problem, "saml-connection-live-a/..",
     "may only hold lower-case letters, digits and '-', and some of them behind its prefix"},
    {connection_id_problem, "saml-connection-dev-1", "must start with {saml|oidc|external}-connection-{live|test}-"},
    {connection_id_problem, "SAML-connection-live-1", "must start with {saml|oidc|external}-connection-{live|test}-"},
    {connection_id_problem, " " LIVE, "must start with {saml|oidc|external}-connection-{live|test}-"},
    {organization_id_problem, "organization-live-" UUID, NULL},
    {organization_id_problem, "organization-test-x", NULL},
    {organization_id_problem, "", "is empty"},
    {organization_id_problem, "organization-x-1", "must start with organization-{live|test}-"},
    {organization_id_problem, "organization-live-\xff",
     "may only hold lower-case letters, digits and '-', and some of them behind its prefix"},
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
    assert_true(connection_set_field(&row, TEXT("label"), TEXT("L"), &why));
    assert_true(connection_set_field(&row, TEXT("acs_url"), text_slice(longest_url, URL_SIZE_MAX), &why));
    assert_false(connection_set_field(&row, TEXT("acs_url"), text_slice(longest_url, URL_SIZE_MAX + 1), &why));
    assert_string_equal(why, "is longer than 2048 bytes");
    assert_text(row.label, "L");
    size_t count = 0;
    while (connection_field_name(count) != NULL)
        count++;
    assert_int_equal(count, 7);
}

/* -- records -- */

static const struct connection records[] = {
    {.connection_id = {LIVE, 57}},
    {.connection_id = {"saml-connection-test-" UUID, 57}},
    {.connection_id = {"oidc-connection-live-" UUID, 57}, .redirect = REDIRECT_307},
    {.connection_id = {"oidc-connection-test-" UUID, 57}, .redirect = REDIRECT_303},
    {.connection_id = {"external-connection-live-" UUID, 61}, .redirect = REDIRECT_FORM},
    {.connection_id = {"external-connection-test-" UUID, 61}, .state = CONNECTION_DISABLED},
    {.connection_id = {"saml-connection-live-1", 22}},
    {.connection_id = {"saml-connection-live-00000000-0000-0000-0000-000000000000", 57}},
    {.connection_id = {"saml-connection-live-ffffffff-ffff-ffff-ffff-ffffffffffff", 57}},
    {.connection_id = {"saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be", 56}},
    {.state = CONNECTION_LEGACY},
    {.state = CONNECTION_LEGACY, .legacy_url = {"https://l.example/x?y", 21}},
    {.connection_id = {LIVE, 57}, .label = {"\xf0\x9f\x98\x80 x", 6}},
    {.connection_id = {LIVE, 57}, .organization_id = {"organization-live-1", 19}},
    {.connection_id = {LIVE, 57},
     .acs_url = {"https://a.example/", 18},
     .legacy_url = {"https://l.example/", 18},
     .organization_id = {"organization-live-1", 19},
     .label = {"x", 1},
     .redirect = REDIRECT_FORM,
     .state = CONNECTION_LEGACY},
    {.connection_id = {longest_id, CONNECTION_ID_SIZE_MAX},
     .acs_url = {longest_url, URL_SIZE_MAX},
     .legacy_url = {longest_url, URL_SIZE_MAX},
     .organization_id = {longest_organization, ORGANIZATION_ID_SIZE_MAX},
     .label = {longest_label, LABEL_SIZE_MAX}},
};

static void fill_longest(void)
{
    memset(longest_url, 'u', URL_SIZE_MAX);
    memset(longest_label, 'l', LABEL_SIZE_MAX);
    memset(longest_id, 'i', CONNECTION_ID_SIZE_MAX);
    memcpy(longest_id, "saml-connection-live-", 21);
    memset(longest_organization, 'o', ORGANIZATION_ID_SIZE_MAX);
    memcpy(longest_organization, "organization-live-", 18);
}

/* The record in a block of exactly its size, so that a sanitizer sees each byte read too many. */
static struct text encode(const struct connection *row)
{
    char bytes[CONNECTION_RECORD_SIZE_MAX];
    size_t size = connection_encode(row, bytes);
    assert_in_range(size, 1, sizeof bytes);
    char *exact = malloc(size);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    return text_slice(exact, size);
}

static void records_come_back(void **state)
{
    (void)state;
    struct connection_buffer *buffer = malloc(sizeof *buffer);
    struct error error;
    enum connection_state row_state;
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        struct text record = encode(&records[i]);
        assert_true(connection_decode(record, buffer, &error));
        assert_true(connection_equal(&buffer->row, &records[i]));
        assert_true(connection_record_state(record, &row_state));
        assert_int_equal(row_state, records[i].state);
        free((char *)record.at);
    }
    free(buffer);
}

static void records_are_short(void **state)
{
    (void)state;
    char bytes[CONNECTION_RECORD_SIZE_MAX];
    assert_int_equal(connection_encode(&records[0], bytes), 19);
}

static void equal_rows_are_equal_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        for (size_t j = 0; j < COUNT_OF(records); j++) {
            struct text a = encode(&records[i]), b = encode(&records[j]);
            assert_int_equal(text_equal(a, b), i == j);
            assert_int_equal(connection_equal(&records[i], &records[j]), i == j);
            free((char *)a.at);
            free((char *)b.at);
        }
    }
}

/* Decodes bytes that may be anything: either refused, or a connection within all limits, whose record is these very
 * bytes. */
static bool decode_anything(const char *bytes, size_t size)
{
    struct connection_buffer *buffer = malloc(sizeof *buffer);
    char *exact = malloc(size > 0 ? size : 1), again[CONNECTION_RECORD_SIZE_MAX];
    struct error error = {0};
    memcpy(exact, bytes, size);
    bool good = connection_decode(text_slice(exact, size), buffer, &error);
    free(exact);
    if (!good) {
        assert_int_equal(error.kind, ERROR_FAILED);
        assert_true(strlen(error.message) > 0);
    } else {
        const struct connection *row = &buffer->row;
        assert_in_range(row->state, 0, CONNECTION_STATES - 1);
        assert_true(row->connection_id.size > 0 || row->state != CONNECTION_STYTCH);
        assert_true(row->connection_id.size == 0 || connection_id_problem(row->connection_id) == NULL);
        assert_true(row->organization_id.size == 0 || organization_id_problem(row->organization_id) == NULL);
        assert_null(label_problem(row->label));
        assert_in_range(row->acs_url.size, 0, URL_SIZE_MAX);
        assert_in_range(row->legacy_url.size, 0, URL_SIZE_MAX);
        assert_int_equal(connection_encode(row, again), size);
        assert_memory_equal(again, bytes, size);
    }
    free(buffer);
    return good;
}

static void cut_records_are_refused(void **state)
{
    (void)state;
    char bytes[CONNECTION_RECORD_SIZE_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        size_t size = connection_encode(&records[i], bytes);
        for (size_t cut = 0; cut < size; cut++)
            assert_false(decode_anything(bytes, cut));
        bytes[size] = 0;
        assert_false(decode_anything(bytes, size + 1));
    }
}

static void flipped_bits_are_refused_or_valid(void **state)
{
    (void)state;
    char bytes[CONNECTION_RECORD_SIZE_MAX];
    size_t refused = 0;
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        size_t size = connection_encode(&records[i], bytes);
        for (size_t bit = 0; bit < size * 8; bit++) {
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
            refused += !decode_anything(bytes, size);
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        }
    }
    assert_true(refused > 0);
}

static void noise_is_refused_or_valid(void **state)
{
    (void)state;
    char bytes[64];
    srand(7);
    for (unsigned i = 0; i < 20000; i++) {
        size_t size = (size_t)rand() % sizeof bytes;
        for (size_t j = 0; j < size; j++)
            bytes[j] = (char)rand();
        if (size > 0 && i % 2 == 0)
            bytes[0] = 1;
        decode_anything(bytes, size);
    }
}

static const struct {
    struct text record;
    const char *message;
} refused[] = {
    {{"", 0}, "the record is damaged"},
    {{"\0\0\0", 3}, "the record is damaged"}, /* version 0 */
    {{"\2\0\0", 3}, "the record is of version 2, which a newer ssoferry wrote; this one reads up to 1"},
    {{"\xff", 1}, "the record is of version 255, which a newer ssoferry wrote; this one reads up to 1"},
    {{"\1\0\0", 3}, "the record is damaged"},               /* state stytch without an id */
    {{"\1\3\0", 3}, "the record is damaged"},               /* no such state */
    {{"\1\0\10", 3}, "the record is damaged"},              /* no such form of id */
    {{"\1\1\1\0", 4}, "the record is damaged"},             /* an empty id as written */
    {{"\1\1\1\3abc", 7}, "the record is damaged"},          /* no id of ours */
    {{"\1\x81\0\0\0", 5}, "the record is damaged"},         /* an empty label */
    {{"\1\x81\0\0\1\n", 6}, "the record is damaged"},       /* a control character */
    {{"\1\x81\0\0\1\xff", 6}, "the record is damaged"},     /* not UTF-8 */
    {{"\1\x21\0\0\3a b", 8}, "the record is damaged"},      /* a blank in a URL */
    {{"\1\x11\0\0\1a", 6}, "the record is damaged"},        /* an ACS URL without an id */
    {{"\1\1\1\x39" LIVE, 4 + 57}, "the record is damaged"}, /* an id with a UUID, but not in short */
};

static void odd_records_are_refused(void **state)
{
    (void)state;
    struct connection_buffer buffer;
    struct error error;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        assert_false(connection_decode(refused[i].record, &buffer, &error));
        assert_string_equal(error.message, refused[i].message);
    }
}

/* Fields longer than their limits, in records that are sound otherwise: there is no room for them. */
static void long_fields_are_refused(void **state)
{
    (void)state;
    static const struct {
        char flag; /* the field's, with state legacy */
        size_t max;
        const char *start;
    } longest[] = {{0x21, URL_SIZE_MAX, ""},
                   {0x41, ORGANIZATION_ID_SIZE_MAX, "organization-live-"},
                   {(char)0x81, LABEL_SIZE_MAX, ""}};
    char *record = malloc(5 + UINT16_MAX);
    struct connection_buffer *buffer = malloc(sizeof *buffer);
    struct error error;
    for (size_t i = 0; i < COUNT_OF(longest); i++) {
        const size_t sizes[] = {longest[i].max, longest[i].max + 1, CONNECTION_RECORD_SIZE_MAX + 1, UINT16_MAX};
        for (size_t j = 0; j < COUNT_OF(sizes); j++) {
            const char head[] = {1, longest[i].flag, 0, (char)(sizes[j] >> 8), (char)(sizes[j] & 0xff)};
            memcpy(record, head, sizeof head);
            memset(record + 5, 'x', sizes[j]);
            memcpy(record + 5, longest[i].start, strlen(longest[i].start));
            assert_int_equal(connection_decode(text_slice(record, 5 + sizes[j]), buffer, &error), j == 0);
        }
    }
    free(record);
    free(buffer);
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
        cmocka_unit_test(set_fields),
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(records_are_short),
        cmocka_unit_test(equal_rows_are_equal_records),
        cmocka_unit_test(cut_records_are_refused),
        cmocka_unit_test(flipped_bits_are_refused_or_valid),
        cmocka_unit_test(noise_is_refused_or_valid),
        cmocka_unit_test(odd_records_are_refused),
        cmocka_unit_test(long_fields_are_refused),
        cmocka_unit_test(keys),
    };
    fill_longest();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
