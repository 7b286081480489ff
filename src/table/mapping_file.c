/* Reads a mapping file: its top level, and the connections below. */
#include "mapping_row.h"
#include "ssoferry/memory.h"

enum { ROWS_A_REPORT = 1024 };

struct file_reader {
    struct mapping_reader rows;
    unsigned lines[4]; /* of the top-level keys, by index of `tops`; 0: not there */
    bool unsupported;  /* an unsupported version or another kind of file, so nothing more can be checked */
};

static void report(const struct mapping_reader *reader)
{
    uint64_t read = 0, total = 0;
    if (reader->progress == NULL || reader->progress->report == NULL)
        return;
    yaml_progress(reader->yaml, &read, &total);
    reader->progress->report(reader->progress->context, read, total);
}

/* -- connections -- */

/* Reports what stands in place of the mapping of identifiers. */
static void refuse_connections(struct mapping_reader *reader, const struct yaml_node *value)
{
    bool scalar = value->kind == YAML_SCALAR;
    const char *message = "connections must be a mapping of identifiers";
    if (scalar && value->value.size == 0)
        message = "connections has no value: to say that there are none, write {}";
    else if (scalar && value->plain && text_find(value->value, ':', 0) < value->value.size)
        message = "this is not a key: a ':' and a space must follow it on the same line";
    yaml_fault(reader->yaml, value, "%s", message);
    yaml_skip(reader->yaml, value);
}

static bool read_connections(struct mapping_reader *reader, const struct yaml_node *value, struct error *error)
{
    struct yaml_node key;
    if (value->kind != YAML_MAPPING) {
        refuse_connections(reader, value);
        return true;
    }
    mapping_add_source(reader->mapping, text_slice(reader->source, reader->source_size));
    for (unsigned rows = 1;; rows++) {
        yaml_next(reader->yaml, &key);
        if (key.kind == YAML_CLOSE || key.kind == YAML_END)
            return true;
        if (!mapping_refuse_key(reader, &key) && !mapping_row_read(reader, &key, error))
            return false;
        if (rows % ROWS_A_REPORT == 0)
            report(reader);
    }
}

static bool take_source(struct mapping_reader *reader, const struct yaml_node *node)
{
    const char *problem = node->kind == YAML_SCALAR ? source_problem(node->value) : "must be a text";
    if (problem != NULL) {
        yaml_fault(reader->yaml, node, "the source %s", problem);
        yaml_skip(reader->yaml, node);
    } else {
        memcpy(reader->source, node->value.at, node->value.size);
        reader->source_size = node->value.size;
    }
    return problem == NULL;
}

/* -- top-level keys -- */

enum top { TOP_VERSION, TOP_SOURCE, TOP_CONNECTIONS, TOP_SOURCES, TOPS };

static bool read_version(struct file_reader *file, const struct yaml_node *value, struct error *error)
{
    (void)error;
    if (value->kind == YAML_SCALAR && text_equal(value->value, TEXT("1")))
        return true;
    file->unsupported = value->kind == YAML_SCALAR && value->value.size > 0;
    if (file->unsupported)
        yaml_fault(file->rows.yaml, value, "version %.*s is not supported: this ssoferry reads version 1",
                   TEXT_ARGS(mapping_shown(value->value)));
    else
        yaml_fault(file->rows.yaml, value, "version must be 1");
    yaml_skip(file->rows.yaml, value);
    return true;
}

static bool read_source(struct file_reader *file, const struct yaml_node *value, struct error *error)
{
    (void)error;
    if (file->lines[TOP_CONNECTIONS] > 0)
        yaml_fault(file->rows.yaml, value, "source must stand before connections");
    take_source(&file->rows, value);
    return true;
}

static bool read_connections_of_one(struct file_reader *file, const struct yaml_node *value, struct error *error)
{
    if (file->rows.source_size == 0) {
        memcpy(file->rows.source, "default", 7);
        file->rows.source_size = 7;
    }
    return read_connections(&file->rows, value, error);
}

