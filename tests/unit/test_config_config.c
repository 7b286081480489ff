#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ssoferry/config.h"
#include "ssoferry/memory.h"

/* Reads `yaml` as a configuration. *told gets what was said about it, to be freed. */
static struct config *read_text(const char *yaml, char **told)
{
    char path[] = "/tmp/ssoferry-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    fputs(yaml, file);
    assert_int_equal(fclose(file), 0);

    struct error error = {ERROR_NONE, ""};
    struct config *config = NULL;
    struct faults *faults = faults_new();
    bool good = config_read(&config, path, faults, &error);
    size_t size = 0;
    FILE *out = open_memstream(told, &size);
    faults_write(faults, out);
    fclose(out);
    faults_free(faults);
    unlink(path);
    assert_int_equal(good, config != NULL);
    assert_int_equal(good, error.kind == ERROR_NONE);
    if (!good)
        assert_int_equal(error.kind, ERROR_INPUT);
    return config;
}

#define ROUTE       "routes:\n  - match: /old-sso/{identifier}\n"
#define LEGACY_SIDE "legacy: {allowed_hosts: [x.example]}\nroutes:\n"

static void what_is_left_out_has_its_default(void **state)
{
    char *told = NULL;
    struct config *config = read_text(ROUTE, &told);
    (void)state;
    assert_non_null(config);
    assert_string_equal(told, "");
    assert_int_equal(config->listen_count, 1);
    assert_string_equal(config->listen[0].address.text, "127.0.0.1:8080");
    assert_null(config->admin);
    assert_true(config->usage);
    assert_string_equal(config->store, "/var/lib/ssoferry/connections.mdb");
    assert_int_equal(config->threads, CONFIG_THREADS_AUTO);
    assert_string_equal(config->health_path, "/healthz");
    assert_int_equal(config->limits.connections, 10000);
    assert_int_equal(config->limits.head, 32 << 10);
    assert_int_equal(config->limits.uri, 16 << 10);
    assert_int_equal(config->limits.body, 1 << 20);
    assert_int_equal(config->limits.memory, 128 << 20);
    assert_int_equal(config->trusted_proxy_count, 0);
    assert_false(config->trust_unix_proxies);
    assert_false(config->listen[0].proxy_protocol);
    assert_int_equal(config->limits.request_time_ms, 10000);
    assert_int_equal(config->limits.idle_time_ms, 75000);
    assert_int_equal(config->drain.delay_ms, 5000);
    assert_int_equal(config->drain.timeout_ms, 30000);
    assert_int_equal(config->request_log, REQUEST_LOG_ALL);
    assert_int_equal(config->gateway.redirect, REDIRECT_307);
    assert_text(config->gateway.live_url, "https://api.stytch.com");
    assert_text(config->gateway.test_url, "https://test.stytch.com");
    assert_int_equal(config->gateway.body_limit, 1 << 20);
    assert_int_equal(config->gateway.uri_limit, 16 << 10);
    assert_text(config->onward_sources, "https: http://localhost:* http://127.0.0.1:*");
    assert_int_equal(config->gateway.route_count, 1);
    assert_text(config->gateway.routes[0].source, "default");
    assert_int_equal(config->gateway.routes[0].line, 2);
    config_free(config);
    free(told);
}

static void check_certificate(const struct listener *listener, size_t i, size_t count, const char *certificate,
                              const char *key)
{
    assert_int_equal(listener->certificate_count, count);
    assert_string_equal(listener->certificates[i].certificate.path, certificate);
    assert_string_equal(listener->certificates[i].key.path, key);
}

static void every_key_is_read(void **state)
{
    static const char yaml[] =
        "listen:\n  - address: '[::1]:81'\n    proxy_protocol: true\n"
        "  - {address: 'unix:/run/x.sock', certificate: /c, key: /k, certificates: [{certificate: /d}, {certificate: "
        "/e, key: /f}]}\n"
        "  - {address: '127.0.0.1:10', certificates: [{certificate: /g}]}\n"
        "trusted_proxies: [10.0.0.0/8, unix, '2001:db8::/32']\n"
        "admin: {address: 0.0.0.0:9, allow_remote: true}\nusage: false\nstore: /s\nthreads: 3\nhealth_path: "
        "/up\nhosts: [sso.example.com, 'a.example:8443']\n"
        "stytch: {live_url: 'https://l.example/', test_url: 'http://127.0.0.1:9000', allowed_hosts: "
        "[login.example.com], onward_sources: ['https://a.example', 'https://*.b.example:8443']}\n"
        "legacy:\n  allowed_hosts: [legacy.example.com]\n  unmatched_url: https://legacy.example.com\n"
        "redirect: 303\nobserve: false\n"
        "limits: {connections: 5, head: 8KiB, uri: 2KiB, body: 64KiB, memory: 8KiB, request_time: 500ms, idle_time: "
        "2m}\ndrain: "
        "{delay: 0s, timeout: "
        "1h}\nlog: {requests: errors}\n"
        "routes:\n"
        "  - match: /a/{identifier}\n    source: a\n    redirect: form\n    fold_case: true\n    fold_path: true\n    "
        "unknown: legacy\n"
        "    legacy_url: https://legacy.example.com/a/{identifier}\n    legacy_relay_states: [x-, y-]\n    observe: "
        "true\n"
        "  - match: /b\n    identify_by: issuer\n    fold_case: false\n"
        "  - {match: /c, identify_by: relay_state, relay_state_key: org}\n";
    char *told = NULL;
    struct config *config = read_text(yaml, &told);
    (void)state;
    if (config == NULL)
        fail_msg("%s", told);
    assert_int_equal(config->listen_count, 3);
    assert_int_equal(config->listen[0].certificate_count, 0);
    check_certificate(&config->listen[1], 0, 3, "/c", "/k");
    check_certificate(&config->listen[1], 1, 3, "/d", "/d");
    check_certificate(&config->listen[1], 2, 3, "/e", "/f");
    check_certificate(&config->listen[2], 0, 1, "/g", "/g");
    assert_int_equal(config->listen[1].certificates[0].key.place.line, 4);
    assert_int_equal(config->listen[1].certificates[0].key.place.column, 57);
    assert_int_equal(config->listen[0].address.family, ADDRESS_IPV6);
    assert_string_equal(config->listen[1].address.path, "/run/x.sock");
    assert_true(config->listen[0].proxy_protocol);
    assert_false(config->listen[1].proxy_protocol);
    assert_int_equal(config->trusted_proxy_count, 2);
    assert_int_equal(config->trusted_proxies[0].bits, 96 + 8);
    assert_int_equal(config->trusted_proxies[1].bits, 32);
    assert_true(config->trust_unix_proxies);
    assert_int_equal(config->admin->port, 9);
    assert_false(config->usage);
    assert_string_equal(config->store, "/s");
    assert_int_equal(config->threads, 3);
    assert_string_equal(config->health_path, "/up");
    assert_int_equal(config->gateway.own_host_count, 2);
    assert_int_equal(config->rules.own_host_count, 2);
    assert_text(config->rules.live_host, "l.example");
    assert_text(config->rules.test_host, "127.0.0.1");
    assert_text(config->gateway.live_url, "https://l.example");
    assert_text(config->gateway.test_url, "http://127.0.0.1:9000");
    assert_text(config->gateway.unmatched_url, "https://legacy.example.com");
    assert_text(config->onward_sources,
                "https://a.example https://*.b.example:8443 https://sso.example.com:* https://a.example:8443");
    assert_int_equal(config->gateway.redirect, REDIRECT_303);
    assert_int_equal(config->limits.connections, 5);
    assert_int_equal(config->limits.head, 8192);
    assert_int_equal(config->limits.uri, 2048);
    assert_int_equal(config->limits.body, 65536);
    assert_int_equal(config->limits.memory, 4 * 65536); /* the least that one such body takes while it arrives */
    assert_int_equal(config->limits.request_time_ms, 500);
    assert_int_equal(config->limits.idle_time_ms, 120000);
    assert_int_equal(config->drain.delay_ms, 0);
    assert_int_equal(config->drain.timeout_ms, 3600000);
    assert_int_equal(config->request_log, REQUEST_LOG_ERRORS);
    const struct route *route = config->gateway.routes;
    assert_text(route[0].source, "a");
    assert_int_equal(route[0].redirect, REDIRECT_FORM);
    assert_true(route[0].fold_case && route[0].unknown_is_legacy && route[0].observe);
    assert_false(route[1].fold_case || route[1].unknown_is_legacy || route[1].observe);
    assert_true(template_folds_path(route[0].template) && !template_folds_path(route[1].template));
    assert_int_equal(route[0].legacy_relay_state_count, 2);
    assert_text(route[0].legacy_relay_states[1], "y-");
    assert_int_equal(route[1].identify_by, IDENTIFY_BY_ISSUER);
    assert_int_equal(route[2].identify_by, IDENTIFY_BY_RELAY_STATE);
    assert_text(route[2].relay_state_key, "org");
    config_free(config);
    free(told);
}

