#include "mapping_row.h"

#include "connection_id.h"

enum { FIELDS_MAX = 8, SHOWN_MAX = 80 };

/* A connection being read: its fields so far, and their places. */
struct row_reader {
    struct mapping_reader *reader;
    struct yaml_node key; /* the identifier; its text is gone once the value is read */
    struct connection row;
    struct yaml_node
        places[FIELDS_MAX];     /* of the values, by index of connection_field_name(); kind YAML_END: not there */
    unsigned lines[FIELDS_MAX]; /* of the fields' names */
    bool faulty[FIELDS_MAX];
    size_t used;
    char bytes[CONNECTION_RECORD_SIZE_MAX]; /* holds the row's texts */
};

struct text mapping_shown(struct text key)
{
    return text_cut(key, SHOWN_MAX);
}

bool mapping_refuse_key(struct mapping_reader *reader, const struct yaml_node *node)
{
    struct yaml_node value;
    if (node->kind == YAML_SCALAR && !(node->plain && text_equal(node->value, TEXT("<<"))))
        return false;
    if (node->kind == YAML_SCALAR)
        yaml_fault(reader->yaml, node,
                   "merge keys are not supported: write the fields out (an identifier that is \"<<\" goes in quotes)");
    else
        yaml_fault(reader->yaml, node, "a key must be a text");
    yaml_skip(reader->yaml, node);
    yaml_next(reader->yaml, &value);
    yaml_skip(reader->yaml, &value);
    return true;
}

/* -- warnings -- */

static void warn_of_stage(struct mapping_reader *reader, const struct yaml_node *node, bool is_test)
{
    struct mapping *mapping = reader->mapping;
    enum mapping_stage stage = is_test ? STAGE_TEST : STAGE_LIVE;
    if (mapping->stage.kind == STAGE_NONE) {
        mapping->stage.kind = stage;
        mapping->stage.file = yaml_file(reader->yaml);
        mapping->stage.line = node->line;
    } else if (mapping->stage.kind != stage && mapping->stage.kind != STAGE_MIXED) {
        bool here = mapping->stage.file == yaml_file(reader->yaml);
        const char *path = here ? "line " : mapping_path(mapping, mapping->stage.file);
        mapping->stage.kind = STAGE_MIXED;
        yaml_warning(reader->yaml, node, "this connection is of a %s project, the one in %s%s%u of a %s project",
                     is_test ? "test" : "live", path, here ? "" : ":", mapping->stage.line, is_test ? "live" : "test");
    }
}

static void note_id(struct mapping_reader *reader, const struct yaml_node *node, struct text id)
{
    if (!connection_id_has_uuid(id))
        reader->short_id = *node;
    warn_of_stage(reader, node, connection_id_is_test(id));
}

/* A scalar to attach warnings to. */
struct said_of {
    struct yaml *yaml;
    const struct yaml_node *node;
};

static void warn_of_node(void *context, const char *field, const char *message)
{
    const struct said_of *said_of = context;
    (void)field;
    yaml_warning(said_of->yaml, said_of->node, "%s", message);
}

/* Shows a valid row to mapping_watch()'s callback. */
static void show(const struct mapping_reader *reader, const struct yaml_node *key, const struct connection *row)
{
    const struct mapping *mapping = reader->mapping;
    if (mapping->on_row == NULL || reader->identifier.size == 0)
        return;
    mapping->on_row(mapping->on_row_context,
                    &(struct mapping_row){text_slice(reader->source, reader->source_size), reader->identifier, row,
                                          yaml_file(reader->yaml), key->line, key->column, key->length});
}

/* -- fields -- */

static void refuse_field(struct row_reader *row, const struct yaml_node *name)
{
    struct yaml_node value;
    yaml_fault(row->reader->yaml, name,
               "\"%.*s\" is not a field: they are connection_id, acs_url, redirect, state, legacy_url, organization_id "
               "and label",
               TEXT_ARGS(mapping_shown(name->value)));
    yaml_next(row->reader->yaml, &value);
    yaml_skip(row->reader->yaml, &value);
}

