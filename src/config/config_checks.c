/* Checks that need the whole file, except those of routes. */
#include "config_checker.h"
#include "ssoferry/memory.h"

void checker_fault(struct checker *checker, const struct place *place, const char *what, const char *detail)
{
    faults_add(checker->faults, FAULT_ERROR, checker->file, place->line, place->column, place->length, "%s%s", what,
               detail);
}

void checker_warning(struct checker *checker, const struct place *place, const char *what, const char *detail)
{
    faults_add(checker->faults, FAULT_WARNING, checker->file, place->line, place->column, place->length, "%s%s", what,
               detail);
}

/* The pattern filled in with a sample identifier, so that it can be parsed as a URL. */
static struct text sample_of(const struct building *building, struct text pattern)
{
    return template_expand(pattern, TEXT("x"), TEXT("/x"), arena_memory(building->arena));
}

/* Whether `{path}` is anywhere but at the end, right after the host. If there were another path before it, a request's
 * path could lead out of that one. */
static bool has_misplaced_path(struct text url)
{
    static const char hole[] = "{path}";
    const char *at = memmem(url.at, url.size, hole, sizeof(hole) - 1);
    if (at == NULL)
        return false;
    const struct text before = text_slice(url.at, (size_t)(at - url.at));
    return before.size + sizeof(hole) - 1 < url.size || url_before_path(before).size < before.size ||
           text_find(before, '?', 0) < before.size;
}

const char *checker_legacy_problem(const struct checker *checker, struct text url, bool pattern)
{
    const struct building *building = checker->building;
    struct url parsed;
    const char *why = NULL;
    if (pattern && has_misplaced_path(url))
        return "{path} must come right after the host, with nothing after it: https://HOST{path}";
    struct text sample = pattern ? sample_of(building, url) : url;
    if (pattern && text_find(sample, '{', 0) < sample.size)
        return "only {identifier}, and {path} right after the host, may be in braces";
    if (!url_parse(sample, &parsed, &why))
        return why;
    if (url_leads_to(&parsed, building->own_hosts.items, building->own_hosts.count))
        return "it leads back to the gateway itself (hosts)";
    if (!allowed_hosts_check(building->legacy_hosts, &parsed, &why))
        return url_is_loopback(&parsed) || parsed.https ? "its host is not in legacy.allowed_hosts" : why;
    size_t brace = text_find(url, '{', 0);
    size_t host_end = (size_t)(parsed.https ? 8 : 7) + parsed.authority.size;
    if (brace < host_end)
        return "the identifier may be in its path and query, but not in its host";
    return NULL;
}

/* Whether two addresses overlap. An invalid address has neither port nor path. If `wildcards`, an address that stands
 * for all addresses overlaps each of them. */
static bool addresses_meet(const struct address *a, const struct address *b, bool wildcards)
{
    static const unsigned char any[sizeof(a->ip)] = {0};
    if (a->family != b->family)
        return false;
    if (a->family == ADDRESS_UNIX)
        return strcmp(a->path, b->path) == 0;
    if (a->port == 0 || a->port != b->port)
        return false;
    return memcmp(a->ip, b->ip, sizeof(any)) == 0 ||
           (wildcards && (memcmp(a->ip, any, sizeof(any)) == 0 || memcmp(b->ip, any, sizeof(any)) == 0));
}

/* Listeners use SO_REUSEPORT to share their ports with another daemon's, so two of one daemon would share a port, too:
 * sign-ins would reach the admin listener, and the public its report. A specific address next to a wildcard gets its
 * own traffic, so both are served; that is refused only if one of them is the admin listener. */
static void check_address(struct checker *checker, const char *key, const struct address *address, size_t before)
{
    const bool admin = address == checker->building->config.admin;
    char line[32] = ", the default of listen,";
    for (size_t i = 0; i < before; ++i) {
        const struct address *other = &checker->building->listen[i].address;
        if (!addresses_meet(address, other, admin))
            continue;
        if (other->place.line > 0)
            snprintf(line, sizeof(line), " at line %u", other->place.line);
        faults_add(checker->faults, FAULT_ERROR, checker->file, address->place.line, address->place.column,
                   address->place.length,
                   "%s: %s and %s%s take the same connections; give one of them another port or path", key,
                   address->text, other->text, line);
        return;
    }
}

static void check_addresses(struct checker *checker)
{
    struct building *building = checker->building;
    for (size_t i = 0; i < building->listen_count; ++i) {
        char key[64];
        snprintf(key, sizeof(key), "listen[%zu].address", i);
        check_address(checker, key, &building->listen[i].address, i);
    }
    const struct address *admin = building->config.admin;
    if (admin == NULL)
        return;
    check_address(checker, "admin.address", admin, building->listen_count);
    if (admin->port != 0 && !address_is_local(admin) && !building->admin_allow_remote)
        checker_fault(checker, &admin->place, "admin.address: anybody who can reach it sees all customers' names",
                      "; use 127.0.0.1, or set allow_remote: true");
}