static void a_preset_stands_for_its_routes(void **state)
{
    char *told = NULL;
    struct config *config = read_text("routes:\n  - preset: auth0\n    source: auth0\n", &told);
    (void)state;
    if (config == NULL)
        fail_msg("%s", told);
    assert_true(config->gateway.route_count >= 2);
    assert_text(config->gateway.routes[0].name, "/login/callback?connection={identifier}");
    assert_int_equal(config->gateway.routes[1].identify_by, IDENTIFY_BY_ISSUER);
    assert_text(config->gateway.routes[1].source, "auth0");
    assert_false(template_folds_path(config->gateway.routes[1].template));
    config_free(config);
    free(told);
}

static void a_preset_stands_for_its_routes_at_a_host(void **state)
{
    char *told = NULL;
    struct config *config = read_text("routes:\n"
                                      "  - {preset: auth0, host: SSO.example.com}\n"
                                      "  - {preset: auth0, host: '*.example.net', source: net}\n"
                                      "  - {preset: adfs, host: adfs.example.com}\n"
                                      "  - {preset: adfs, source: rest}\n",
                                      &told);
    (void)state;
    if (config == NULL)
        fail_msg("%s", told);
    assert_int_equal(config->gateway.route_count, 6);
    const struct route *routes = config->gateway.routes;
    assert_text(routes[0].name, "https://SSO.example.com/login/callback?connection={identifier}");
    assert_text(routes[1].name, "https://SSO.example.com/login/callback");
    assert_int_equal(routes[1].identify_by, IDENTIFY_BY_ISSUER);
    assert_text(routes[3].name, "https://*.example.net/login/callback");
    assert_text(routes[4].name, "https://adfs.example.com/adfs/ls/");
    assert_text(routes[5].name, "/adfs/ls/");
    assert_true(template_folds_path(routes[4].template) && template_folds_path(routes[5].template));
    config_free(config);
    free(told);
}

static void a_route_has_the_last_word_on_what_its_preset_folds(void **state)
{
    static const char *const said[] = {"", ", fold_path: true, fold_case: true",
                                       ", fold_path: false, fold_case: false"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(said); ++i) {
        char yaml[256], *told = NULL;
        snprintf(yaml, sizeof(yaml), "routes: [{preset: adfs%s}, {preset: gitlab%s}, {preset: okta%s}]\n", said[i],
                 said[i], said[i]);
        struct config *config = read_text(yaml, &told);
        assert_string_equal(told, "");
        const struct route *routes = config->gateway.routes;
        assert_int_equal(template_folds_path(routes[0].template), i != 2);
        assert_int_equal(routes[0].fold_case, i == 1);
        assert_int_equal(template_folds_path(routes[1].template), i == 1);
        assert_int_equal(routes[1].fold_case, i != 2);
        assert_int_equal(template_folds_path(routes[2].template), i == 1);
        assert_int_equal(routes[2].fold_case, i == 1);
        config_free(config);
        free(told);
    }
}

