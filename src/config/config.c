#include "ssoferry/config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "config_internal.h"
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
    struct text *items = memory.allocate(memory.context, (list->count + 1) * sizeof(*items));
    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof(*items));
    items[list->count++] = t;
    list->items = items;
}

struct route_draft *building_draft(struct building *building)
{
    return &building->drafts[building->draft_count - 1];
}

static struct building *building_new(void)
{
    struct building *building = memory_zeroed(1, sizeof(*building));
    building->arena = arena_new();
    building->stytch_hosts = allowed_hosts_new();
    building->legacy_hosts = allowed_hosts_new();
    allowed_hosts_add_stytch(building->stytch_hosts);

    const struct place nowhere = {0};
    for (size_t i = 0; i < config_key_count; ++i) {
        const struct config_key *key = &config_keys[i];
        if (key->scope != KEY_OF_CONFIG || key->fallback[0] == '\0')
            continue;
        if (key->set(building, text_of(key->fallback), &nowhere, key) != NULL)
            abort();
    }
    return building;
}

static void building_free(struct building *building)
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

/* Unless the operator says where Stytch sends browsers on to: any secure page, and a developer's own machine. */
static struct text onward_sources(struct building *building)
{
    struct text joined = TEXT("https: http://localhost:* http://127.0.0.1:*");
    for (size_t i = 0; i < building->onward_sources.count; ++i) {
        struct text source = building->onward_sources.items[i];
        struct memory memory = arena_memory(building->arena);
        size_t before = i == 0 ? 0 : joined.size + 1;
        char *grown = memory.allocate(memory.context, before + source.size);
        if (i > 0) {
            memcpy(grown, joined.at, joined.size);
            grown[joined.size] = ' ';
        }
        memcpy(grown + before, source.at, source.size);
        joined = text_slice(grown, before + source.size);
    }
    return joined;
}

/* Points the finished configuration at what was built for it. */
static struct config *building_finish(struct building *building)
{
    struct config *config = &building->config;
    config->listen = building->listen;
    config->listen_count = building->listen_count;
    config->trusted_proxies = building->trusted_proxies;
    config->trusted_proxy_count = building->trusted_proxy_count;
    config->onward_sources = onward_sources(building);
    config->rules.stytch = building->stytch_hosts;
    config->rules.legacy = building->legacy_hosts;
    config->rules.own_hosts = building->own_hosts.items;
    config->rules.own_host_count = building->own_hosts.count;
    config->rules.live_url = config->gateway.live_url;
    config->rules.test_url = config->gateway.test_url;
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

static struct place place_of(const struct yaml_node *node)
{
    return (struct place){node->line, node->column, node->length};
}

/* A quantity as it would be written, in the largest unit that divides it. */
static void format_quantity(const struct config_key *key, uint64_t value, char *out, size_t size)
{
    static const struct {
        const char *type, *unit;
        uint64_t factor;
    } units[] = {
        {"duration", "h", 3600 * 1000}, {"duration", "m", 60 * 1000}, {"duration", "s", 1000}, {"duration", "ms", 1},
        {"size", "MiB", 1 << 20},       {"size", "KiB", 1024},        {"size", "B", 1},        {"number", "", 1},
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); ++i) {
        if (strcmp(units[i].type, key->type) != 0 ||
            (value % units[i].factor != 0 || (value == 0 && units[i].factor != 1)))
            continue;
        snprintf(out, size, "%" PRIu64 "%s", value / units[i].factor, units[i].unit);
        return;
    }
}

static void fault_value(struct yaml *yaml, const struct yaml_node *node, const struct config_key *key,
                        const char *problem)
{
    char least[32] = "";
    char most[32] = "";
    if (key->most == 0) {
        yaml_fault(yaml, node, "%s: \"%.*s\" %s", key->name, TEXT_ARGS(node->value), problem);
        return;
    }
    format_quantity(key, key->least, least, sizeof(least));
    format_quantity(key, key->most, most, sizeof(most));
    yaml_fault(yaml, node, "%s: \"%.*s\" %s from %s to %s", key->name, TEXT_ARGS(node->value), problem, least, most);
}

/* The key's value, or one item of it. */
static void read_scalar(struct building *building, struct yaml *yaml, const struct config_key *key,
                        const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR) {
        yaml_fault(yaml, node, "%s takes a %s, not a %s", key->name, key->type,
                   node->kind == YAML_MAPPING ? "mapping" : "list");
        yaml_skip(yaml, node);
        return;
    }
    struct place place = place_of(node);
    const char *problem = key->set(building, node->value, &place, key);
    if (problem != NULL)
        fault_value(yaml, node, key, problem);
    building_note(building, key, node->value);
}

static void read_value(struct building *building, struct yaml *yaml, const struct config_key *key)
{
    struct yaml_node node;
    yaml_next(yaml, &node);
    const bool list = key->flags & KEY_LIST;
    if (!list || node.kind != YAML_SEQUENCE) {
        if (list && node.kind != YAML_END)
            yaml_fault(yaml, &node, "%s takes a list, as in [a, b]", key->name);
        if (list)
            yaml_skip(yaml, &node);
        else if (node.kind != YAML_END)
            read_scalar(building, yaml, key, &node);
        return;
    }
    for (yaml_next(yaml, &node); node.kind != YAML_CLOSE && node.kind != YAML_END; yaml_next(yaml, &node))
        read_scalar(building, yaml, key, &node);
}

