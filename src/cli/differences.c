#include "differences.h"

#include "output.h"
#include "ssoferry/connection_json.h"

/* What can be read of a record. */
struct side {
    bool there, readable;
    struct connection_buffer buffer;
};

static void read_side(struct side *side, struct text record)
{
    struct error ignored;
    side->there = record.size > 0;
    side->readable = side->there && connection_decode(record, &side->buffer, &ignored);
}

static void print_name(struct text source, struct text identifier)
{
    output_text(stdout, identifier);
    if (!text_equal(source, TEXT("default")))
        printf(" (source %.*s)", TEXT_ARGS(source));
}

/* Where a new row leads: its connection, or what stands in for one. */
static void print_target(const struct connection *row)
{
    printf(" -> ");
    if (row->state != CONNECTION_STYTCH)
        printf("%s", connection_state_name(row->state));
    else
        output_text(stdout, row->connection_id);
    if (row->redirect != REDIRECT_UNSET)
        printf(", redirect %s", redirect_kind_name(row->redirect));
}

static void print_value(struct text value)
{
    if (value.size == 0)
        printf("(none)");
    else
        output_text(stdout, value);
}

static void print_field(const char *name, struct text before, struct text after, bool *first)
{
    if (text_equal(before, after))
        return;
    printf("%s %s: ", *first ? "" : ",", name);
    *first = false;
    print_value(before);
    printf(" -> ");
    print_value(after);
}

static void print_changes(const struct connection *before, const struct connection *after)
{
    bool first = true;
    print_field("state", text_of(connection_state_name(before->state)), text_of(connection_state_name(after->state)),
                &first);
    print_field("connection_id", before->connection_id, after->connection_id, &first);
    print_field("acs_url", before->acs_url, after->acs_url, &first);
    print_field("redirect", text_of(redirect_kind_name(before->redirect)), text_of(redirect_kind_name(after->redirect)),
                &first);
    print_field("legacy_url", before->legacy_url, after->legacy_url, &first);
    print_field("organization_id", before->organization_id, after->organization_id, &first);
    print_field("label", before->label, after->label, &first);
}

static void print_text(const struct difference *difference, bool coloured)
{
    static const struct {
        char sign;
        const char *colour;
    } signs[] = {[DIFFERENCE_ADDED] = {'+', "\033[32m"},
                 [DIFFERENCE_CHANGED] = {'~', "\033[33m"},
                 [DIFFERENCE_REMOVED] = {'-', "\033[31m"}};

    struct side before, after;
    read_side(&before, difference->before);
    read_side(&after, difference->after);
    struct text source = {0}, identifier = {0};
    if (!connection_key_split(difference->key, &source, &identifier))
        identifier = difference->key;
    if (coloured)
        printf("%s", signs[difference->kind].colour);
    printf("%c ", signs[difference->kind].sign);
    print_name(source, identifier);
    if (difference->kind == DIFFERENCE_CHANGED && before.readable && after.readable)
        print_changes(&before.buffer.row, &after.buffer.row);
    else if (after.readable)
        print_target(&after.buffer.row);
    if ((before.there && !before.readable) || (after.there && !after.readable))
        printf(" (the stored record cannot be read)");
    printf("%s\n", coloured ? "\033[0m" : "");
}

json_t *difference_json(const struct difference *difference)
{
    struct side before, after;
    read_side(&before, difference->before);
    read_side(&after, difference->after);
    static const char *const words[] = {
        [DIFFERENCE_ADDED] = "added", [DIFFERENCE_CHANGED] = "changed", [DIFFERENCE_REMOVED] = "removed"};
    struct text source = {0}, identifier = {0};
    if (!connection_key_split(difference->key, &source, &identifier))
        identifier = difference->key;
    json_t *object = json_object();
    json_object_set_new(object, "change", json_string(words[difference->kind]));
    json_object_set_new(object, "source", json_text(source));
    json_object_set_new(object, "identifier", json_text(identifier));
    json_object_set_new(object, "before", json_fields(before.readable ? &before.buffer.row : NULL));
    json_object_set_new(object, "after", json_fields(after.readable ? &after.buffer.row : NULL));
    return object;
}

void difference_print(const struct difference *difference, const struct difference_style *style)
{
    if (difference->kind == DIFFERENCE_NONE)
        return;
    if (style->json)
        output_json(difference_json(difference));
    else
        print_text(difference, style->coloured);
}