/* What is wrong, and a part of what is said of it, with its place. */
static const struct {
    const char *yaml, *told;
} mistakes[] = {
    {"", "routes: there is none"},
    {"store: /s\n", "routes: there is none"},
    {"[a]\n", ":1:1: error: a configuration is a mapping of keys"},
    {"version: 1\nsource: a\nconnections: {a: b}\n", ":1:1: error: this is a mapping file, not the daemon's"},
    {"store: /s\nversion: 1\n" ROUTE, ":2:1: error: unknown key \"version\""},
    {"stoer: /s\n" ROUTE, ":1:1: error: unknown key \"stoer\""},
    {"admin: 127.0.0.1:8081\n" ROUTE, ":1:8: error: admin takes a mapping of keys, as in {address: ...}"},
    {"log: all\n" ROUTE, ":1:6: error: log takes a mapping of keys, as in {requests: ...}"},
    {"limits: {bodies: 1}\n" ROUTE, ":1:10: error: unknown key \"limits.bodies\""},
    {"store: /s\nstore: /t\n" ROUTE, ":2:1: error: store is here twice"},
    {"limits:\n  body: 1MiB\nlimits:\n  body: 2MiB\n" ROUTE, ":3:1: error: limits is here twice"},
    {"store: [a]\n" ROUTE, "store takes a path, not a list"},
    {"store: \"/s\\0/t\"\n" ROUTE, ":1:8: error: store: \"/s\" has a NUL after it"},
    {"limits: 5\n" ROUTE, "limits takes a mapping"},
    {"hosts: a\n" ROUTE, "hosts takes a list"},
    {"limits: {body: 1MB}\n" ROUTE, "limits.body: \"1MB\" is not a size (B, KiB, MiB, GiB) from 1KiB to 64MiB"},
    {"limits: {body: 999999999999999999999GiB}\n" ROUTE, "is not a size"},
    {"limits: {body: 1KiBx}\n" ROUTE, "is not a size"},
    {"limits: {idle_time: 10}\n" ROUTE, "limits.idle_time: \"10\" is not a duration (ms, s, m, h, d) from 1s to 1h"},
    {"limits: {idle_time: -1s}\n" ROUTE, "is not a duration"},
    {"limits: {uri: 100B}\n" ROUTE, "limits.uri: \"100B\" is not a size (B, KiB, MiB, GiB) from 256B to 256KiB"},
    {"trusted_proxies: [10.0.0.1/8]\n" ROUTE, "trusted_proxies: \"10.0.0.1/8\" has bits set behind its prefix"},
    {"trusted_proxies: [example.com]\n" ROUTE, "trusted_proxies: \"example.com\" is not a network"},
    {"listen: [{address: '127.0.0.1:1', proxy_protocol: v2}]\n" ROUTE, "is neither true nor false"},
    {"limits: {connections: 0}\n" ROUTE, "limits.connections: \"0\" is not a whole number from 1 to 1000000"},
    {"threads: many\n" ROUTE, "is neither auto nor a number"},
    {"threads: 0\n" ROUTE, "threads: \"0\" is neither auto nor a number from 1 to 256"},
    {"drain: {delay: 2h}\n" ROUTE, "from 0ms to 10m"},
    {"redirect: 301\n" ROUTE, "redirect: \"301\" is not 307, 303 or form"},
    {"redirect: 302\n" ROUTE, "is not 307, 303 or form"},
    {"redirect: 308\n" ROUTE, "is not 307, 303 or form"},
    {"observe: yes\n" ROUTE, "is neither true nor false"},
    {"log: {requests: some}\n" ROUTE, "is not all, errors or off"},
    {"health_path: up\n" ROUTE, "is not a plain path"},
    {"listen:\n  - address: 127.0.0.1\n" ROUTE, "has no port"},
    {"listen:\n  - address: example.com:80\n" ROUTE, "is not an IP address"},
    {"listen:\n  - address: 127.0.0.1:70000\n" ROUTE, "has no port from 1 to 65535"},
    {"listen:\n  - address: '[::ffff:127.0.0.1]:8080'\n" ROUTE, "write it as in 127.0.0.1:8080"},
    {"listen:\n  - address: '[::ffff:0:0]:8080'\n" ROUTE, "write it as in 127.0.0.1:8080"},
    {"listen:\n  - address: 127.0.0.1:0\n" ROUTE, "has no port from 1 to 65535"},
    {"listen:\n  - address: unix:relative\n" ROUTE, "absolute path"},
    {"listen:\n  - 127.0.0.1:80\n" ROUTE, "an item of listen is a mapping"},
    {"listen:\n  - {}\n" ROUTE, "a listener needs an address"},
    {"listen:\n  - {address: '127.0.0.1:1', key: /k}\n" ROUTE, ":2:5: error: a key needs a certificate"},
    {"listen:\n  - {address: '127.0.0.1:1', certificates: [{key: /k}]}\n" ROUTE, "a key needs a certificate"},
    {"listen:\n  - {address: '127.0.0.1:1', certificates: [/c]}\n" ROUTE, "an item of certificates is a mapping"},
    {"listen:\n  - {address: '127.0.0.1:1', certificates: /c}\n" ROUTE, "certificates takes a list of mappings"},
    {"listen:\n  - {address: '127.0.0.1:1', certificate: ''}\n" ROUTE, "is empty"},
    {"listen:\n  - {address: '127.0.0.1:1', certificates: [{certificate: /c, name: a}]}\n" ROUTE, "unknown key"},
    {"certificates: []\n" ROUTE, "unknown key \"certificates\""},
    {"admin: {address: 0.0.0.0:9}\n" ROUTE, "set allow_remote: true"},
    {"admin: {address: 192.0.2.1:9}\n" ROUTE, "set allow_remote: true"},
    {"admin: {address: '[::2]:9'}\n" ROUTE, "set allow_remote: true"},
    {"listen: [{address: '127.0.0.1:9'}]\nadmin: {address: '127.0.0.1:9'}\n" ROUTE,
     ":2:18: error: admin.address: 127.0.0.1:9 and 127.0.0.1:9 at line 1 take the same connections; "},
    {"listen: [{address: '0.0.0.0:9'}]\nadmin: {address: 'localhost:9'}\n" ROUTE, ":2:18: error: admin.address: "},
    {"admin: {address: '127.0.0.1:8080'}\n" ROUTE, ":1:18: error: admin.address: "},
    {"listen: [{address: '[::1]:9'}]\nadmin: {address: '[::]:9', allow_remote: true}\n" ROUTE,
     ":2:18: error: admin.address: [::]:9 and [::1]:9 at line 1 take"},
    {"listen:\n  - address: 127.0.0.1:9\n  - address: '[::1]:9'\n  - address: '[0::1]:9'\n" ROUTE,
     ":4:14: error: listen[2].address: [0::1]:9 and [::1]:9 at line 3 take"},
    {"listen: [{address: 'unix:/a'}]\nadmin: {address: 'unix:/a'}\n" ROUTE, ":2:18: error: admin.address: "},
    {"stytch: {live_url: 'http://api.stytch.com'}\n" ROUTE, "plain http"},
    {"stytch: {live_url: 'https://api.stytch.com/v1'}\n" ROUTE, "has a path"},
    {"stytch: {live_url: 'https://api.stytch.com?a'}\n" ROUTE, "has a path"},
    {"stytch: {allowed_hosts: ['*']}\n" ROUTE, "is not a host"},
    {"stytch: {allowed_hosts: ['https://a.example']}\n" ROUTE, "is not a host"},
    {"stytch: {onward_sources: ['a; script-src *']}\n" ROUTE, "is not a CSP source"},
    {"legacy: {unmatched_url: 'https://other.example'}\n" ROUTE,
     "legacy.unmatched_url: its host is not in legacy.allowed_hosts"},
    {"stytch: {live_url: 'https://SSO.example.com'}\nhosts: [sso.example.com]\n" ROUTE,
     ":1:20: error: stytch.live_url: it leads back to the gateway itself (hosts)"},
    {"stytch:\n  test_url: https://sso.example.com:8443/\nhosts: [a.example, 'sso.example.com:8443']\n" ROUTE,
     ":2:13: error: stytch.test_url: it leads back"},
    {"hosts: [api.stytch.com]\n" ROUTE, "error: stytch.live_url: it leads back"},
    {"hosts: ['https://a.example']\n" ROUTE, "is not a host"},
    {"hosts: ['*.example.com']\n" ROUTE, "is not a host"},
    {"routes: /old-sso/{identifier}\n", "routes takes a list"},
    {"routes:\n  - /old-sso/{identifier}\n", "an item of routes is a mapping"},
    {"routes:\n  - source: a\n", ":2:5: error: a route needs a match or a preset"},
    {"routes:\n  - macth: /a/{identifier}\n  - source: a\n", ":3:5: error: a route needs a match or a preset"},
    {"routes:\n  - preset: okta\n    identify_by: issuer\n", ":2:13: error: preset: it already says where the "},
    {"routes:\n  - {match: /a/{identifier}, preset: auth0}\n", "error"},
    {"routes:\n  - match: /a/{identifier}\n    preset: auth0\n", "not both"},
    {"routes:\n  - preset: auht0\n", "there is no preset of that name"},
    {"routes:\n  - preset: auth0\n    host: ''\n", "routes[].host"},
    {"routes:\n  - preset: auth0\n    host: https://a.example\n", ":3:11: error: host: give a name alone"},
    {"routes:\n  - preset: adfs\n    host: 'a.example/x'\n", ":3:11: error: host: give a name alone"},
    {"routes:\n  - preset: adfs\n    host: '{identifier}.example'\n", ":3:11: error: host: give a name alone"},
    {"routes:\n  - preset: adfs\n    host: a..example\n", ":3:11: error: host: "},
    {"routes:\n  - match: /a/{identifier}\n    host: a.example\n", ":3:11: error: host: it is only for a preset"},
    {"routes:\n  - preset: adfs\n    host: a.example\n  - preset: adfs\n    host: A.example\n",
     "matches requests that https://a.example/adfs/ls/ at line 2 takes first"},
    {"routes:\n  - preset: adfs\n  - preset: adfs\n    host: a.example\n", "takes first"},
    {"routes:\n  - match: /A/{identifier}\n    fold_path: true\n  - match: /a/{identifier}\n", "takes first"},
    {"routes:\n  - match: old\n", ":2:12: error: match: "},
    {"routes:\n  - match: /old\n", "it has no {identifier}"},
    {"routes:\n  - match: /old/{identifier}\n    identify_by: issuer\n", "it has an {identifier}"},
    {"routes:\n  - match: /a/{identifier}\n    source: Upper\n", "routes[].source"},
    {"routes:\n  - match: /a/{identifier}\n    unknown: legacy\n", "needs a legacy_url for unknown: legacy"},
    {"routes:\n  - match: /a/{identifier}\n    observe: true\n", "needs a legacy_url for observe: true"},
    {"observe: true\n" ROUTE, "needs a legacy_url for observe: true"},
    {"routes:\n  - match: /a/{identifier}\n    legacy_relay_states: [x]\n",
     "needs a legacy_url for legacy_relay_states"},
    {"routes:\n  - match: /a/{identifier}\n    legacy_relay_states: ['']\n    legacy_url: https://x.example\n",
     "is empty, which every RelayState starts with"},
    {LEGACY_SIDE "  - match: /a/{identifier}\n    legacy_url: https://x.example/old{path}\n",
     ":4:17: error: legacy_url: {path} must come right after the host"},
    {LEGACY_SIDE "  - match: /a/{identifier}\n    legacy_url: https://x.example{path}?a=b\n",
     "{path} must come right after the host"},
    {LEGACY_SIDE "  - match: /a/{identifier}\n    legacy_url: https://x.example?a={path}\n",
     "{path} must come right after the host"},
    {LEGACY_SIDE "  - match: /a/{identifier}\n    legacy_url: https://{identifier}{path}\n",
     "only {identifier}, and {path}"},
    {LEGACY_SIDE "  - match: /a/{identifier}\n    legacy_url: https://other.example{path}\n",
     "not in legacy.allowed_hosts"},
    {LEGACY_SIDE "  - match: /a/{identifier...}\n    legacy_url: https://x.example/{identifier...}\n",
     "legacy_url: only {identifier}, and {path} right after the host, may be in braces"},
    {"routes:\n  - match: /a/{identifier}\n    legacy_url: https://other.example/\n",
     ":3:17: error: legacy_url: its host is not in legacy.allowed_hosts"},
    {"legacy: {allowed_hosts: ['*.example.com']}\nroutes:\n  - match: /a/{identifier}\n    legacy_url: "
     "https://{identifier}.example.com/\n",
     "the identifier may be in its path and query, but not in its host"},
    {"hosts: [sso.example.com]\nlegacy: {allowed_hosts: [sso.example.com]}\nroutes:\n  - match: /a/{identifier}\n    "
     "legacy_url: https://SSO.example.com/\n",
     "it leads back to the gateway itself"},
    {"routes:\n  - match: /a/{identifier}\n  - match: /a/{identifier}\n",
     ":3:12: error: this route's /a/{identifier} matches requests that /a/{identifier} at line 2"},
    {"routes:\n  - match: /a/*/{identifier}\n  - match: /*/b/{identifier}\n", "at line 2"},
    {"store: &x /s\n" ROUTE, "anchor"},
    {"store: !!str /s\n" ROUTE, "tag"},
    {"store: \"a\n" ROUTE, "error"},
    {ROUTE "---\nstore: /x\n", "error"},
};

