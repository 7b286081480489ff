#include "check.h"

#include "ssoferry/network.h"

static const struct {
    const char *text;
    const char *shown; /* NULL: no address */
} addresses[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"0.0.0.0", "0.0.0.0"},
    {"2001:DB8:0:0::1", "2001:db8::1"},
    {"::", "::"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"", NULL},
    {"192.0.2", NULL},
    {"192.0.2.256", NULL},
    {"192.0.2.1 ", NULL},
    {"192.0.2.1:80", NULL},
    {"[::1]", NULL},
    {"fe80::1%eth0", NULL},
    {"localhost", NULL},
    {"1:2:3:4:5:6:7:8:9", NULL},
    {"00000000000000000000000000000000000000000000000000000000001", NULL},
};

static void addresses_are_read_and_written(void **state)
{
    char out[IP_TEXT_SIZE];
    struct ip ip;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); ++i) {
        bool good = ip_parse(text_of(addresses[i].text), &ip);
        if (good != (addresses[i].shown != NULL))
            fail_msg("%s: %s", addresses[i].text, good ? "taken" : "refused");
        if (good)
            assert_text(ip_format(&ip, out), addresses[i].shown);
    }
    assert_false(ip_parse(text_slice("1.2.3.4\0x", 9), &ip));
}

static const struct {
    const char *network;
    const char *inside, *outside; /* "": nothing to try; inside NULL: no network */
} networks[] = {
    {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
    {"10.0.0.0/8", "::ffff:10.0.0.1", "a00::1"},
    {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
    {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
    {"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
    {"0.0.0.0/0", "255.1.2.3", "2001:db8::1"},
    {"::/0", "2001:db8::1", ""},
    {"::/0", "192.0.2.1", ""},
    {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
    {"::1", "::1", "::2"},
    {"::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"},
    {"10.0.0.1/8", NULL, NULL},
    {"2001:db8::1/64", NULL, NULL},
    {"192.0.2.129/25", NULL, NULL},
    {"10.0.0.0/33", NULL, NULL},
    {"2001:db8::/129", NULL, NULL},
    {"10.0.0.0/", NULL, NULL},
    {"10.0.0.0/-1", NULL, NULL},
    {"10.0.0.0/8/8", NULL, NULL},
    {"/8", NULL, NULL},
    {"example.com", NULL, NULL},
    {"", NULL, NULL},
};

static bool holds(const struct network *network, const char *text)
{
    struct ip ip;
    assert_true(ip_parse(text_of(text), &ip));
    return network_any_holds(network, 1, &ip);
}

static void networks_hold_their_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(networks); ++i) {
        struct network network;
        const char *problem = network_parse(text_of(networks[i].network), &network);
        if ((problem == NULL) != (networks[i].inside != NULL))
            fail_msg("%s: %s", networks[i].network, problem == NULL ? "taken" : problem);
        if (problem != NULL)
            continue;
        if (!holds(&network, networks[i].inside))
            fail_msg("%s does not hold %s", networks[i].network, networks[i].inside);
        if (networks[i].outside[0] != '\0' && holds(&network, networks[i].outside))
            fail_msg("%s holds %s", networks[i].network, networks[i].outside);
    }
}

static void no_network_holds_nothing(void **state)
{
    struct ip ip = {{0}};
    (void)state;
    assert_false(network_any_holds(NULL, 0, &ip));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(no_network_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
