/* What each key of a configuration was set to, and how two configurations differ. */
#include "config_building.h"
#include "ssoferry/memory.h"

/* The name of "routes[].match" in the item being read: "routes[2].match". */
static struct text full_name(struct building *building, const struct config_key *key)
{
    char name[128] = "";
    size_t listener = building->listen_count - 1;
    if (key->scope == KEY_OF_CONFIG)
        return text_of(key->name);
    const char *last = strrchr(key->name, '.') + 1; /* an item's key has a dot */
    switch (key->scope) {
    case KEY_OF_CONFIG:
        break;
    case KEY_OF_LISTEN:
        snprintf(name, sizeof(name), "listen[%zu].%s", listener, last);
        break;
    case KEY_OF_CERTIFICATE:
        snprintf(name, sizeof(name), "listen[%zu].certificates[%zu].%s", listener,
                 building->listen[listener].certificate_count - 2, last);
        break;
    case KEY_OF_ROUTE:
        snprintf(name, sizeof(name), "routes[%zu].%s", building->draft_count - 1, last);
        break;
    }
    return building_copy(building, text_of(name));
}

/* A list has thousands of items at times, so its text gets room for as much again. */
static void add_item(struct building *building, struct setting *setting, struct text item)
{
    const size_t size = setting->value.size + 2 + item.size;
    if (size > setting->room) {
        struct memory memory = arena_memory(building->arena);
        char *grown = memory.allocate(memory.context, 2 * size);
        memcpy(grown, setting->value.at, setting->value.size);
        setting->value.at = grown;
        setting->room = 2 * size;
    }
    char *end = (char *)setting->value.at + setting->value.size;
    memcpy(end, ", ", 2);
    if (item.size > 0)
        memcpy(end + 2, item.at, item.size);
    setting->value.size = size;
}

void building_note(struct building *building, const struct config_key *key, struct text value)
{
    struct text name = full_name(building, key);
    struct setting *last = building->setting_count == 0 ? NULL : &building->settings[building->setting_count - 1];
    if (last != NULL && text_equal(last->name, name)) {
        add_item(building, last, value);
        return;
    }
    building->settings = memory_resize(building->settings, (building->setting_count + 1) * sizeof(*building->settings));
    building->settings[building->setting_count++] =
        (struct setting){key, name, building_copy(building, value), 0, building->listen_count - 1};
}

static const struct setting *find(const struct building *building, struct text name)
{
    for (size_t i = 0; i < building->setting_count; ++i) {
        if (text_equal(building->settings[i].name, name))
            return &building->settings[i];
    }
    return NULL;
}

/* Whether the item exists that `name` belongs to: "routes[1]." for "routes[1].match". Each item has a required key. */
static bool has_item(const struct building *building, struct text name)
{
    size_t size = name.size;
    while (size > 0 && name.at[size - 1] != '.')
        --size;
    for (size_t i = 0; i < building->setting_count; ++i) {
        if (text_starts(building->settings[i].name, text_slice(name.at, size)))
            return true;
    }
    return false;
}

static struct text value_of(const struct building *building, const struct setting *setting)
{
    const struct setting *found = find(building, setting->name);
    if (found != NULL)
        return found->value;
    bool there = setting->key->scope == KEY_OF_CONFIG || has_item(building, setting->name);
    return there ? text_of(setting->key->fallback) : TEXT("");
}

static const struct building *building_of(const struct config *config)
{
    return (const struct building *)(const void *)config;
}

/* -- what is in force -- */

static bool is_of_listener(const struct setting *setting)
{
    return setting->key->scope == KEY_OF_LISTEN || setting->key->scope == KEY_OF_CERTIFICATE;
}

static bool listens_on(const struct building *building, const char *address)
{
    for (size_t i = 0; i < building->listen_count; ++i) {
        if (strcmp(building->listen[i].address.text, address) == 0)
            return true;
    }
    return false;
}

struct reload {
    const struct building *started, *before, *after;
};

/* Whether a change of the key takes a restart. A key that a reload could change waits with its listener if that is
 * added or removed. Listeners are told apart by address. */
static bool waits(const struct reload *reload, const struct setting *setting)
{
    const struct building *after = reload->after;
    if ((setting->key->flags & KEY_RESTART) != 0)
        return true;
    return is_of_listener(setting) && (setting->listener >= after->listen_count ||
                                       !listens_on(reload->started, after->listen[setting->listener].address.text));
}

/* The configuration to compare a key of `after` with. */
static const struct building *in_force(const struct reload *reload, const struct setting *setting)
{
    if (waits(reload, setting))
        return reload->started;
    const bool left_alone =
        is_of_listener(setting) && !listens_on(reload->before, reload->after->listen[setting->listener].address.text);
    return left_alone ? reload->started : reload->before;
}

/* -- reporting -- */

struct listening {
    void (*on_difference)(void *context, struct text name, struct text before, struct text after, bool needs_restart);
    void *context;
};

/* Reports what `old` sets and `after` leaves out: either the keys that take a restart, or the others. */
static void tell_left_out(const struct reload *reload, const struct building *old, bool restart,
                          const struct listening *listening)
{
    for (size_t i = 0; i < old->setting_count; ++i) {
        const struct setting *setting = &old->settings[i];
        if (restart != waits(reload, setting) || find(reload->after, setting->name) != NULL)
            continue;
        struct text now = value_of(reload->after, setting);
        if (!text_equal(setting->value, now))
            listening->on_difference(listening->context, setting->name, setting->value, now, restart);
    }
}

void config_differences(const struct config *started, const struct config *before, const struct config *after,
                        void (*on_difference)(void *context, struct text name, struct text before, struct text after,
                                              bool needs_restart),
                        void *context)
{
    const struct reload reload = {building_of(started), building_of(before), building_of(after)};
    const struct listening listening = {on_difference, context};
    for (size_t i = 0; i < reload.after->setting_count; ++i) {
        const struct setting *setting = &reload.after->settings[i];
        struct text was = value_of(in_force(&reload, setting), setting);
        if (!text_equal(was, setting->value))
            on_difference(context, setting->name, was, setting->value, waits(&reload, setting));
    }
    tell_left_out(&reload, reload.before, false, &listening);
    tell_left_out(&reload, reload.started, true, &listening);
}