/* Whether keys called PREFIX.something exist, so that PREFIX is a section. */
static bool is_section(struct text prefix)
{
    for (size_t i = 0; i < config_key_count; ++i) {
        struct text name = text_of(config_keys[i].name);
        if (config_keys[i].scope == KEY_OF_CONFIG && text_starts(name, prefix) && name.size > prefix.size &&
            name.at[prefix.size] == '.')
            return true;
    }
    return false;
}

static bool seen_before(struct building *building, struct text_list *seen, struct text name)
{
    for (size_t i = 0; i < seen->count; ++i) {
        if (text_equal(seen->items[i], name))
            return true;
    }
    building_append(building, seen, name);
    return false;
}

static void read_mapping(struct building *building, struct yaml *yaml, enum key_scope scope, struct text section);

static void read_section(struct building *building, struct yaml *yaml, struct text name)
{
    struct yaml_node node;
    yaml_next(yaml, &node);
    if (node.kind == YAML_MAPPING) {
        read_mapping(building, yaml, KEY_OF_CONFIG, name);
    } else if (node.kind != YAML_END) {
        yaml_fault(yaml, &node, "%.*s takes a mapping of keys", TEXT_ARGS(name));
        yaml_skip(yaml, &node);
    }
}

static void begin_item(struct building *building, enum key_scope scope, const struct yaml_node *node)
{
    building->mistyped[scope] = false;
    if (scope == KEY_OF_LISTEN) {
        building_add_listener(building);
        return;
    }
    if (scope == KEY_OF_CERTIFICATE) {
        building_add_certificate(building);
        return;
    }
    building->drafts = memory_resize(building->drafts, (building->draft_count + 1) * sizeof(*building->drafts));
    building->drafts[building->draft_count++] =
        (struct route_draft){.source = TEXT("default"), .relay_state_key.text = TEXT("idp"), .place = place_of(node)};
}

static void end_item(struct building *building, struct yaml *yaml, enum key_scope scope, const struct yaml_node *node)
{
    if (scope == KEY_OF_LISTEN)
        building_end_listener(building, yaml, node);
    else if (scope == KEY_OF_CERTIFICATE)
        building_end_certificate(building, yaml, node, scope);
    else
        building->drafts[building->draft_count - 1].mistyped = building->mistyped[scope];
}

/* The lists of mappings: how each is called, in what, and what an item may look like. */
const struct config_list config_lists[] = {
    {KEY_OF_LISTEN, KEY_OF_CONFIG, "listen", "- address: 127.0.0.1:8080"},
    {KEY_OF_CERTIFICATE, KEY_OF_LISTEN, "certificates",
     "- {certificate: /etc/ssl/example.pem, key: /etc/ssl/example.key}"},
    {KEY_OF_ROUTE, KEY_OF_CONFIG, "routes", "- match: /old-sso/{identifier}"},
};
const size_t config_list_count = sizeof(config_lists) / sizeof(config_lists[0]);

/* The list that is called `name` in `scope`, or config_list_count. */
static size_t find_list(enum key_scope scope, struct text name)
{
    size_t i = 0;
    while (i < config_list_count &&
           (config_lists[i].parent != scope || !text_equal(name, text_of(config_lists[i].name))))
        ++i;
    return i;
}

static void read_items(struct building *building, struct yaml *yaml, size_t list)
{
    const enum key_scope scope = config_lists[list].scope;
    const char *name = config_lists[list].name;
    const char *example = config_lists[list].example;
    struct yaml_node node;
    yaml_next(yaml, &node);
    if (node.kind != YAML_SEQUENCE) {
        if (node.kind != YAML_END)
            yaml_fault(yaml, &node, "%s takes a list of mappings, as in \"%s\"", name, example);
        yaml_skip(yaml, &node);
        return;
    }
    for (yaml_next(yaml, &node); node.kind != YAML_CLOSE && node.kind != YAML_END; yaml_next(yaml, &node)) {
        if (node.kind != YAML_MAPPING) {
            yaml_fault(yaml, &node, "an item of %s is a mapping, as in \"%s\"", name, example);
            yaml_skip(yaml, &node);
            continue;
        }
        begin_item(building, scope, &node);
        read_mapping(building, yaml, scope, TEXT(""));
        end_item(building, yaml, scope, &node);
    }
}

static void fault_unknown_key(struct building *building, struct yaml *yaml, enum key_scope scope, struct text name,
                              const struct yaml_node *node)
{
    const struct text meant = guess_key(scope, name);
    if (meant.size == 0) {
        yaml_fault(yaml, node, "unknown key \"%.*s\"", TEXT_ARGS(name));
        return;
    }
    yaml_fault(yaml, node, "unknown key \"%.*s\"; did you mean %.*s?", TEXT_ARGS(name), TEXT_ARGS(meant));
    if (scope != KEY_OF_CONFIG || text_equal(meant, TEXT("routes")))
        building->mistyped[scope] = true;
}