/* Checks Stytch's origins: if the gateway is on the very domain meant for Stytch, one would lead back; and the two are
 * easily confused. */
static void check_origins(struct checker *checker)
{
    const struct building *building = checker->building;
    const struct gateway_settings *settings = &building->config.gateway;
    const struct {
        const char *key;
        struct text origin, wrong;
        const char *problem;
        const struct place *place;
    } origins[] = {
        {"stytch.live_url", settings->live_url, TEXT("test.stytch.com"), ": this is Stytch's host for test projects",
         &building->live_place},
        {"stytch.test_url", settings->test_url, TEXT("api.stytch.com"), ": this is Stytch's host for live projects",
         &building->test_place},
    };
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); ++i) {
        struct url url;
        const char *why = NULL;
        if (!url_parse(origins[i].origin, &url, &why))
            continue;
        if (url_leads_to(&url, building->own_hosts.items, building->own_hosts.count))
            checker_fault(checker, origins[i].place, origins[i].key, ": it leads back to the gateway itself (hosts)");
        if (text_equal_fold(url.host, origins[i].wrong))
            checker_warning(checker, origins[i].place, origins[i].key, origins[i].problem);
    }
}

/* A load balancer that takes no head of that size answers each form page with 502. */
static void check_onward_sources(struct checker *checker)
{
    enum { MOST = 8 * 1024 };
    const struct place *place = &checker->building->onward_place;
    const size_t size = building_onward_sources(checker->building).size;
    if (size > MOST)
        faults_add(checker->faults, FAULT_WARNING, checker->file, place->line, place->column, place->length,
                   "stytch.onward_sources: with the names in hosts it takes %zu bytes of the head of each form page, "
                   "and many load balancers refuse heads of more than %d; write https: there instead",
                   size, MOST);
}

static void check_unmatched_url(struct checker *checker)
{
    struct building *building = checker->building;
    struct text url = building->config.gateway.unmatched_url;
    const char *problem = url.size == 0 ? NULL : checker_legacy_problem(checker, url, false);
    if (problem != NULL)
        checker_fault(checker, &building->unmatched_place, "legacy.unmatched_url: ", problem);
    if (url.size == 0 && building->config.gateway.observe)
        checker_warning(checker, &building->observe_place, "observe: without legacy.unmatched_url, ",
                        "whatever no route takes gets 404 in the rehearsal as well: logouts, metadata, and sign-ins at "
                        "an address that was forgotten");
}

static void check_redirects(struct checker *checker)
{
    const struct building *building = checker->building;
    if (building->config.gateway.redirect == REDIRECT_303)
        checker_warning(checker, &building->redirect_place, "redirect: ", REDIRECT_303_WARNING);
    for (size_t i = 0; i < building->draft_count; ++i) {
        if (building->drafts[i].redirect == REDIRECT_303)
            checker_warning(checker, &building->drafts[i].redirect_place, "redirect: ", REDIRECT_303_WARNING);
    }
}

/* A head contains the address, so the address cannot be longer. And a buffer that grows to hold the largest body needs
 * three times that for a moment. */
static void check_limits(struct checker *checker)
{
    enum { ROOM_FOR_ONE = 4 };
    struct config *config = &checker->building->config;
    if (config->limits.memory < ROOM_FOR_ONE * config->limits.body)
        config->limits.memory = ROOM_FOR_ONE * config->limits.body;
    if (config->limits.uri <= config->limits.head)
        return;
    if (checker->building->uri_limit_place.line > 0)
        checker_warning(checker, &checker->building->uri_limit_place, "limits.uri: it is more than limits.head",
                        ", which includes it, so that limit counts; raise limits.head, or lower this");
    config->limits.uri = config->limits.head;
}

/* No old system has an address like the default, but a different path may belong to one. A catch-all would take it,
 * too, but that does not make it a customer's. */
static void check_health_path(struct checker *checker)
{
    char why[256];
    struct template *template = NULL;
    const struct building *building = checker->building;
    const struct config_key *key = config_key_find(KEY_OF_CONFIG, TEXT("health_path"));
    const struct text path = text_of(building->config.health_path);
    if (text_equal(path, text_of(key->fallback)) || !template_parse(&template, path, why, NULL))
        return;
    for (size_t i = 0; i < building->route_count; ++i) {
        const struct route *route = &building->routes[i];
        if (template_begins_anyhow(route->template) ||
            template_relation(template, route->template) == TEMPLATE_DISJOINT)
            continue;
        faults_add(checker->faults, FAULT_WARNING, checker->file, building->health_place.line,
                   building->health_place.column, building->health_place.length,
                   "health_path: GET and HEAD requests for it never reach %.*s at line %u", TEXT_ARGS(route->name),
                   route->line);
    }
    template_free(template);
}