static void every_mistake_is_named_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(mistakes); ++i) {
        char *told = NULL;
        struct config *config = read_text(mistakes[i].yaml, &told);
        if (config != NULL || strstr(told, mistakes[i].told) == NULL)
            fail_msg("%s\n%s instead of \"%s\"", mistakes[i].yaml, config != NULL ? "was taken" : told,
                     mistakes[i].told);
        config_free(config);
        free(told);
    }
}

static void all_mistakes_are_told_at_once(void **state)
{
    char *told = NULL;
    (void)state;
    assert_null(read_text("a: 1\nb: 2\nredirect: 301\nroutes:\n  - match: x\n  - preset: y\n", &told));
    static const char *const places[] = {":1:1:", ":2:1:", ":3:11:", ":5:12:", ":6:13:"};
    for (size_t i = 0; i < COUNT_OF(places); ++i) {
        if (strstr(told, places[i]) == NULL)
            fail_msg("%s lacks %s", told, places[i]);
    }
    free(told);
}

/* What an alias stands for is not known, so nothing else is wrong with it. */
static void an_alias_is_one_mistake(void **state)
{
    static const char yaml[] = "store: *a\n"
                               "*b : x\n"
                               "hosts: [*c, sso.example.com]\n"
                               "trusted_proxies: *d\n"
                               "limits: *e\n"
                               "drain: {delay: *f}\n"
                               "listen: [*g, {address: *h}]\n"
                               "routes:\n"
                               "  - match: *i\n"
                               "  - *j : /a/{identifier}\n"
                               "  - {match: '/b/{identifier}', source: *k}\n"
                               "  - *l\n";
    static const char *const alone[] = {"store: x\nroutes: *r\n", "store: x\n*r : [{match: '/a/{identifier}'}]\n"};
    char *told = NULL;
    size_t count = 0;
    (void)state;
    assert_null(read_text(yaml, &told));
    for (const char *at = told; (at = strstr(at, ": error: ")) != NULL; ++at) {
        if (strncmp(at, ": error: aliases are not supported", 34) != 0)
            fail_msg("%s", told);
        ++count;
    }
    assert_int_equal(count, 12);
    free(told);
    for (size_t i = 0; i < COUNT_OF(alone); ++i) {
        assert_null(read_text(alone[i], &told));
        const char *first = strstr(told, ": error: aliases are not supported");
        if (first == NULL || strstr(first + 1, ": error: ") != NULL)
            fail_msg("%s", told);
        free(told);
    }
}