/* Reads `sources:`, a mapping of names to connections. */
static bool read_sources(struct file_reader *file, const struct yaml_node *value, struct error *error)
{
    struct yaml_node name, connections;
    struct mapping_reader *reader = &file->rows;
    struct mapping *seen = NULL;
    bool good = true;
    if (value->kind != YAML_MAPPING) {
        yaml_fault(reader->yaml, value, "sources must be a mapping of names to connections");
        yaml_skip(reader->yaml, value);
        return true;
    }
    seen = mapping_new(NULL); /* names in this file, to find duplicates */
    for (yaml_next(reader->yaml, &name); good && name.kind != YAML_CLOSE && name.kind != YAML_END;
         yaml_next(reader->yaml, &name)) {
        if (mapping_refuse_key(reader, &name))
            continue;
        bool fit = take_source(reader, &name);
        size_t count = seen->source_count;
        if (fit)
            mapping_add_source(seen, name.value);
        if (fit && seen->source_count == count)
            yaml_fault(reader->yaml, &name, "this source is already in the file");
        yaml_next(reader->yaml, &connections);
        if (fit)
            good = read_connections(reader, &connections, error);
        else
            yaml_skip(reader->yaml, &connections);
    }
    mapping_free(seen);
    return good;
}

static const struct {
    const char *name;
    bool (*read)(struct file_reader *file, const struct yaml_node *value, struct error *error);
} tops[TOPS] = {
    {"version", read_version},
    {"source", read_source},
    {"connections", read_connections_of_one},
    {"sources", read_sources},
};

/* Whether the first key is one of ssoferryd.yaml's, a file easily given here by mistake. */
static bool is_of_daemon(const struct file_reader *file, struct text key)
{
    static const char *const keys[] = {"listen",  "trusted_proxies", "admin",  "usage",  "store",  "threads",
                                       "user",    "sandbox",         "hosts",  "stytch", "legacy", "health_path",
                                       "observe", "redirect",        "limits", "drain",  "log",    "routes"};
    for (size_t i = 0; file->lines[TOP_VERSION] == 0 && i < sizeof keys / sizeof keys[0]; i++) {
        if (text_equal(key, text_of(keys[i])))
            return true;
    }
    return false;
}

static bool read_top(struct file_reader *file, const struct yaml_node *key, struct error *error)
{
    struct yaml_node value;
    struct yaml *yaml = file->rows.yaml;
    unsigned top = 0;
    while (top < TOPS && !text_equal(key->value, text_of(tops[top].name)))
        top++;
    if (top == TOPS && is_of_daemon(file, key->value)) {
        file->unsupported = true;
        yaml_fault(yaml, key, "this is the daemon's configuration, not a mapping file: name it with -c");
        yaml_next(yaml, &value);
        yaml_skip(yaml, &value);
        return true;
    }
    if (top == TOPS)
        yaml_fault(
            yaml, key,
            "\"%.*s\" is not known here: a mapping file has version, source and connections, or version and sources",
            TEXT_ARGS(mapping_shown(key->value)));
    else if (top < TOPS && file->lines[top] > 0)
        yaml_fault(yaml, key, "%s is already in line %u", tops[top].name, file->lines[top]);
    yaml_next(yaml, &value);
    if (top == TOPS || file->lines[top] > 0) {
        yaml_skip(yaml, &value);
        return true;
    }
    file->lines[top] = key->line;
    if (file->lines[TOP_SOURCES] > 0 && (file->lines[TOP_SOURCE] > 0 || file->lines[TOP_CONNECTIONS] > 0) &&
        top != TOP_VERSION)
        yaml_fault(yaml, key, "sources takes the place of source and connections: have one or the other");
    return tops[top].read(file, &value, error);
}

static void fault_of_file(struct file_reader *file, const char *message)
{
    faults_add(file->rows.faults, FAULT_ERROR, yaml_file(file->rows.yaml), 0, 0, 0, "%s", message);
}

