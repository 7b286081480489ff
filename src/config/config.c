#include "ssoferry/config.h"

#include <stdlib.h>

#include "config_checker.h"

static void set_defaults(struct building *building)
{
    const struct place nowhere = {0};
    for (size_t i = 0; i < config_key_count; ++i) {
        const struct config_key *key = &config_keys[i];
        if (key->scope != KEY_OF_CONFIG || key->fallback[0] == '\0')
            continue;
        if (key->set(building, text_of(key->fallback), &nowhere, key) != NULL)
            abort();
    }
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

/* Reads and checks the whole file. What is wrong in it goes to `faults`; false if it cannot be read to its end. */
static bool read_file(struct building *building, struct yaml *yaml, struct faults *faults, struct error *error)
{
    struct yaml_node end;
    building_read(building, yaml);
    do
        yaml_next(yaml, &end);
    while (end.kind != YAML_END);
    add_default_listener(building);
    if (!yaml_broken(yaml)) {
        struct checker checker = {building, faults, yaml_file(yaml)};
        checker_build_routes(&checker);
        checker_check_keys(&checker);
    }
    return yaml_was_read(yaml, error);
}

bool config_read(struct config **config, const char *path, struct faults *faults, struct error *error)
{
    *config = NULL;
    struct yaml *yaml = NULL;
    if (!yaml_open(&yaml, path, faults, error))
        return false;
    struct building *building = building_new();
    set_defaults(building);
    const size_t before = faults_errors(faults);
    bool good = read_file(building, yaml, faults, error);
    yaml_close(yaml);
    const size_t found = faults_errors(faults) - before;
    if (good && found > 0)
        good =
            error_set(error, ERROR_INPUT, "%s: %zu error%s; see ssoferryd.yaml(5)", path, found, found == 1 ? "" : "s");
    if (good)
        *config = building_finish(building);
    else
        building_free(building);
    return good;
}

struct config *config_defaults(void)
{
    struct building *building = building_new();
    set_defaults(building);
    building->config.store = NULL;
    return building_finish(building);
}

bool config_is_health(const struct config *config, const struct request *request)
{
    return (request->method == METHOD_GET || request->method == METHOD_HEAD) &&
           text_equal(request->path, text_of(config->health_path));
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
