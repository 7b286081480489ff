/* Records: what is encoded comes back, and nothing else is taken for one. */
#include "check.h"

#include <stdlib.h>

#include "same_connection.h"

#define UUID "51861cbc-d3b9-428b-9761-227f5fb12be9"
#define LIVE "saml-connection-live-" UUID

static char longest_url[URL_SIZE_MAX + 2], longest_label[LABEL_SIZE_MAX + 1], longest_id[CONNECTION_ID_SIZE_MAX + 1],
    longest_organization[ORGANIZATION_ID_SIZE_MAX + 1];

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
    {.connection_id = {"oidc-connection-live-1", 22}},
    {.connection_id = {"oidc-connection-live-2", 22}},
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
        assert_true(same_connection(&buffer->row, &records[i]));
        assert_true(connection_record_state(record, &row_state));
        assert_int_equal(row_state, records[i].state);
        for (size_t size = 0; size < 3; size++)
            assert_false(connection_record_state(text_slice(record.at, size), &row_state));
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
            assert_int_equal(text_equal(connection_record_id(a), connection_record_id(b)),
                             text_equal(records[i].connection_id, records[j].connection_id));
            assert_int_equal(same_connection(&records[i], &records[j]), i == j);
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
    assert_true(connection_record_id(text_slice(exact, size)).size <= CONNECTION_RECORD_ID_MAX);
    bool good = connection_decode(text_slice(exact, size), buffer, &error);
    free(exact);
    if (!good) {
        assert_int_equal(error.kind, ERROR_RECORD);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(records_are_short),
        cmocka_unit_test(equal_rows_are_equal_records),
        cmocka_unit_test(cut_records_are_refused),
        cmocka_unit_test(flipped_bits_are_refused_or_valid),
        cmocka_unit_test(noise_is_refused_or_valid),
        cmocka_unit_test(odd_records_are_refused),
        cmocka_unit_test(long_fields_are_refused),
    };
    fill_longest();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