/* Presets of which one's routes lie above the other's, whichever comes first. */
static void each_ambiguous_pair_is_told_with_what_helps(void **state)
{
    static const char yaml[] = "routes:\n"
                               "  - {match: '/a/{identifier}', source: a}\n"
                               "  - match: /b/{identifier}\n"
                               "  - match: /a/x{identifier}\n"
                               "  - match: /b/{identifier}\n"
                               "  - preset: propelauth\n"
                               "  - preset: sentry\n"
                               "  - preset: adfs\n"
                               "  - {preset: adfs, host: a.example}\n"
                               "  - {preset: adfs, host: b.example, source: b}\n"
                               "  - preset: sustainsys\n"
                               "  - {match: /saml2/acs, identify_by: issuer}\n"
                               "  - {match: /SAML2/acs, identify_by: relay_state}\n";
    static const char *const parts[] = {
        ":4:12: error: this route's /a/x{identifier} matches requests that /a/{identifier} at line 2 takes first; put "
        "this one first",
        ":5:12: error: this route's /b/{identifier} matches requests that /b/{identifier} at line 3 takes first; no "
        "order helps: make them differ, or give each its own host",
        ":7:13: error: this route's ",
        " at line 6 takes first; no order helps: make them differ, or give each its own host",
        ":9:14: error: this route's https://a.example/adfs/ls/ matches requests that /adfs/ls/ at line 8 takes first; "
        "remove it, since the earlier one does the same with them",
        ":10:14: error: this route's https://b.example/adfs/ls/ matches requests that /adfs/ls/ at line 8 takes first; "
        "put this one first",
        ":12:13: error: this route's /saml2/acs matches requests that /Saml2/Acs at line 11 takes first; remove it, "
        "since the earlier one does the same with them",
        ":13:13: error: this route's /SAML2/acs matches requests that /Saml2/Acs at line 11 takes first; put this "
        "one first",
    };
    char *told = NULL;
    size_t count = 0;
    (void)state;
    assert_null(read_text(yaml, &told));
    for (size_t i = 0; i < COUNT_OF(parts); ++i) {
        if (strstr(told, parts[i]) == NULL)
            fail_msg("%s\nlacks %s", told, parts[i]);
    }
    for (const char *at = told; (at = strstr(at, "takes first")) != NULL; ++at)
        ++count;
    assert_int_equal(count, 7);
    free(told);
}

/* Nor does an earlier route do the same that sends sign-ins of the old provider's elsewhere. */
static void a_route_with_legacy_relay_states_is_not_needless(void **state)
{
    char *told = NULL;
    (void)state;
    assert_null(read_text(LEGACY_SIDE "  - {match: /acs, identify_by: issuer, legacy_url: 'https://x.example/'}\n"
                                      "  - {match: /acs, identify_by: issuer, legacy_url: 'https://x.example/',\n"
                                      "     legacy_relay_states: [old_]}\n",
                          &told));
    if (strstr(told, "takes first; no order helps") == NULL)
        fail_msg("%s", told);
    free(told);
}

/* What is taken, with a word. */
static const struct {
    const char *yaml, *told;
} doubts[] = {
    {"routes:\n  - {match: '/a/{identifier}', relay_state_key: org}\n",
     ":2:49: warning: relay_state_key: this route does not identify by relay_state"},
    {"routes:\n  - preset: auth0\n    relay_state_key: org\n", ":3:22: warning: relay_state_key: "},
    {"routes:\n  - {match: /a, identify_by: relay_state, relay_state_key: org}\n", NULL},
    {"legacy: {allowed_hosts: [x.example]}\nobserve: true\nroutes:\n  - match: /a/{identifier}\n    legacy_url: "
     "https://x.example/\n  - match: /b/{identifier}\n",
     ":6:5: warning: observe: true has no effect on this route, which has no legacy_url"},
    {"observe: true\n" LEGACY_SIDE "  - match: /a/{identifier}\n    legacy_url: https://x.example/a\n",
     ":1:10: warning: observe: without legacy.unmatched_url, whatever no route takes gets 404 in the rehearsal as "
     "well"},
    {"observe: true\nlegacy: {allowed_hosts: [x.example], unmatched_url: 'https://x.example'}\nroutes:\n"
     "  - match: /a/{identifier}\n    legacy_url: https://x.example/a\n",
     NULL},
    {"observe: false\n" LEGACY_SIDE "  - match: /a/{identifier}\n    legacy_url: https://x.example/a\n", NULL},
    {LEGACY_SIDE "  - match: /g/{identifier...}/acs\n    legacy_url: https://x.example/g/{identifier}/acs\n",
     ":4:17: warning: legacy_url: the slashes of {identifier...} become %2F in it"},
    {LEGACY_SIDE "  - match: /g/{identifier...}/acs\n    legacy_url: https://x.example/g?g=/{identifier}\n", NULL},
    {LEGACY_SIDE "  - match: /g/{identifier...}/acs\n    legacy_url: https://x.example{path}\n", NULL},
    {LEGACY_SIDE "  - preset: spring\n    legacy_url: https://x.example/login/saml2/sso/{identifier}\n",
     ":4:17: warning: legacy_url: at some addresses of the preset its {identifier} is the Issuer"},
    {LEGACY_SIDE "  - preset: spring\n    legacy_url: https://x.example{path}\n", NULL},
    {LEGACY_SIDE "  - preset: spring\n    legacy_url: https://x.example/acs\n", NULL},
    {LEGACY_SIDE "  - preset: keycloak\n    legacy_url: https://x.example/{identifier}\n", NULL},
    {"redirect: 303\n" ROUTE, ":1:11: warning: redirect: 303 makes browsers drop the POST body"},
    {ROUTE "    redirect: 303\n", ":3:15: warning: redirect: 303 makes browsers drop the POST body"},
    {"redirect: form\n" ROUTE "    redirect: 307\n", NULL},
    {"hosts: [sso.example.com]\nroutes:\n  - match: https://sso.exmple.com/acs/{identifier}\n",
     ":3:12: warning: the route's host sso.exmple.com is not in hosts: correct it, or add it there"},
    {"hosts: ['Sso.example.com:8443']\nroutes:\n  - match: https://sso.example.com/acs/{identifier}\n", NULL},
    {"hosts: ['[2001:db8::1]:8443']\nroutes:\n  - match: 'https://[2001:db8::1]/acs/{identifier}'\n", NULL},
    {"hosts: ['[2001:db8::1]']\nroutes:\n  - match: 'https://[2001:db8::1]/acs/{identifier}'\n", NULL},
    {"hosts: ['[2001:db8::1]:8443']\nroutes:\n  - match: 'https://[2001:db8::2]/acs/{identifier}'\n",
     ":3:12: warning: the route's host [2001:db8::2] is not in hosts"},
    {LEGACY_SIDE "  - match: https://X.example/a/{identifier}\n    legacy_url: https://x.example{path}\n",
     ":4:17: warning: legacy_url: its host is the route's own, so it leads back"},
    {LEGACY_SIDE "  - {preset: workos, host: x.example, legacy_url: 'https://x.example:443{path}'}\n",
     ":3:51: warning: legacy_url: its host is the route's own, so it leads back"},
    {"legacy: {allowed_hosts: ['x.example:8443']}\nroutes:\n"
     "  - {preset: workos, host: x.example, legacy_url: 'https://x.example:8443{path}'}\n",
     NULL},
    {"legacy: {allowed_hosts: [x.example], unmatched_url: 'https://x.example'}\nroutes:\n"
     "  - {preset: workos, host: x.example}\n  - {preset: omniauth, host: x.example}\n",
     ":1:53: warning: legacy.unmatched_url: its host is that of a route, so it leads back"},
    {LEGACY_SIDE "  - match: https://*.example/a/{identifier}\n    legacy_url: https://x.example{path}\n", NULL},
    {"hosts: [sso.example.com]\nroutes:\n  - {preset: workos, host: old.example.com}\n",
     ":3:28: warning: the route's host old.example.com is not in hosts"},
    {"hosts: [sso.example.com]\nroutes:\n  - match: https://{identifier}.sso.example.com/acs\n", NULL},
    {"routes:\n  - match: https://sso.exmple.com/acs/{identifier}\n", NULL},
    {"health_path: /old-sso/acme\n" ROUTE,
     ":1:14: warning: health_path: GET and HEAD requests for it never reach /old-sso/{identifier} at line 3"},
    {"health_path: /a\nroutes:\n  - match: https://a.example/a?c={identifier}\n", ":1:14: warning: health_path: "},
    {"health_path: /old-sso\n" ROUTE, NULL},
    {"health_path: /up\nroutes:\n  - match: /**/{identifier}\n", NULL},
    {"health_path: /up\nroutes:\n  - match: /{identifier}\n", NULL},
    {"health_path: /up/x\nroutes:\n  - match: /*/{identifier}\n", NULL},
    {"health_path: /up\nroutes:\n  - match: /{identifier...}\n", NULL},
    {"health_path: /up-x\nroutes:\n  - match: /up-{identifier}\n", ":1:14: warning: health_path: "},
    {"routes:\n  - match: /{identifier}\n", NULL},
    {"hosts: ['[::1]']\nroutes:\n  - match: https://[::1]/acs/{identifier}\n", NULL},
    {"limits: {head: 8KiB}\n" ROUTE, NULL},
    {"limits: {uri: 8KiB, head: 8KiB}\n" ROUTE, NULL},
    {"limits: {uri: 64KiB}\n" ROUTE, ":1:15: warning: limits.uri: it is more than limits.head"},
    {"limits: {uri: 16KiB, head: 8KiB}\n" ROUTE, ":1:15: warning: limits.uri: it is more than limits.head"},
    {"stytch: {live_url: 'https://Test.stytch.com/'}\n" ROUTE,
     ":1:20: warning: stytch.live_url: this is Stytch's host for test projects"},
    {"stytch: {test_url: 'https://api.stytch.com'}\n" ROUTE,
     ":1:20: warning: stytch.test_url: this is Stytch's host for live projects"},
    {"stytch: {live_url: 'https://api.stytch.com', test_url: 'https://test.stytch.com'}\n" ROUTE, NULL},
};

