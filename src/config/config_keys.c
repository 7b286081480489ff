/* The table of configuration keys, that of their lists, and the setters for values that are not of a plain kind. */
#include "config_kinds.h"
#include "ssoferry/memory.h"

#define SETTER(name) static CONFIG_SETTER(name)

SETTER(set_uri_limit)
{
    building->uri_limit_place = *place;
    return set_size(building, value, place, key);
}

SETTER(set_threads)
{
    uint64_t number = CONFIG_THREADS_AUTO;
    if (!text_equal(value, TEXT("auto")) && (!text_to_number(value, key->most, &number) || number < key->least))
        return "is neither auto nor a number";
    building->config.threads = (unsigned)number;
    return NULL;
}

SETTER(set_store)
{
    if (value.size == 0)
        return "is empty";
    building->config.store = building_copy(building, value).at;
    return NULL;
}

SETTER(set_health_path)
{
    building->health_place = *place;
    if (!text_starts(value, TEXT("/")) || text_find(value, '?', 0) < value.size ||
        text_find(value, '%', 0) < value.size)
        return "is not a plain path such as /healthz";
    building->config.health_path = building_copy(building, value).at;
    return NULL;
}

/* Sets an origin: https://host[:port], or http only for this machine. Stored without a trailing slash. `unlike` is the
 * answer for something that is not a URL. */
static const char *set_origin(struct building *building, struct text value, struct text *origin, const char *unlike)
{
    struct url url;
    const char *why = NULL;
    if (!url_parse(value, &url, &why))
        return unlike;
    if (!url.https && !url_is_loopback(&url))
        return "is plain http, which is only for this machine itself; write https";
    if (url.has_query || url.path.size > 1)
        return "has a path; write just https://host";
    *origin = building_copy(building, text_slice(value.at, value.size - url.path.size));
    return NULL;
}

#define UNLIKE_STYTCH "is not an https URL such as https://api.stytch.com"

SETTER(set_live_url)
{
    building->live_place = *place;
    return set_origin(building, value, &building->config.gateway.live_url, UNLIKE_STYTCH);
}

SETTER(set_test_url)
{
    building->test_place = *place;
    return set_origin(building, value, &building->config.gateway.test_url, UNLIKE_STYTCH);
}

SETTER(set_unmatched_url)
{
    building->unmatched_place = *place;
    if (value.size == 0)
        return NULL;
    return set_origin(building, value, &building->config.gateway.unmatched_url,
                      "is not an https URL such as https://legacy.example.com");
}

SETTER(set_stytch_host)
{
    const char *why = NULL;
    return allowed_hosts_add(building->stytch_hosts, value, &why)
               ? NULL
               : "is not a host such as login.example.com or *.example.com";
}

/* A CSP source: scheme, host (perhaps with a star) and port. Nothing that could end the directive. */
SETTER(set_onward_source)
{
    for (size_t i = 0; i < value.size; ++i) {
        char c = value.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr(".:*/-_+[]", c) == NULL))
            return "is not a CSP source such as https://app.example.com or https:";
    }
    if (value.size == 0)
        return "is empty";
    if (building->onward_sources.count == 0)
        building->onward_place = *place;
    building_append(building, &building->onward_sources, building_copy(building, value));
    return NULL;
}

SETTER(set_legacy_host)
{
    const char *why = NULL;
    return allowed_hosts_add(building->legacy_hosts, value, &why)
               ? NULL
               : "is not a host such as legacy.example.com or *.example.com";
}

SETTER(set_own_host)
{
    const char *why = NULL;
    struct allowed_hosts *parser = allowed_hosts_new();
    bool good = !text_starts(value, TEXT("*")) && allowed_hosts_add(parser, value, &why);
    allowed_hosts_free(parser);
    if (!good)
        return "is not a host such as sso.example.com";
    building_append(building, &building->own_hosts, building_copy(building, value));
    return NULL;
}

SETTER(set_redirect)
{
    building->redirect_place = *place;
    return redirect_kind_parse(value, &building->config.gateway.redirect) ? NULL : "is not 307, 303 or form";
}

SETTER(set_observe)
{
    building->observe_place = *place;
    return set_bool(building, value, place, key);
}

SETTER(set_user)
{
    building->config.user = value.size == 0 ? NULL : building_copy(building, value).at;
    return NULL;
}

SETTER(set_sandbox)
{
    building->config.sandbox = text_equal(value, TEXT("on"));
    return building->config.sandbox || text_equal(value, TEXT("off")) ? NULL : "is neither on nor off";
}

static const char *set_address(struct building *building, struct text value, const struct place *place,
                               struct address *address)
{
    const char *written = building_copy(building, value).at;
    const char *problem = address_parse(written, address);
    if (problem != NULL)
        *address = (struct address){.text = written};
    address->place = *place;
    return problem;
}

