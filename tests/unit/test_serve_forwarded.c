#include "check.h"

#include "ssoferry/forwarded.h"

/* Trusted: 10.0.0.0/8 and 2001:db8::/32. */
static const struct {
    const char *fields[3]; /* as they came, the first one first */
    const char *client;    /* "": nobody is named */
} cases[] = {
    {{"203.0.113.9"}, "203.0.113.9"},
    {{"203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
    {{"192.0.2.66, 203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
    {{"10.0.0.9,203.0.113.9"}, "203.0.113.9"},
    {{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
    {{" 203.0.113.9\t"}, "203.0.113.9"},
    {{"203.0.113.9", "10.0.0.2"}, "203.0.113.9"},
    {{"192.0.2.66", "203.0.113.9", "10.0.0.2"}, "203.0.113.9"},
    {{"192.0.2.66, 203.0.113.9", "10.0.0.3, 10.0.0.2"}, "203.0.113.9"},
    {{"203.0.113.9:50000"}, "203.0.113.9"},
    {{"2001:470::9, 2001:db8::1"}, "2001:470::9"},
    {{"[2001:470::9], [2001:db8::1]:443"}, "2001:470::9"},
    {{"[2001:470::9]:50000"}, "2001:470::9"},
    {{"::ffff:10.0.0.2"}, "10.0.0.2"},
    {{"192.0.2.66, unknown, 10.0.0.2"}, "10.0.0.2"},
    {{"192.0.2.66, , 10.0.0.2"}, "10.0.0.2"},
    {{"192.0.2.66", "", "10.0.0.2"}, "10.0.0.2"},
    {{"203.0.113.9,"}, ""},
    {{""}, ""},
    {{"_hidden"}, ""},
    {{"203.0.113.9:65536"}, ""},
    {{"203.0.113.9:"}, ""},
    {{"203.0.113.9 x"}, ""},
    {{"[203.0.113.9]"}, ""},
    {{"[2001:470::9"}, ""},
    {{"[2001:470::9]x"}, ""},
    {{"[]"}, ""},
    {{"["}, ""},
    {{"]"}, ""},
    {{","}, ""},
};

static void the_client_is_the_first_that_is_not_trusted(void **state)
{
    struct network trusted[2];
    (void)state;
    assert_null(network_parse(TEXT("10.0.0.0/8"), &trusted[0]));
    assert_null(network_parse(TEXT("2001:db8::/32"), &trusted[1]));
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        struct forwarded forwarded = {.trusted = trusted, .trusted_count = COUNT_OF(trusted)};
        char out[IP_TEXT_SIZE];
        size_t field = COUNT_OF(cases[i].fields);
        while (field > 0 &&
               (cases[i].fields[field - 1] == NULL || forwarded_read(&forwarded, text_of(cases[i].fields[field - 1]))))
            --field;
        assert_text(forwarded.found ? ip_format(&forwarded.client, out) : TEXT(""), cases[i].client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_the_first_that_is_not_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