/* A list is often JSON, which YAML is, too; and CSV is a text with columns, or one in quotes. */
static void refuse_top(struct yaml *yaml, const struct yaml_node *node)
{
    const bool columns = node->kind == YAML_SCALAR && (!node->plain || strpbrk(node->value.at, ",;\t") != NULL);
    yaml_fault(yaml, node, "a mapping file is a mapping: it starts with `version: 1`%s",
               columns                       ? "; docs/mapping-file.md has a way to make one from CSV"
               : node->kind == YAML_SEQUENCE ? "; docs/mapping-file.md shows its form, which JSON may have, too, as in "
                                               "{\"version\": 1, \"connections\": {\"acme\": \"saml-connection-...\"}}"
                                             : "");
}

static bool read_file(struct file_reader *file, struct error *error)
{
    struct yaml_node node;
    struct yaml *yaml = file->rows.yaml;
    yaml_next(yaml, &node);
    if (yaml_broken(yaml))
        return true;
    if (node.kind == YAML_END || (node.kind == YAML_SCALAR && node.value.size == 0)) {
        fault_of_file(file, "the file is empty: it must have `version: 1` and `connections:`");
    } else if (node.kind != YAML_MAPPING) {
        refuse_top(yaml, &node);
        return true;
    } else {
        for (yaml_next(yaml, &node); node.kind != YAML_CLOSE && node.kind != YAML_END && !file->unsupported;
             yaml_next(yaml, &node)) {
            if (!mapping_refuse_key(&file->rows, &node) && !read_top(file, &node, error))
                return false;
        }
        if (yaml_broken(yaml) || file->unsupported)
            return true;
        if (file->lines[TOP_VERSION] == 0)
            fault_of_file(file, "version is missing: write `version: 1` in its first line");
        if (file->lines[TOP_CONNECTIONS] == 0 && file->lines[TOP_SOURCES] == 0)
            fault_of_file(file, "connections is missing: the mapping of identifiers to connections");
    }
    while (node.kind != YAML_END) /* detects a second document */
        yaml_next(yaml, &node);
    if (file->rows.short_id.kind != YAML_END && yaml_ends_in(yaml, &file->rows.short_id))
        yaml_fault(yaml, &file->rows.short_id,
                   "the file ends in the middle of this connection id: was it copied in full? If it was, end its last "
                   "line with a line break");
    if (file->rows.legacy_url.kind != YAML_END && yaml_ends_in(yaml, &file->rows.legacy_url))
        yaml_warning(yaml, &file->rows.legacy_url,
                     "the file ends in this legacy_url, without a line break: was it copied in full?");
    return true;
}

static bool note_file(struct mapping *mapping, struct yaml *yaml, const char *path, struct error *error)
{
    char sha256[65];
    if (!yaml_sha256(yaml, sha256, error))
        return false;
    size_t count = ++mapping->file_count;
    mapping->files = memory_resize(mapping->files, count * sizeof mapping->files[0]);
    mapping->places = memory_resize(mapping->places, count * sizeof mapping->places[0]);
    mapping->places[count - 1] = (struct mapping_place){yaml_file(yaml), memory_string(text_of(path))};
    mapping->files[count - 1].path = mapping->places[count - 1].path;
    memcpy(mapping->files[count - 1].sha256, sha256, sizeof sha256);
    return true;
}

bool mapping_read(struct mapping *mapping, const char *path, struct faults *faults,
                  const struct mapping_progress *progress, struct error *error)
{
    struct file_reader file;
    memset(&file, 0, sizeof file);
    file.rows.mapping = mapping;
    file.rows.faults = faults;
    file.rows.progress = progress;
    if (!yaml_open(&file.rows.yaml, path, faults, error))
        return false;
    bool good = read_file(&file, error);
    good = good && note_file(mapping, file.rows.yaml, yaml_path(file.rows.yaml), error);
    if (good)
        report(&file.rows);
    yaml_close(file.rows.yaml);
    return good;
}