SETTER(set_admin_address)
{
    building->config.admin = &building->admin;
    return set_address(building, value, place, &building->admin);
}

SETTER(set_request_log)
{
    static const struct text words[] = {{"all", 3}, {"errors", 6}, {"off", 3}};
    for (size_t i = 0; i < 3; ++i) {
        if (text_equal(value, words[i])) {
            building->config.request_log = (enum request_log)i;
            return NULL;
        }
    }
    return "is not all, errors or off";
}

SETTER(set_listen_address)
{
    return set_address(building, value, place, &building_listener(building)->address);
}

SETTER(set_certificate_file)
{
    struct certificate_files *files = building_certificate(building, key->scope);
    struct named_file *file = (struct named_file *)(void *)((char *)files + key->offset);
    *file = (struct named_file){building_copy(building, value).at, *place};
    return value.size == 0 ? "is empty" : NULL;
}

SETTER(set_trusted_proxy)
{
    struct network network;
    if (text_equal(value, TEXT("unix"))) {
        building->config.trust_unix_proxies = true;
        return NULL;
    }
    const char *problem = network_parse(value, &network);
    if (problem != NULL)
        return problem;
    size_t count = building->trusted_proxy_count++;
    building->trusted_proxies =
        memory_resize(building->trusted_proxies, (count + 1) * sizeof(*building->trusted_proxies));
    building->trusted_proxies[count] = network;
    return NULL;
}

SETTER(set_route_identify_by)
{
    if (text_equal(value, TEXT("template")))
        building_draft(building)->identify_by = IDENTIFY_BY_TEMPLATE;
    else if (text_equal(value, TEXT("relay_state")))
        building_draft(building)->identify_by = IDENTIFY_BY_RELAY_STATE;
    else if (text_equal(value, TEXT("issuer")))
        building_draft(building)->identify_by = IDENTIFY_BY_ISSUER;
    else {
        building->mistyped[key->scope] = true;
        return "is not template, relay_state or issuer";
    }
    return NULL;
}

SETTER(set_route_source)
{
    building_draft(building)->source = building_copy(building, value);
    return source_problem(value);
}

SETTER(set_route_redirect)
{
    building_draft(building)->redirect_place = *place;
    return redirect_kind_parse(value, &building_draft(building)->redirect) ? NULL : "is not 307, 303 or form";
}

SETTER(set_route_unknown)
{
    building_draft(building)->unknown_is_legacy = text_equal(value, TEXT("legacy"));
    return building_draft(building)->unknown_is_legacy || text_equal(value, TEXT("not_found"))
               ? NULL
               : "is neither legacy nor not_found";
}

SETTER(set_route_legacy_relay_state)
{
    building_append(building, &building_draft(building)->legacy_relay_states, building_copy(building, value));
    return value.size == 0 ? "is empty, which every RelayState starts with" : NULL;
}

#define IN_CONFIG(field)      offsetof(struct config, field)
#define IN_LISTENER(field)    offsetof(struct listener, field)
#define IN_CERTIFICATE(field) offsetof(struct certificate_files, field)
#define IN_ROUTE(field)       offsetof(struct route_draft, field)
#define MINUTE_MS             (60ULL * 1000)