static void what_is_doubtful_is_warned_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(doubts); ++i) {
        char *told = NULL;
        struct config *config = read_text(doubts[i].yaml, &told);
        if (config == NULL || (doubts[i].told == NULL ? told[0] != '\0' : strstr(told, doubts[i].told) == NULL))
            fail_msg("%s\n%s", doubts[i].yaml, told);
        config_free(config);
        free(told);
    }
}

/* A configuration with `count` hosts of its own; to be freed. */
static char *with_hosts(const char *onward_source, size_t count)
{
    char *yaml = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&yaml, &size);
    fprintf(out, "stytch: {onward_sources: ['%s']}\nhosts:\n", onward_source);
    for (size_t i = 0; i < count; ++i)
        fprintf(out, "  - a-rather-long-name-%zu.example.com\n", i);
    fputs(ROUTE, out);
    fclose(out);
    return yaml;
}

static const struct {
    const char *onward_source;
    size_t hosts;
    const char *joined; /* how it begins */
    bool warned_of;
} onward_sources[] = {
    {"https://a.example", 1, "https://a.example https://a-rather-long-name-0.example.com:*", false},
    {"https://a.example", 100, "https://a.example https://a-rather-long-name-0.example.com:* https://", false},
    {"https://a.example", 1000, "https://a.example https://a-rather-long-name-0.example.com:* https://", true},
    {"https:", 1000, "https:", false}, /* which stands for them all */
    {"HTTPS:", 1000, "HTTPS:", false},
    {"*", 1000, "*", false},
};

/* Everybody's form page has them in its head. */
static void onward_sources_that_are_too_many_are_warned_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(onward_sources); ++i) {
        char *yaml = with_hosts(onward_sources[i].onward_source, onward_sources[i].hosts), *told = NULL;
        struct config *config = read_text(yaml, &told);
        const struct text joined = text_of(onward_sources[i].joined);
        assert_non_null(config);
        assert_true(text_starts(config->onward_sources, joined));
        if (onward_sources[i].hosts > 1 && !text_ends(joined, TEXT("//")))
            assert_int_equal(config->onward_sources.size, joined.size);
        const char *said = strstr(told, ":1:27: warning: stytch.onward_sources: with the names in hosts it takes ");
        if (onward_sources[i].warned_of ? said == NULL || strstr(said, "write https: there instead") == NULL
                                        : told[0] != '\0')
            fail_msg("%zu: %s", i, told);
        config_free(config);
        free(told);
        free(yaml);
    }
}

static void a_missing_file_is_the_users_mistake(void **state)
{
    struct error error = {ERROR_NONE, ""};
    struct config *config = NULL;
    struct faults *faults = faults_new();
    (void)state;
    assert_false(config_read(&config, "/nowhere/ssoferryd.yaml", faults, &error));
    assert_int_equal(error.kind, ERROR_INPUT);
    assert_non_null(strstr(error.message, "/nowhere/ssoferryd.yaml"));
    faults_free(faults);
}

/* Half a configuration would send nobody anywhere. Every read of that file at its start fails. */
static void a_file_that_the_disk_does_not_return_is_no_configuration(void **state)
{
    struct error error = {ERROR_NONE, ""};
    struct config *config = NULL;
    struct faults *faults = faults_new();
    (void)state;
    assert_false(config_read(&config, "/proc/self/mem", faults, &error));
    assert_null(config);
    assert_int_equal(error.kind, ERROR_FAILED);
    assert_string_equal(error.message, "/proc/self/mem: cannot be read: Input/output error");
    assert_int_equal(faults_errors(faults), 0);
    faults_free(faults);
}

static void the_defaults_need_no_file(void **state)
{
    struct config *config = config_defaults();
    (void)state;
    assert_null(config->store);
    assert_int_equal(config->gateway.route_count, 0);
    assert_text(config->gateway.live_url, "https://api.stytch.com");
    config_free(config);
    config_free(NULL);
}

static void on_difference(void *context, struct text name, struct text before, struct text after, bool needs_restart)
{
    FILE *out = context;
    fprintf(out, "%.*s: %.*s -> %.*s%s\n", TEXT_ARGS(name), TEXT_ARGS(before), TEXT_ARGS(after),
            needs_restart ? " (restart)" : "");
}

#define LISTENER_A "{address: 'unix:/a', certificate: /c}"
#define LISTENER_B "{address: 'unix:/b', certificate: /d, certificates: [{certificate: /e, key: /k}]}"
#define TLS_A      "listen: [" LISTENER_A "]\n" ROUTE
#define TLS_AB     "listen: [" LISTENER_A ", " LISTENER_B "]\n" ROUTE
#define TOLD_OF_B                                                                                                      \
    "listen[1].address:  -> unix:/b (restart)\nlisten[1].certificate:  -> /d (restart)\n"                              \
    "listen[1].certificates[0].certificate:  -> /e (restart)\nlisten[1].certificates[0].key:  -> /k (restart)\n"

