/* Turns the file's nodes into the configuration being built, and reports what is wrong with each. */
#include <inttypes.h>

#include "config_building.h"

static struct place place_of(const struct yaml_node *node)
{
    return (struct place){node->line, node->column, node->length};
}

/* Formats a quantity as it would be written, in the largest unit that divides it. */
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

/* Sets the key, and returns what is wrong with the value. Much of the configuration is C strings, which a NUL would end
 * before the value does. */
static const char *set_key(struct building *building, const struct config_key *key, const struct yaml_node *node)
{
    const struct place place = place_of(node);
    const char *problem = key->set(building, node->value, &place, key);
    const bool cut = text_find(node->value, '\0', 0) < node->value.size;
    return problem == NULL && cut ? "has a NUL after it" : problem;
}

/* Reads the key's value or, for a list, one item. */
static void read_scalar(struct building *building, struct yaml *yaml, const struct config_key *key,
                        const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR) {
        yaml_fault(yaml, node, "%s takes a %s, not a %s", key->name, key->type,
                   node->kind == YAML_MAPPING ? "mapping" : "list");
        yaml_skip(yaml, node);
        return;
    }
    const char *problem = set_key(building, key, node);
    if (node->refused && key->scope != KEY_OF_CONFIG)
        building->mistyped[key->scope] = true;
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

/* What follows the dot in the first key called PREFIX.something, so that PREFIX is a section; "" if there is none. */
static struct text first_of_section(struct text prefix)
{
    for (size_t i = 0; i < config_key_count; ++i) {
        struct text name = text_of(config_keys[i].name);
        if (config_keys[i].scope == KEY_OF_CONFIG && text_starts(name, prefix) && name.size > prefix.size &&
            name.at[prefix.size] == '.')
            return text_from(name, prefix.size + 1);
    }
    return TEXT("");
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
        yaml_fault(yaml, &node, "%.*s takes a mapping of keys, as in {%.*s: ...}", TEXT_ARGS(name),
                   TEXT_ARGS(first_of_section(name)));
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
    struct place place = place_of(node);
    building_add_draft(building, &place);
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

/* Index of the list called `name` in `scope`, or config_list_count. */
static size_t find_list(enum key_scope scope, struct text name)
{
    size_t i = 0;
    while (i < config_list_count &&
           (config_lists[i].parent != scope || !text_equal(name, text_of(config_lists[i].name))))
        ++i;
    return i;
}

/* Reports what stands in place of a list of mappings, or of an item in one. Routes are then not reported as missing. */
static void refuse_items(struct building *building, struct yaml *yaml, size_t list, const struct yaml_node *node,
                         const char *before, const char *after)
{
    if (node->kind != YAML_END)
        yaml_fault(yaml, node, "%s%s %s, as in \"%s\"", before, config_lists[list].name, after,
                   config_lists[list].example);
    if (config_lists[list].scope == KEY_OF_ROUTE)
        building->mistyped[KEY_OF_CONFIG] = true;
    yaml_skip(yaml, node);
}

static void read_items(struct building *building, struct yaml *yaml, size_t list)
{
    const enum key_scope scope = config_lists[list].scope;
    struct yaml_node node;
    yaml_next(yaml, &node);
    if (node.kind != YAML_SEQUENCE) {
        refuse_items(building, yaml, list, &node, "", "takes a list of mappings");
        return;
    }
    for (yaml_next(yaml, &node); node.kind != YAML_CLOSE && node.kind != YAML_END; yaml_next(yaml, &node)) {
        if (node.kind != YAML_MAPPING) {
            refuse_items(building, yaml, list, &node, "an item of ", "is a mapping");
            continue;
        }
        begin_item(building, scope, &node);
        read_mapping(building, yaml, scope, TEXT(""));
        end_item(building, yaml, scope, &node);
    }
}

/* Whether this is the first key of a mapping file in place of the configuration. */
static bool begins_mapping(const struct building *building, enum key_scope scope, struct text name)
{
    return scope == KEY_OF_CONFIG && building->setting_count == 0 &&
           (text_equal(name, TEXT("version")) || text_equal(name, TEXT("connections")));
}

static void fault_unknown_key(struct building *building, struct yaml *yaml, enum key_scope scope, struct text name,
                              const struct yaml_node *node)
{
    const struct text meant = guess_key(scope, name);
    if (building->is_mapping)
        return;
    if (node->refused)
        building->mistyped[scope] = true;
    if (begins_mapping(building, scope, name)) {
        yaml_fault(yaml, node, "this is a mapping file, not the daemon's configuration: `ssoferry load` takes it");
        building->is_mapping = building->mistyped[KEY_OF_CONFIG] = true;
        return;
    }
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
    bool section = scope == KEY_OF_CONFIG && first_of_section(name).size > 0;
    const struct config_key *key = config_key_find(scope, name);
    struct yaml_node value;

    if (key == NULL && list == config_list_count && !section)
        fault_unknown_key(building, yaml, scope, name, node);
    else if (seen_before(building, seen, name))
        yaml_fault(yaml, node, "%.*s is here twice", TEXT_ARGS(name));
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

/* Reads keys and values up to the end of the mapping that was just opened. */
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

void building_read(struct building *building, struct yaml *yaml)
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