const struct config_key config_keys[] = {
    {"listen[].address", KEY_OF_LISTEN, "address", "127.0.0.1:8080",
     "where to listen: IP:PORT, [IPv6]:PORT or unix:/PATH", set_listen_address, KEY_RESTART, 0, 0, 0},
    {"listen[].certificate", KEY_OF_LISTEN, "path", "", "speak TLS with this certificate: a PEM file with its chain",
     set_certificate_file, KEY_PLAIN, 0, 0, IN_CERTIFICATE(certificate)},
    {"listen[].key", KEY_OF_LISTEN, "path", "", "PEM file with the private key, if it is not in the certificate's file",
     set_certificate_file, KEY_PLAIN, 0, 0, IN_CERTIFICATE(key)},
    {"listen[].certificates[].certificate", KEY_OF_CERTIFICATE, "path", "",
     "a further certificate, for clients that ask for one of its hosts", set_certificate_file, KEY_PLAIN, 0, 0,
     IN_CERTIFICATE(certificate)},
    {"listen[].certificates[].key", KEY_OF_CERTIFICATE, "path", "", "PEM file with its private key",
     set_certificate_file, KEY_PLAIN, 0, 0, IN_CERTIFICATE(key)},
    {"listen[].proxy_protocol", KEY_OF_LISTEN, "boolean", "false",
     "each connection begins with a PROXY protocol header, which says who the client is", set_bool, KEY_RESTART, 0, 0,
     IN_LISTENER(proxy_protocol)},
    {"trusted_proxies", KEY_OF_CONFIG, "list of networks", "",
     "load balancers whose X-Forwarded-For and PROXY headers are believed", set_trusted_proxy, KEY_LIST, 0, 0, 0},
    {"admin.address", KEY_OF_CONFIG, "address", "",
     "where the admin listener listens: metrics, health, the report and its page", set_admin_address, KEY_RESTART, 0, 0,
     0},
    {"admin.allow_remote", KEY_OF_CONFIG, "boolean", "false",
     "allow an admin.address that is neither loopback nor a unix socket", set_bool, KEY_RESTART, 0, 0,
     offsetof(struct building, admin_allow_remote)},
    {"usage", KEY_OF_CONFIG, "boolean", "true", "count who uses the old addresses, for the report", set_bool,
     KEY_RESTART, 0, 0, IN_CONFIG(usage)},
    {"store", KEY_OF_CONFIG, "path", "/var/lib/ssoferry/connections.mdb", "the table's LMDB file", set_store,
     KEY_RESTART, 0, 0, 0},
    {"threads", KEY_OF_CONFIG, "number", "auto", "serving threads; auto: one per core", set_threads, KEY_RESTART, 1,
     CONFIG_THREADS_MAX, 0},
    {"user", KEY_OF_CONFIG, "name", "", "user to become after opening the addresses, when started as root", set_user,
     KEY_RESTART, 0, 0, 0},
    {"sandbox", KEY_OF_CONFIG, "word", "on", "give up every file and system call that serving does not need: on or off",
     set_sandbox, KEY_RESTART, 0, 0, 0},
    {"health_path", KEY_OF_CONFIG, "path", "/healthz", "path that answers a load balancer's probes", set_health_path,
     KEY_PLAIN, 0, 0, 0},
    {"hosts", KEY_OF_CONFIG, "list of hosts", "",
     "host names of the gateway itself; no redirect ever leads back to one", set_own_host, KEY_LIST, 0, 0, 0},
    {"stytch.live_url", KEY_OF_CONFIG, "url", "https://api.stytch.com", "origin for connections of live projects",
     set_live_url, KEY_PLAIN, 0, 0, 0},
    {"stytch.test_url", KEY_OF_CONFIG, "url", "https://test.stytch.com", "origin for connections of test projects",
     set_test_url, KEY_PLAIN, 0, 0, 0},
    {"stytch.allowed_hosts", KEY_OF_CONFIG, "list of hosts", "",
     "your Stytch custom domains, which an acs_url may name besides Stytch's own hosts", set_stytch_host, KEY_LIST, 0,
     0, 0},
    {"stytch.onward_sources", KEY_OF_CONFIG, "list of CSP sources", "",
     "where Stytch sends browsers after a sign-in, for the form page's policy", set_onward_source, KEY_LIST, 0, 0, 0},
    {"legacy.allowed_hosts", KEY_OF_CONFIG, "list of hosts", "", "hosts that a legacy_url may name", set_legacy_host,
     KEY_LIST, 0, 0, 0},
    {"legacy.unmatched_url", KEY_OF_CONFIG, "url", "",
     "legacy origin for requests that no route takes; path and query are kept", set_unmatched_url, KEY_PLAIN, 0, 0, 0},
    {"redirect", KEY_OF_CONFIG, "word", "307", "how to redirect: 307, 303 or form", set_redirect, KEY_PLAIN, 0, 0, 0},
    {"observe", KEY_OF_CONFIG, "boolean", "false", "rehearse: decide and log, but send everything to the legacy side",
     set_observe, KEY_PLAIN, 0, 0, IN_CONFIG(gateway.observe)},
    {"limits.connections", KEY_OF_CONFIG, "number", "10000", "connections open at one time", set_number, KEY_PLAIN, 1,
     1000000, IN_CONFIG(limits.connections)},
    {"limits.head", KEY_OF_CONFIG, "size", "32KiB", "largest request head: request line and fields", set_size,
     KEY_PLAIN, 1024, 256 * 1024, IN_CONFIG(limits.head)},
    {"limits.uri", KEY_OF_CONFIG, "size", "16KiB", "longest path and query of a request", set_uri_limit, KEY_PLAIN, 256,
     256 * 1024, IN_CONFIG(limits.uri)},
    {"limits.body", KEY_OF_CONFIG, "size", "1MiB", "largest request body", set_size, KEY_PLAIN, 1024, 64ULL << 20,
     IN_CONFIG(limits.body)},
    {"limits.memory", KEY_OF_CONFIG, "size", "128MiB", "memory that requests under way and their answers hold",
     set_size, KEY_PLAIN, 4096, 16ULL << 30, IN_CONFIG(limits.memory)},
    {"limits.request_time", KEY_OF_CONFIG, "duration", "10s", "time for a whole request to arrive", set_duration,
     KEY_PLAIN, 100, 10 * MINUTE_MS, IN_CONFIG(limits.request_time_ms)},
    {"limits.idle_time", KEY_OF_CONFIG, "duration", "75s", "time a connection may wait for its next request",
     set_duration, KEY_PLAIN, 1000, 60 * MINUTE_MS, IN_CONFIG(limits.idle_time_ms)},
    {"drain.delay", KEY_OF_CONFIG, "duration", "5s", "after SIGTERM: still serving while the health path answers 503",
     set_duration, KEY_PLAIN, 0, 10 * MINUTE_MS, IN_CONFIG(drain.delay_ms)},
    {"drain.timeout", KEY_OF_CONFIG, "duration", "30s", "time for requests to end after that", set_duration, KEY_PLAIN,
     0, 60 * MINUTE_MS, IN_CONFIG(drain.timeout_ms)},
    {"log.requests", KEY_OF_CONFIG, "word", "all", "which requests to log: all, errors or off", set_request_log,
     KEY_PLAIN, 0, 0, 0},
    {"routes[].match", KEY_OF_ROUTE, "template", "", "URL template that says where the identifier is", set_written,
     KEY_PLAIN, 0, 0, IN_ROUTE(match)},
    {"routes[].preset", KEY_OF_ROUTE, "word", "", "use a legacy system's templates instead of match (ssoferry presets)",
     set_written, KEY_PLAIN, 0, 0, IN_ROUTE(preset)},
    {"routes[].host", KEY_OF_ROUTE, "host", "", "the only host that the preset is for; without it, any host", set_word,
     KEY_PLAIN, 0, 0, IN_ROUTE(host)},
    {"routes[].identify_by", KEY_OF_ROUTE, "word", "template", "template, relay_state or issuer", set_route_identify_by,
     KEY_PLAIN, 0, 0, 0},
    {"routes[].relay_state_key", KEY_OF_ROUTE, "text", "idp", "member of a JSON RelayState that holds the identifier",
     set_word, KEY_PLAIN, 0, 0, IN_ROUTE(relay_state_key)},
    {"routes[].source", KEY_OF_ROUTE, "word", "default", "source that the identifiers belong to", set_route_source,
     KEY_PLAIN, 0, 0, 0},
    {"routes[].redirect", KEY_OF_ROUTE, "word", "", "how to redirect, instead of the global redirect",
     set_route_redirect, KEY_PLAIN, 0, 0, 0},
    {"routes[].fold_case", KEY_OF_ROUTE, "boolean", "false",
     "look an identifier up once more in lower case if it is not found", set_said, KEY_PLAIN, 0, 0,
     IN_ROUTE(fold_case)},
    {"routes[].fold_path", KEY_OF_ROUTE, "boolean", "false", "ignore case when matching the path", set_said, KEY_PLAIN,
     0, 0, IN_ROUTE(fold_path)},
    {"routes[].unknown", KEY_OF_ROUTE, "word", "not_found",
     "what to do without a row, or with what is not a SAML sign-in: not_found or legacy", set_route_unknown, KEY_PLAIN,
     0, 0, 0},
    {"routes[].legacy_url", KEY_OF_ROUTE, "url", "", "where the legacy side is; may hold {identifier} or {path}",
     set_written, KEY_PLAIN, 0, 0, IN_ROUTE(legacy_url)},
    {"routes[].legacy_relay_states", KEY_OF_ROUTE, "list of texts", "",
     "RelayState prefixes of logins that the old provider started: they go to legacy_url", set_route_legacy_relay_state,
     KEY_LIST, 0, 0, 0},
    {"routes[].observe", KEY_OF_ROUTE, "boolean", "false", "rehearse on this route alone", set_bool, KEY_PLAIN, 0, 0,
     IN_ROUTE(observe)},
};
const size_t config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);

const struct config_list config_lists[] = {
    {KEY_OF_LISTEN, KEY_OF_CONFIG, "listen", "- address: 127.0.0.1:8080"},
    {KEY_OF_CERTIFICATE, KEY_OF_LISTEN, "certificates",
     "- {certificate: /etc/ssl/example.pem, key: /etc/ssl/example.key}"},
    {KEY_OF_ROUTE, KEY_OF_CONFIG, "routes", "- match: /old-sso/{identifier}"},
};
const size_t config_list_count = sizeof(config_lists) / sizeof(config_lists[0]);

struct text config_key_last(const struct config_key *key)
{
    const char *bracket = strrchr(key->name, ']');
    return text_of(bracket == NULL ? key->name : bracket + 2);
}

const struct config_key *config_key_find(enum key_scope scope, struct text name)
{
    for (size_t i = 0; i < config_key_count; ++i) {
        if (config_keys[i].scope == scope && text_equal(name, config_key_last(&config_keys[i])))
            return &config_keys[i];
    }
    return NULL;
}