/* A daemon that was started by the first, and has taken the second, reads the third. */
static const struct {
    const char *started, *before, *after, *told;
} reloads[] = {
    {ROUTE, ROUTE, ROUTE, ""},
    {ROUTE, ROUTE, "redirect: form\nhosts: [a, b]\n" ROUTE, "redirect: 307 -> form\nhosts:  -> a, b\n"},
    {ROUTE, "redirect: form\nhosts: [a, b]\n" ROUTE, ROUTE, "redirect: form -> 307\nhosts: a, b -> \n"},
    {ROUTE, ROUTE, "redirect: 307\nthreads: auto\nlisten: [{address: '127.0.0.1:8080'}]\n" ROUTE, ""},
    {ROUTE, ROUTE, "threads: 4\n" ROUTE, "threads: auto -> 4 (restart)\n"},
    {ROUTE, "threads: 4\n" ROUTE, "threads: 4\n" ROUTE, "threads: auto -> 4 (restart)\n"},
    {ROUTE, "threads: 4\n" ROUTE, ROUTE, ""},
    {"threads: 4\n" ROUTE, "threads: 4\n" ROUTE, ROUTE, "threads: 4 -> auto (restart)\n"},
    {"admin: {address: 'unix:/a'}\n" ROUTE, ROUTE, ROUTE, "admin.address: unix:/a ->  (restart)\n"},
    {ROUTE, ROUTE, "listen: [{address: '[::1]:9', proxy_protocol: true, certificate: /c}]\n" ROUTE,
     "listen[0].address: 127.0.0.1:8080 -> [::1]:9 (restart)\nlisten[0].proxy_protocol: false -> true (restart)\n"
     "listen[0].certificate:  -> /c (restart)\n"},
    {TLS_A, TLS_A, TLS_AB, TOLD_OF_B},
    {TLS_A, TLS_AB, TLS_AB, TOLD_OF_B},
    {TLS_AB, TLS_AB, TLS_A,
     "listen[1].address: unix:/b ->  (restart)\nlisten[1].certificate: /d ->  (restart)\n"
     "listen[1].certificates[0].certificate: /e ->  (restart)\nlisten[1].certificates[0].key: /k ->  (restart)\n"},
    {TLS_AB, TLS_A, TLS_AB, ""},
    {TLS_A, TLS_A, "listen: [{address: 'unix:/a', certificate: /d, key: /k}]\n" ROUTE,
     "listen[0].certificate: /c -> /d\nlisten[0].key:  -> /k\n"},
    {ROUTE, ROUTE, ROUTE "    fold_case: true\n  - {match: '/b/{identifier}', source: b}\n",
     "routes[0].fold_case: false -> true\nroutes[1].match:  -> /b/{identifier}\nroutes[1].source:  -> b\n"},
    {ROUTE, ROUTE "  - {match: '/b/{identifier}', source: b}\n", ROUTE,
     "routes[1].match: /b/{identifier} -> \nroutes[1].source: b -> \n"},
};

static void differences_are_told_against_what_is_in_force(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reloads); ++i) {
        const char *const read[] = {reloads[i].started, reloads[i].before, reloads[i].after};
        struct config *configs[3];
        char *told = NULL;
        size_t size = 0;
        for (size_t j = 0; j < 3; ++j) {
            configs[j] = read_text(read[j], &told);
            assert_non_null(configs[j]);
            free(told);
        }
        FILE *out = open_memstream(&told, &size);
        config_differences(configs[0], configs[1], configs[2], on_difference, out);
        fclose(out);
        assert_string_equal(told, reloads[i].told);
        free(told);
        for (size_t j = 0; j < 3; ++j)
            config_free(configs[j]);
    }
}

/* Of a source's routes: whether each has a way to the legacy side on which it sends everybody, and whether any may send
 * a row there that is cut over. */
static void routes_of_one_source(void **state)
{
    static const char legacy[] = "legacy: {allowed_hosts: [x.example]}\n";
    static const struct {
        const char *routes;
        bool rehearsed, legacy_always;
    } cases[] = {
        {"routes: [{match: '/a/{identifier}'}]\n", false, false},
        {"routes: [{match: '/a/{identifier}', legacy_url: 'https://x.example/'}]\n", false, false},
        {"routes: [{match: '/a/{identifier}', legacy_url: 'https://x.example/', observe: true}]\n", true, true},
        {"routes: [{match: '/a/{identifier}', legacy_url: 'https://x.example/', legacy_relay_states: [x]}]\n", false,
         true},
        {"observe: true\nroutes: [{match: '/a/{identifier}', legacy_url: 'https://x.example/'}]\n", true, true},
        {"observe: true\nroutes: [{match: '/a/{identifier}'}, {match: '/b/{identifier}', source: b, legacy_url: "
         "'https://x.example/'}]\n",
         false, true},
        {"routes: [{match: '/a/{identifier}', legacy_url: 'https://x.example/', observe: true}, {match: "
         "'/b/{identifier}', legacy_url: 'https://x.example/'}]\n",
         false, true},
        {"routes: [{match: '/a/{identifier}', legacy_url: 'https://x.example/'}, {match: '/b/{identifier}', "
         "legacy_url: 'https://x.example/', observe: true}]\n",
         false, true},
        {"routes: [{match: '/b/{identifier}', source: b}, {match: '/a/{identifier}', legacy_url: "
         "'https://x.example/', observe: true}]\n",
         true, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        char yaml[512], *told = NULL;
        snprintf(yaml, sizeof(yaml), "%s%s", legacy, cases[i].routes);
        struct config *config = read_text(yaml, &told);
        if (config == NULL)
            fail_msg("%s", told);
        const struct source_routes routes = config_source_routes(config, TEXT("default"));
        if (routes.rehearsed != cases[i].rehearsed || routes.legacy_always != cases[i].legacy_always)
            fail_msg("%s%d %d", yaml, routes.rehearsed, routes.legacy_always);
        config_free(config);
        free(told);
    }
}

static void health_is_asked_for_with_get_and_head(void **state)
{
    struct config *config = config_defaults();
    struct request request = {.path = TEXT("/healthz")};
    (void)state;
    for (request.method = METHOD_GET; request.method <= METHOD_OTHER; ++request.method)
        assert_int_equal(config_is_health(config, &request),
                         request.method == METHOD_GET || request.method == METHOD_HEAD);
    request = (struct request){.method = METHOD_GET, .path = TEXT("/healthz/")};
    assert_false(config_is_health(config, &request));
    config_free(config);
}

static void as_many_routes_as_there_may_be(void **state)
{
    char yaml[CONFIG_ROUTES_MAX * 64];
    (void)state;
    for (unsigned most = CONFIG_ROUTES_MAX; most <= CONFIG_ROUTES_MAX + 1; ++most) {
        char *told = NULL;
        size_t size = (size_t)snprintf(yaml, sizeof(yaml), "routes:\n");
        for (unsigned i = 0; i < most; ++i)
            size += (size_t)snprintf(yaml + size, sizeof(yaml) - size, "  - match: /%u/{identifier}\n", i);
        struct config *config = read_text(yaml, &told);
        assert_int_equal(config != NULL, most == CONFIG_ROUTES_MAX);
        assert_int_equal(strstr(told, "there are more than 256") != NULL, most > CONFIG_ROUTES_MAX);
        config_free(config);
        free(told);
    }
}

/* As long as the kernel takes it, with the NUL behind it. */
static void the_longest_path_of_a_socket(void **state)
{
    char text[5 + 108 + 1] = "unix:/";
    struct address address;
    (void)state;
    memset(text + 6, 'a', sizeof(text) - 7);
    assert_non_null(address_parse(text, &address));
    text[5 + 107] = '\0';
    assert_null(address_parse(text, &address));
    assert_int_equal(strlen(address.path), 107);
}

static void an_address_fits_into_the_head(void **state)
{
    static const char *const yaml[] = {"limits: {head: 8KiB}\n" ROUTE, "limits: {head: 8KiB, uri: 16KiB}\n" ROUTE};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(yaml); ++i) {
        char *told = NULL;
        struct config *config = read_text(yaml[i], &told);
        assert_non_null(config);
        assert_int_equal(config->limits.uri, 8192);
        assert_int_equal(config->gateway.uri_limit, 8192);
        config_free(config);
        free(told);
    }
}

