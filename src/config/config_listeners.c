/* Listeners and their certificates while they are being read. */
#include <stdlib.h>

#include "config_building.h"
#include "ssoferry/memory.h"

/* The configuration only shows them as const. */
static struct certificate_files *certificates_of(const struct listener *listener)
{
    return (struct certificate_files *)(uintptr_t)listener->certificates;
}

struct listener *building_listener(struct building *building)
{
    return &building->listen[building->listen_count - 1];
}

void building_add_listener(struct building *building)
{
    building->listen = memory_resize(building->listen, (building->listen_count + 1) * sizeof(*building->listen));
    building->listen[building->listen_count++] =
        (struct listener){.certificates = memory_zeroed(1, sizeof(struct certificate_files)), .certificate_count = 1};
}

void building_add_certificate(struct building *building)
{
    struct listener *listener = building_listener(building);
    struct certificate_files *files =
        memory_resize(certificates_of(listener), (listener->certificate_count + 1) * sizeof(*files));
    files[listener->certificate_count++] = (struct certificate_files){0};
    listener->certificates = files;
}

struct certificate_files *building_certificate(struct building *building, enum key_scope scope)
{
    struct listener *listener = building_listener(building);
    return certificates_of(listener) + (scope == KEY_OF_LISTEN ? 0 : listener->certificate_count - 1);
}

/* Ends a certificate that was just read: its file is required, and may contain the key. */
void building_end_certificate(struct building *building, struct yaml *yaml, const struct yaml_node *node,
                              enum key_scope scope)
{
    struct certificate_files *files = building_certificate(building, scope);
    if (files->certificate.path == NULL && !building->mistyped[scope])
        yaml_fault(yaml, node, "a key needs a certificate beside it");
    else if (files->key.path == NULL)
        files->key = files->certificate;
}

void building_end_listener(struct building *building, struct yaml *yaml, const struct yaml_node *node)
{
    struct listener *listener = building_listener(building);
    struct certificate_files *own = building_certificate(building, KEY_OF_LISTEN);
    if (listener->address.text == NULL && !building->mistyped[KEY_OF_LISTEN])
        yaml_fault(yaml, node, "a listener needs an address");
    if (own->certificate.path != NULL || own->key.path != NULL)
        building_end_certificate(building, yaml, node, KEY_OF_LISTEN);
    else
        memmove(own, own + 1, --listener->certificate_count * sizeof(*own));
}

void building_free_listeners(struct building *building)
{
    for (size_t i = 0; i < building->listen_count; ++i)
        free(certificates_of(&building->listen[i]));
    free(building->listen);
}