static void read_entry(struct building *building, struct yaml *yaml, enum key_scope scope, struct text name,
                       const struct yaml_node *node, struct text_list *seen)
{
    size_t list = find_list(scope, name);
    bool section = scope == KEY_OF_CONFIG && is_section(name);
    const struct config_key *key = config_key_find(scope, name);
    struct yaml_node value;

    if (key == NULL && list == config_list_count && !section)
        fault_unknown_key(building, yaml, scope, name, node);
    else if (seen_before(building, seen, name))
        yaml_fault(yaml, node, "%.*s stands here twice", TEXT_ARGS(name));
    else {
        if (list < config_list_count && config_lists[list].scope == KEY_OF_ROUTE)
            building->routes_place = place_of(node);
        if (key != NULL)
            read_value(building, yaml, key);
        else if (section)
            read_section(building, yaml, name);
        else
            read_items(building, yaml, list);
        return;
    }
    yaml_next(yaml, &value);
    yaml_skip(yaml, &value);
}

/* Keys and values up to the end of the mapping that has just begun. */
static void read_mapping(struct building *building, struct yaml *yaml, enum key_scope scope, struct text section)
{
    struct text_list seen = {0};
    struct yaml_node node;
    for (yaml_next(yaml, &node); node.kind != YAML_CLOSE && node.kind != YAML_END; yaml_next(yaml, &node)) {
        if (node.kind != YAML_SCALAR) {
            struct yaml_node value;
            yaml_fault(yaml, &node, "a key is a plain word");
            yaml_skip(yaml, &node);
            yaml_next(yaml, &value);
            yaml_skip(yaml, &value);
            continue;
        }
        char full[256];
        int size = snprintf(full, sizeof(full), "%.*s%s%.*s", TEXT_ARGS(section), section.size > 0 ? "." : "",
                            TEXT_ARGS(node.value));
        size_t used = size < (int)sizeof(full) ? (size_t)size : sizeof(full) - 1;
        struct text name = building_copy(building, text_slice(full, used));
        read_entry(building, yaml, scope, name, &node, &seen);
    }
}

static void read_document(struct building *building, struct yaml *yaml)
{
    struct yaml_node node;
    yaml_next(yaml, &node);
    if (node.kind == YAML_END)
        return;
    if (node.kind != YAML_MAPPING) {
        yaml_fault(yaml, &node,
                   "a configuration is a mapping of keys, as in \"store: /var/lib/ssoferry/connections.mdb\"");
        yaml_skip(yaml, &node);
        return;
    }
    read_mapping(building, yaml, KEY_OF_CONFIG, TEXT(""));
}

static void add_default_listener(struct building *building)
{
    const struct config_key *key = config_key_find(KEY_OF_LISTEN, TEXT("address"));
    const struct place nowhere = {0};
    if (building->listen_count > 0)
        return;
    building_add_listener(building);
    building->listen->certificate_count = 0;
    if (key->set(building, text_of(key->fallback), &nowhere, key) != NULL)
        abort();
    building_note(building, key, text_of(key->fallback));
}

bool config_read(struct config **config, const char *path, struct faults *faults, struct error *error)
{
    *config = NULL;
    struct yaml *yaml = NULL;
    if (!yaml_open(&yaml, path, faults, error))
        return false;
    struct building *building = building_new();
    size_t before = faults_errors(faults);
    read_document(building, yaml);
    struct yaml_node end;
    do
        yaml_next(yaml, &end);
    while (end.kind != YAML_END);
    add_default_listener(building);
    if (!yaml_broken(yaml)) {
        struct checker checker = {building, faults, yaml_file(yaml)};
        checker_build_routes(&checker);
        checker_check_keys(&checker);
    }
    yaml_close(yaml);

    size_t found = faults_errors(faults) - before;
    if (found > 0) {
        building_free(building);
        return error_set(error, ERROR_INPUT, "%s: %zu error%s; see ssoferryd.yaml(5)", path, found,
                         found == 1 ? "" : "s");
    }
    *config = building_finish(building);
    return true;
}

struct config *config_defaults(void)
{
    struct building *building = building_new();
    building->config.store = NULL;
    return building_finish(building);
}

bool config_is_health(const struct config *config, const struct request *request)
{
    return text_equal(request->path, text_of(config->health_path)) &&
           (request->method == METHOD_GET || request->method == METHOD_HEAD);
}

void config_free(struct config *config)
{
    if (config != NULL)
        building_free((struct building *)(void *)config);
}

void config_write_keys(FILE *out)
{
    for (size_t i = 0; i < config_key_count; ++i) {
        const struct config_key *key = &config_keys[i];
        fprintf(out, "%s\t%s\t%s\t%s\t%s\n", key->name, key->type, key->fallback, key->help,
                key->flags & KEY_RESTART ? "restart" : "reload");
    }
}