/* A name or a value that is mistyped, the one that is meant, and nothing that follows from it. */
static const struct {
    const char *yaml, *told;
} typing_mistakes[] = {
    {"stoer: /s\n" ROUTE, ":1:1: error: unknown key \"stoer\"; did you mean store?\n"},
    {"limts: {body: 1KiB}\n" ROUTE, "unknown key \"limts\"; did you mean limits?\n"},
    {"limits: {bdoy: 1KiB}\n" ROUTE, "unknown key \"limits.bdoy\"; did you mean limits.body?\n"},
    {"limits: {connection: 5}\n" ROUTE, "unknown key \"limits.connection\"; did you mean limits.connections?\n"},
    {"limits: {abc: 5}\n" ROUTE, "unknown key \"limits.abc\"\n"},
    {"colour: red\n" ROUTE, "unknown key \"colour\"\n"},
    {"routs:\n  - match: /old-sso/{identifier}\n", ":1:1: error: unknown key \"routs\"; did you mean routes?\n"},
    {"listen:\n  - adress: 127.0.0.1:9\n" ROUTE, "unknown key \"adress\"; did you mean address?\n"},
    {"listen:\n  - {address: '127.0.0.1:9', certficates: []}\n" ROUTE, "did you mean certificates?\n"},
    {"listen:\n  - {address: '127.0.0.1:9', certficate: /c, key: /k}\n" ROUTE, "did you mean certificate?\n"},
    {"listen: [{address: '127.0.0.1:9', certificates: [{certifcate: /c, key: /k}]}]\n" ROUTE,
     "did you mean certificate?\n"},
    {"routes:\n  - macth: /old-sso/{identifier}\n", ":2:5: error: unknown key \"macth\"; did you mean match?\n"},
    {"routes:\n  - preset: auth00\n", ":2:13: error: preset: there is no preset of that name; did you mean auth0?\n"},
    {"routes:\n  - preset: Okta\n", ":2:13: error: preset: there is no preset of that name; did you mean okta?\n"},
    {"admin: {address: 127.0.0.1}\n" ROUTE, "\"127.0.0.1\" has no port"},
    {"admin: {address: 'localhst:9'}\n" ROUTE, "is not an IP address and port"},
    {"admin: {address: 'unix:'}\n" ROUTE, "is not unix: and an absolute path"},
    {"listen: [{address: 'a:9'}]\nadmin: {address: '127.0.0.1:9'}\n" ROUTE, "is not an IP address and port"},
    {"routes: [{match: /acs, identify_by: Issuer}]\n", "\"Issuer\" is not template, relay_state or issuer\n"},
    {"routes: [{match: '/acs/{identifier}', identify_by: isuer}]\n", "is not template, relay_state or issuer\n"},
    {"routes: [{preset: okta, identify_by: isuer}]\n", "is not template, relay_state or issuer\n"},
    {"routes:\n", "routes takes a list of mappings"},
    {"routes:\n  match: /a/{identifier}\n", "routes takes a list of mappings"},
    {"routes: [match]\n", "an item of routes is a mapping"},
    {"legacy: {unmatched_url: old.example.com}\n" ROUTE, "is not an https URL such as https://legacy.example.com\n"},
};

static void what_was_meant_is_told_and_nothing_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(typing_mistakes); ++i) {
        char *told = NULL;
        struct config *config = read_text(typing_mistakes[i].yaml, &told);
        const char *first = strstr(told, "error: ");
        if (config != NULL || strstr(told, typing_mistakes[i].told) == NULL || strstr(first + 1, "error: ") != NULL)
            fail_msg("%s\n%s instead of \"%s\"", typing_mistakes[i].yaml, told, typing_mistakes[i].told);
        free(told);
    }
}

static void addresses_of_their_own_are_fine(void **state)
{
    static const char *const good[] = {
        "listen: [{address: '0.0.0.0:9'}, {address: '[::]:9'}, {address: 'unix:/a'}]\nadmin: {address: "
        "'unix:/b'}\n" ROUTE,
        "listen: [{address: '0.0.0.0:9', proxy_protocol: true}, {address: '127.0.0.1:9'}]\n" ROUTE,
        "listen: [{address: '[::1]:9'}, {address: '[::]:9'}]\n" ROUTE,
        "listen: [{address: '192.0.2.1:9'}, {address: '192.0.2.2:9'}]\nadmin: {address: '127.0.0.1:9'}\n" ROUTE,
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); ++i) {
        char *told = NULL;
        struct config *config = read_text(good[i], &told);
        assert_string_equal(told, "");
        config_free(config);
        free(told);
    }
}

static void a_bad_address_is_no_second_one(void **state)
{
    char *told = NULL;
    (void)state;
    assert_null(read_text("listen: [{address: '127.0.0.1'}]\nadmin: {address: '127.0.0.1'}\n" ROUTE, &told));
    assert_null(strstr(told, "the same connections"));
    free(told);
}

static void a_fallback_below_a_narrower_route_is_fine(void **state)
{
    char *told = NULL;
    struct config *config =
        read_text("routes:\n  - match: /a?c={identifier}\n  - match: /a\n    identify_by: issuer\n", &told);
    (void)state;
    if (config == NULL)
        fail_msg("%s", told);
    config_free(config);
    free(told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(a_preset_stands_for_its_routes),
        cmocka_unit_test(a_preset_stands_for_its_routes_at_a_host),
        cmocka_unit_test(a_route_has_the_last_word_on_what_its_preset_folds),
        cmocka_unit_test(every_mistake_is_named_with_its_place),
        cmocka_unit_test(all_mistakes_are_told_at_once),
        cmocka_unit_test(an_alias_is_one_mistake),
        cmocka_unit_test(each_ambiguous_pair_is_told_with_what_helps),
        cmocka_unit_test(what_is_doubtful_is_warned_of),
        cmocka_unit_test(onward_sources_that_are_too_many_are_warned_of),
        cmocka_unit_test(a_missing_file_is_the_users_mistake),
        cmocka_unit_test(a_file_that_the_disk_does_not_return_is_no_configuration),
        cmocka_unit_test(the_defaults_need_no_file),
        cmocka_unit_test(differences_are_told_against_what_is_in_force),
        cmocka_unit_test(routes_of_one_source),
        cmocka_unit_test(health_is_asked_for_with_get_and_head),
        cmocka_unit_test(as_many_routes_as_there_may_be),
        cmocka_unit_test(the_longest_path_of_a_socket),
        cmocka_unit_test(an_address_fits_into_the_head),
        cmocka_unit_test(what_was_meant_is_told_and_nothing_more),
        cmocka_unit_test(addresses_of_their_own_are_fine),
        cmocka_unit_test(a_route_with_legacy_relay_states_is_not_needless),
        cmocka_unit_test(a_bad_address_is_no_second_one),
        cmocka_unit_test(a_fallback_below_a_narrower_route_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
