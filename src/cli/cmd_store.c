/* stat and backup: work on the store as a whole. */
#include <sys/stat.h>

#include "context.h"
#include "output.h"
#include "ssoferry/json_value.h"

static void print_stat(const struct context *context, const struct table_stat *stat)
{
    char a[NUMBER_SIZE], b[NUMBER_SIZE], time[TIME_SIZE];
    printf("store            %s\n", context->store);
    printf("revision         %llu%s\n", (unsigned long long)stat->state.revision,
           stat->state.revision == 0 ? " (never loaded)" : "");
    printf("changed          %s\n", time_text(stat->state.changed_at, time));
    printf("rows             %s\n", number_grouped(table_state_total(&stat->state), a));
    for (int state = 0; state < CONNECTION_STATES; ++state)
        printf("  %-15s%s\n", connection_state_name((enum connection_state)state),
               number_grouped(stat->state.rows[state], a));
    printf("file             %s, %s of it in use\n", number_bytes(stat->file_size, a),
           number_bytes(stat->used_size, b));
    printf("undo             %s\n", number_bytes(stat->undo_size, a));
    printf("map              %s\n", number_bytes(stat->map_size, a));
    printf("readers          %u of %u\n", stat->readers, stat->readers_max);
    printf("tree depth       %u, pages of %s\n", stat->depth, number_bytes(stat->page_size, a));
    printf("schema           %u\n", stat->schema_version);
}

static void add_number(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_number(value));
}

static void print_stat_json(const struct context *context, const struct table_stat *stat)
{
    json_t *object = json_object();
    json_object_set_new(object, "store", json_text(text_of(context->store)));
    add_number(object, "revision", stat->state.revision);
    json_object_set_new(object, "changed_at", json_time(stat->state.changed_at));
    add_number(object, "rows", table_state_total(&stat->state));
    for (int state = 0; state < CONNECTION_STATES; ++state)
        add_number(object, connection_state_name((enum connection_state)state), stat->state.rows[state]);
    add_number(object, "file_bytes", stat->file_size);
    add_number(object, "used_bytes", stat->used_size);
    add_number(object, "undo_bytes", stat->undo_size);
    add_number(object, "map_bytes", stat->map_size);
    add_number(object, "readers", stat->readers);
    add_number(object, "readers_max", stat->readers_max);
    add_number(object, "tree_depth", stat->depth);
    add_number(object, "page_bytes", stat->page_size);
    add_number(object, "schema", stat->schema_version);
    output_json(object);
}

int cmd_stat(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct table_stat stat;
    if (!table_stat(context->table, &stat, &error))
        return complain(&error);
    if (arguments->json)
        print_stat_json(context, &stat);
    else
        print_stat(context, &stat);
    return STATUS_DONE;
}

int cmd_backup(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    const char *path = arguments->words[0];
    context_give_way(context);
    if (!context_may_write(context, path, &error) || !table_backup(context->table, path, &error))
        return complain(&error);

    struct stat facts;
    if (stat(path, &facts) == 0) {
        char size[NUMBER_SIZE];
        printf("%s: %s\n", path, number_bytes((uint64_t)facts.st_size, size));
    }
    return STATUS_DONE;
}
