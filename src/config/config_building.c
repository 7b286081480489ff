/* The memory and the growing parts of a configuration being built. */
#include <stdlib.h>

#include "config_building.h"
#include "ssoferry/memory.h"

struct text building_copy(struct building *building, struct text t)
{
    struct memory memory = arena_memory(building->arena);
    char *copy = memory.allocate(memory.context, t.size + 1);
    if (t.size > 0)
        memcpy(copy, t.at, t.size);
    copy[t.size] = '\0';
    return text_slice(copy, t.size);
}

void building_append(struct building *building, struct text_list *list, struct text t)
{
    struct memory memory = arena_memory(building->arena);
    const bool full = (list->count & (list->count - 1)) == 0; /* its room is the next power of two */
    if (full) {
        const size_t room = list->count == 0 ? 1 : 2 * list->count;
        struct text *items = memory.allocate(memory.context, room * sizeof(*items));
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
    }
    list->items[list->count++] = t;
}

struct building *building_new(void)
{
    struct building *building = memory_zeroed(1, sizeof(*building));
    building->arena = arena_new();
    building->stytch_hosts = allowed_hosts_new();
    building->legacy_hosts = allowed_hosts_new();
    allowed_hosts_add_stytch(building->stytch_hosts);
    return building;
}

void building_free(struct building *building)
{
    for (size_t i = 0; i < building->route_count; ++i)
        template_free(building->routes[i].template);
    free(building->routes);
    free(building->drafts);
    free(building->settings);
    building_free_listeners(building);
    free(building->trusted_proxies);
    allowed_hosts_free(building->stytch_hosts);
    allowed_hosts_free(building->legacy_hosts);
    arena_free(building->arena);
    free(building);
}

/* Whether one of the CSP sources covers every https page. */
static bool is_any_page(const struct text_list *sources)
{
    for (size_t i = 0; i < sources->count; ++i) {
        if (text_equal_fold(sources->items[i], TEXT("https:")) || text_equal(sources->items[i], TEXT("*")))
            return true;
    }
    return false;
}

/* In a list of hosts, one without a port stands for every port; in a policy it would stand for the default alone. */
static struct text port_of_source(struct text host)
{
    return url_host_alone(host).size == host.size ? TEXT(":*") : TEXT("");
}

struct text building_onward_sources(struct building *building)
{
    const struct text_list *sources = &building->onward_sources, *own = &building->own_hosts;
    if (sources->count == 0)
        return TEXT("https: http://localhost:* http://127.0.0.1:*");
    const size_t own_count = is_any_page(sources) ? 0 : own->count;
    struct text *parts = memory_allocate((2 * sources->count + 3 * own_count) * sizeof(*parts));
    size_t count = 0;
    for (size_t i = 0; i < sources->count; ++i) {
        parts[count++] = i > 0 ? TEXT(" ") : TEXT("");
        parts[count++] = sources->items[i];
    }
    for (size_t i = 0; i < own_count; ++i) {
        parts[count++] = TEXT(" https://");
        parts[count++] = own->items[i];
        parts[count++] = port_of_source(own->items[i]);
    }
    const struct text joined = text_join(parts, count, arena_memory(building->arena));
    free(parts);
    return joined;
}

static struct text host_of(struct text origin)
{
    struct url url;
    const char *why = NULL;
    return url_parse(origin, &url, &why) ? url.host : (struct text){0};
}

struct config *building_finish(struct building *building)
{
    struct config *config = &building->config;
    config->listen = building->listen;
    config->listen_count = building->listen_count;
    config->trusted_proxies = building->trusted_proxies;
    config->trusted_proxy_count = building->trusted_proxy_count;
    config->onward_sources = building_onward_sources(building);
    config->rules.stytch = building->stytch_hosts;
    config->rules.legacy = building->legacy_hosts;
    config->rules.own_hosts = building->own_hosts.items;
    config->rules.own_host_count = building->own_hosts.count;
    config->rules.live_host = host_of(config->gateway.live_url);
    config->rules.test_host = host_of(config->gateway.test_url);
    config->gateway.stytch_hosts = building->stytch_hosts;
    config->gateway.legacy_hosts = building->legacy_hosts;
    config->gateway.own_hosts = building->own_hosts.items;
    config->gateway.own_host_count = building->own_hosts.count;
    config->gateway.routes = building->routes;
    config->gateway.route_count = building->route_count;
    config->gateway.body_limit = (size_t)config->limits.body;
    config->gateway.uri_limit = (size_t)config->limits.uri;
    return config;
}

void building_add_draft(struct building *building, const struct place *place)
{
    building->drafts = memory_resize(building->drafts, (building->draft_count + 1) * sizeof(*building->drafts));
    building->drafts[building->draft_count++] =
        (struct route_draft){.source = TEXT("default"), .relay_state_key.text = TEXT("idp"), .place = *place};
}

struct route_draft *building_draft(struct building *building)
{
    return &building->drafts[building->draft_count - 1];
}
