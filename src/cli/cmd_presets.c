/* presets: lists the legacy systems that a route can name. */
#include "command.h"
#include "output.h"
#include "ssoferry/json_value.h"
#include "ssoferry/presets.h"

static const char *const identify_words[] = {
    [IDENTIFY_BY_TEMPLATE] = "template", [IDENTIFY_BY_RELAY_STATE] = "relay_state", [IDENTIFY_BY_ISSUER] = "issuer"};

static size_t route_count(const struct preset *preset)
{
    size_t count = 0;
    while (count < PRESET_ROUTES_MAX && preset->routes[count].match != NULL)
        ++count;
    return count;
}

static void print_json(const struct preset *preset)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(preset->name));
    json_object_set_new(object, "stack", json_string(preset->stack));
    json_t *routes = json_array();
    for (size_t i = 0; i < route_count(preset); ++i) {
        json_t *route = json_object();
        json_object_set_new(route, "match", json_string(preset->routes[i].match));
        json_object_set_new(route, "identify_by", json_string(identify_words[preset->routes[i].identify_by]));
        json_array_append_new(routes, route);
    }
    json_object_set_new(object, "routes", routes);
    json_object_set_new(object, "fold_case", json_boolean(preset->fold_case));
    json_object_set_new(object, "fold_path", json_boolean(preset->fold_path));
    json_object_set_new(object, "note", json_text_or_null(text_of(preset->note)));
    output_json(object);
}

static void add_rows(struct grid *grid, const struct preset *preset)
{
    for (size_t i = 0; i < route_count(preset); ++i) {
        const struct text cells[] = {
            i == 0 ? text_of(preset->name) : (struct text){0}, text_of(identify_words[preset->routes[i].identify_by]),
            text_of(preset->routes[i].match), i == 0 ? text_of(preset->stack) : (struct text){0}};
        grid_row(grid, cells);
    }
}

int cmd_presets(struct context *context, const struct arguments *arguments)
{
    (void)context;
    static const char *const headings[] = {"PRESET", "IDENTIFIER IN", "MATCHES", "STACK"};
    size_t count;
    const struct preset *all = presets(&count);
    struct grid grid;
    grid_start(&grid, sizeof(headings) / sizeof(headings[0]), headings);
    for (size_t i = 0; i < count; ++i) {
        if (arguments->json)
            print_json(&all[i]);
        else
            add_rows(&grid, &all[i]);
    }
    if (arguments->json)
        return STATUS_DONE;
    grid_measured(&grid);
    for (size_t i = 0; i < count; ++i)
        add_rows(&grid, &all[i]);
    return STATUS_DONE;
}