/* Of a value that no blank may be in. If it goes on, what it is in its own line may be right. */
static const char *problem_of(const struct yaml_node *value, const char *why)
{
    return value->goes_on ? "goes on in the next line: check the indentation there" : why;
}

/* Copies a value, which the next node would invalidate. One without room is over every limit, and will be refused. */
static struct text keep(struct row_reader *row, struct text value)
{
    if (value.size > sizeof row->bytes - row->used)
        return value;
    char *at = row->bytes + row->used;
    memcpy(at, value.at, value.size);
    row->used += value.size;
    return text_slice(at, value.size);
}

/* Others read these as no value. As a label, they would come from a script that had none. */
static bool is_null(const struct yaml_node *value)
{
    static const char *const nulls[] = {"~", "null", "Null", "NULL"};
    if (!value->plain || value->value.size > 4)
        return false; /* as nearly all of them */
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++) {
        if (text_equal(value->value, text_of(nulls[i])))
            return true;
    }
    return false;
}

static void set_field(struct row_reader *row, size_t index, const struct yaml_node *value)
{
    const char *name = connection_field_name(index), *why = NULL;
    struct yaml *yaml = row->reader->yaml;
    const struct connection before = row->row;
    const size_t used = row->used;
    row->faulty[index] = true;
    if (value->kind != YAML_SCALAR) {
        yaml_fault(yaml, value, "%s must be a text, not a %s", name, value->kind == YAML_MAPPING ? "mapping" : "list");
    } else if (value->value.size == 0 || is_null(value)) {
        yaml_fault(yaml, value, "%s has no value: write one, or leave the field out", name);
    } else if (!connection_set_field(&row->row, text_of(name), keep(row, value->value), &why)) {
        bool is_label = index == connection_field_index(TEXT("label"));
        yaml_fault(yaml, value, "%s %s", name, is_label ? why : problem_of(value, why));
        row->row = before;
        row->used = used;
    } else {
        row->faulty[index] = false;
        row->places[index] = *value;
    }
    yaml_skip(yaml, value);
}

static void read_fields(struct row_reader *row)
{
    struct yaml_node name, value;
    for (;;) {
        yaml_next(row->reader->yaml, &name);
        if (name.kind == YAML_CLOSE || name.kind == YAML_END)
            return;
        if (mapping_refuse_key(row->reader, &name)) {
            row->faulty[connection_field_index(TEXT("connection_id"))] =
                true; /* the merge may have been meant to provide it */
            continue;
        }
        size_t index = connection_field_index(name.value);
        if (connection_field_name(index) == NULL) {
            refuse_field(row, &name);
            continue;
        }
        yaml_next(row->reader->yaml, &value);
        if (row->lines[index] > 0) {
            yaml_fault(row->reader->yaml, &name, "%s is already in line %u", connection_field_name(index),
                       row->lines[index]);
            yaml_skip(row->reader->yaml, &value);
            continue;
        }
        row->lines[index] = name.line;
        set_field(row, index, &value);
    }
}

/* -- the whole row -- */

/* Checks the fields together, and hosts. connection_check_whole() stops at its first problem, so that field is removed
 * and the rest checked again. */
static void check_row(struct row_reader *row)
{
    struct connection_problem problem;
    struct connection rest = row->row;
    size_t connection_id = connection_field_index(TEXT("connection_id"));
    if (row->faulty[connection_id] || row->faulty[connection_field_index(TEXT("state"))]) {
        rest.acs_url = text_slice(NULL, 0); /* cannot tell whether it fits */
        rest.state = CONNECTION_LEGACY;     /* nor whether an id is required */
    }
    for (unsigned i = 0; i < FIELDS_MAX && !connection_check_whole(&rest, row->reader->mapping->rules, &problem); i++) {
        const char *why = NULL;
        size_t index = connection_field_index(text_of(problem.field));
        yaml_fault(row->reader->yaml, row->lines[index] > 0 ? &row->places[index] : &row->key, "%s", problem.message);
        row->faulty[index] = true;
        if (index == connection_id)
            rest.state = CONNECTION_LEGACY;
        else if (!connection_set_field(&rest, text_of(problem.field), TEXT(""), &why))
            return;
    }
}