/* `names` are as in url_leads_to(). A route's host stands for every port, and so does a name with a port here. */
static bool is_among(struct text host, const struct text_list *names)
{
    for (size_t i = 0; i < names->count; ++i) {
        if (text_equal_fold(host, url_host_alone(names->items[i])))
            return true;
    }
    return false;
}

static void check_route_host(struct checker *checker, const struct route_draft *draft, const struct route *route)
{
    const struct text host = template_host(route->template);
    const struct place *place = draft->match.text.size > 0  ? &draft->match.place
                                : draft->host.text.size > 0 ? &draft->host.place
                                                            : &draft->preset.place;
    if (host.size > 0 && !is_among(host, &checker->building->own_hosts))
        faults_add(checker->faults, FAULT_WARNING, checker->file, place->line, place->column, place->length,
                   "the route's host %.*s is not in hosts: correct it, or add it there", TEXT_ARGS(host));
}

/* Whether a legacy URL has the only host of a route, and no port that could tell them apart. */
static bool has_host_of(const struct building *building, struct text pattern, const struct route *route)
{
    struct url url;
    const char *why = NULL;
    const struct text host = template_host(route->template);
    return host.size > 0 && pattern.size > 0 && url_parse(sample_of(building, pattern), &url, &why) &&
           (url.port == 443 || url.port == 80) && text_equal_fold(url.host, host);
}

#define LEADS_BACK                                                                                                     \
    ", so it leads back to the gateway and gets 508, unless the gateway has another port; write the gateway's names "  \
    "into hosts"

/* For an operator who does not say under which names the world reaches the gateway: a route's host is one of them. */
static void check_ways_back(struct checker *checker)
{
    const struct building *building = checker->building;
    bool unmatched = false;
    for (size_t i = 0; i < building->draft_count; ++i) {
        const struct route_draft *draft = &building->drafts[i];
        if (draft->route_count == 0)
            continue;
        const struct route *route = &building->routes[draft->first_route]; /* all of a preset have the same host */
        unmatched = unmatched || has_host_of(building, building->config.gateway.unmatched_url, route);
        if (has_host_of(building, draft->legacy_url.text, route))
            checker_warning(checker, &draft->legacy_url.place, "legacy_url: its host is the route's own", LEADS_BACK);
    }
    if (unmatched)
        checker_warning(checker, &building->unmatched_place, "legacy.unmatched_url: its host is that of a route",
                        LEADS_BACK);
}

/* Whoever is taken back signs in at one address and not at another, if only some routes of a source lead there. */
static void check_legacy_urls(struct checker *checker)
{
    const struct building *building = checker->building;
    if (building->route_count > CONFIG_ROUTES_MAX)
        return; /* refused anyway, and to compare each with all others would take minutes */
    for (size_t i = 0; i < building->route_count; ++i) {
        const struct route *route = &building->routes[i];
        size_t other = 0;
        while (other < building->route_count && (building->routes[other].legacy_url.size == 0 ||
                                                 !text_equal(building->routes[other].source, route->source)))
            ++other;
        if (route->legacy_url.size == 0 && other < building->route_count)
            faults_add(checker->faults, FAULT_WARNING, checker->file, route->line, 0, 0,
                       "%.*s has no legacy_url, and the route at line %u of the same source has one: by this route, "
                       "customers in state legacy get 503",
                       TEXT_ARGS(route->name), building->routes[other].line);
    }
}

/* If the operator says under which names the world reaches the gateway, a route's host that is none of them is probably
 * a typing mistake. */
static void check_route_hosts(struct checker *checker)
{
    const struct building *building = checker->building;
    for (size_t i = 0; i < building->draft_count; ++i) {
        const struct route_draft *draft = &building->drafts[i];
        if (draft->route_count > 0) /* all routes of a preset have the same host */
            check_route_host(checker, draft, &building->routes[draft->first_route]);
    }
}

void checker_check_keys(struct checker *checker)
{
    if (checker->building->own_hosts.count > 0)
        check_route_hosts(checker);
    else
        check_ways_back(checker);
    check_addresses(checker);
    check_origins(checker);
    check_onward_sources(checker);
    check_unmatched_url(checker);
    check_legacy_urls(checker);
    check_redirects(checker);
    check_limits(checker);
    check_health_path(checker);
}
