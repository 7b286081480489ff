#include "ssoferry/connection_json.h"

static void add_fields(json_t *object, const struct connection *row)
{
    json_object_set_new(object, "state", json_string(connection_state_name(row->state)));
    json_object_set_new(object, "connection_id", json_text_or_null(row->connection_id));
    json_object_set_new(object, "acs_url", json_text_or_null(row->acs_url));
    json_object_set_new(object, "redirect", json_text_or_null(text_of(redirect_kind_name(row->redirect))));
    json_object_set_new(object, "legacy_url", json_text_or_null(row->legacy_url));
    json_object_set_new(object, "organization_id", json_text_or_null(row->organization_id));
    json_object_set_new(object, "label", json_text_or_null(row->label));
}

json_t *json_row(struct text source, struct text identifier, const struct connection *row)
{
    json_t *object = json_object();
    json_object_set_new(object, "source", json_text(source));
    json_object_set_new(object, "identifier", json_text(identifier));
    add_fields(object, row);
    return object;
}

json_t *json_fields(const struct connection *row)
{
    if (row == NULL)
        return json_null();
    json_t *object = json_object();
    add_fields(object, row);
    return object;
}

json_t *json_states(const uint64_t counts[CONNECTION_STATES])
{
    json_t *object = json_object();
    for (int i = 0; i < CONNECTION_STATES; ++i)
        json_object_set_new(object, connection_state_name((enum connection_state)i), json_number(counts[i]));
    return object;
}

json_t *json_change(uint64_t revision, struct change_counts counts, uint64_t rows)
{
    json_t *object = json_object();
    json_object_set_new(object, "revision", json_number(revision));
    json_object_set_new(object, "added", json_number(counts.added));
    json_object_set_new(object, "changed", json_number(counts.changed));
    json_object_set_new(object, "removed", json_number(counts.removed));
    json_object_set_new(object, "rows", json_number(rows));
    return object;
}

json_t *json_revision(const struct revision *revision, const char *time_name)
{
    json_t *object = json_object();
    json_object_set_new(object, "revision", json_number(revision->number));
    json_object_set_new(object, time_name, json_time(revision->changed_at));
    json_object_set_new(object, "command", json_text(text_of(revision->command)));
    json_object_set_new(object, "actor", json_text(text_of(revision->actor)));
    json_object_set_new(object, "message", json_text_or_null(text_of(revision->message)));
    json_object_set_new(object, "added", json_number(revision->counts.added));
    json_object_set_new(object, "changed", json_number(revision->counts.changed));
    json_object_set_new(object, "removed", json_number(revision->counts.removed));
    return object;
}