static void warn_of_field(void *context, const char *field, const char *message)
{
    struct row_reader *row = context;
    yaml_warning(row->reader->yaml, &row->places[connection_field_index(text_of(field))], "%s", message);
}

static void warn_of_row(struct row_reader *row)
{
    const struct yaml_node *place = &row->places[connection_field_index(TEXT("connection_id"))];
    connection_warn(&row->row, row->reader->mapping->rules, warn_of_field, row);
    if (row->row.connection_id.size > 0)
        note_id(row->reader, place, row->row.connection_id);
    if (row->row.legacy_url.size > 0)
        row->reader->legacy_url = row->places[connection_field_index(TEXT("legacy_url"))];
}

/* Reads the fields after `key`. Returns the size of the record in reader->record, or 0 if the row is faulty. */
static size_t read_long_form(struct mapping_reader *reader, const struct yaml_node *key)
{
    struct row_reader row;
    memset(&row, 0, offsetof(struct row_reader, bytes));
    row.reader = reader;
    row.key = *key;
    read_fields(&row);
    if (yaml_broken(reader->yaml))
        return 0;
    check_row(&row);
    warn_of_row(&row);
    for (size_t i = 0; i < FIELDS_MAX; i++) {
        if (row.faulty[i])
            return 0;
    }
    show(reader, key, &row.row);
    return connection_encode(&row.row, reader->record);
}

/* Reads `acme: saml-connection-live-...`, which most rows are. */
static size_t read_short_form(struct mapping_reader *reader, const struct yaml_node *key, const struct yaml_node *value)
{
    struct connection row = {.connection_id = value->value};
    struct short_id id;
    if (short_id_parse(value->value, &id)) {
        warn_of_stage(reader, value, short_id_is_test(&id));
        show(reader, key, &row);
        return short_id_encode(&id, reader->record);
    }
    const char *why = connection_id_problem(value->value);
    if (why == NULL) {
        struct said_of said_of = {reader->yaml, value};
        connection_warn(&row, reader->mapping->rules, warn_of_node, &said_of);
        note_id(reader, value, row.connection_id);
        show(reader, key, &row);
        return connection_encode(&row, reader->record);
    }
    if (value->value.size == 0)
        yaml_fault(reader->yaml, value,
                   "this identifier has no connection: write its connection id, or a mapping of fields");
    else
        yaml_fault(reader->yaml, value, "the connection id %s", problem_of(value, why));
    return 0;
}

bool mapping_row_read(struct mapping_reader *reader, const struct yaml_node *key, struct error *error)
{
    struct yaml_node value;
    struct rowset_row row = {
        .file = yaml_file(reader->yaml), .line = key->line, .column = key->column, .length = key->length};
    const char *problem = identifier_problem(key->value);
    if (problem != NULL)
        yaml_fault(reader->yaml, key, "the identifier %s", problem);
    if (problem == NULL)
        row.row.key = text_slice(
            reader->key, connection_key(text_slice(reader->source, reader->source_size), key->value, reader->key));
    size_t start = problem == NULL ? reader->source_size + 1 : 0;
    reader->identifier = text_slice(reader->key + start, row.row.key.size - start);
    const char *warning = identifier_warning(reader->identifier);
    if (warning != NULL)
        yaml_warning(reader->yaml, key, "this identifier %s", warning);
    /* A faulty row is added without a record, so that its identifier is still compared with the others. */
    row.row.record.at = reader->record;
    yaml_next(reader->yaml, &value);
    if (value.kind == YAML_SCALAR) {
        row.row.record.size = read_short_form(reader, key, &value);
    } else if (value.kind == YAML_MAPPING) {
        row.row.record.size = read_long_form(reader, key);
    } else if (value.kind == YAML_SEQUENCE) {
        yaml_fault(reader->yaml, &value, "a connection is a connection id or a mapping of fields, not a list");
        yaml_skip(reader->yaml, &value);
    }
    return problem != NULL || rowset_add(reader->mapping->rows, &row, error);
}
