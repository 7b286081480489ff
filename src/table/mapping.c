/* The combined contents of mapping files: rows, sources, and identifiers written twice. */
#include "mapping.h"

#include <stdlib.h>

#include "ssoferry/memory.h"

struct mapping *mapping_new(const struct connection_rules *rules)
{
    struct mapping *mapping = memory_zeroed(1, sizeof *mapping);
    mapping->rules = rules;
    mapping->rows = rowset_new(0);
    return mapping;
}

void mapping_free(struct mapping *mapping)
{
    if (mapping == NULL)
        return;
    for (size_t i = 0; i < mapping->source_count; i++)
        free((char *)mapping->sources[i].at);
    for (size_t i = 0; i < mapping->file_count; i++)
        free(mapping->places[i].path);
    rowset_free(mapping->rows);
    free(mapping->sources);
    free(mapping->files);
    free(mapping->places);
    free(mapping);
}

struct rowset *mapping_rows(struct mapping *mapping)
{
    return mapping->rows;
}

size_t mapping_sources(const struct mapping *mapping, const struct text **sources)
{
    *sources = mapping->sources;
    return mapping->source_count;
}

size_t mapping_files(const struct mapping *mapping, const struct revision_file **files)
{
    *files = mapping->files;
    return mapping->file_count;
}

void mapping_watch(struct mapping *mapping, void (*on_row)(void *context, const struct mapping_row *row), void *context)
{
    mapping->on_row = on_row;
    mapping->on_row_context = context;
}

enum mapping_stage mapping_stage(const struct mapping *mapping)
{
    return mapping->stage.kind;
}

const char *mapping_path(const struct mapping *mapping, unsigned number)
{
    for (size_t i = 0; i < mapping->file_count; i++) {
        if (mapping->places[i].number == number)
            return mapping->places[i].path;
    }
    return "";
}

/* The index of `source` among the sorted ones, or where it belongs. */
static size_t place_of(const struct mapping *mapping, struct text source)
{
    size_t first = 0, last = mapping->source_count;
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        if (text_compare(mapping->sources[middle], source) < 0)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

static bool is_at(const struct mapping *mapping, size_t place, struct text source)
{
    return place < mapping->source_count && text_equal(mapping->sources[place], source);
}

bool mapping_has_source(const struct mapping *mapping, struct text source)
{
    return is_at(mapping, place_of(mapping, source), source);
}

void mapping_add_source(struct mapping *mapping, struct text source)
{
    const size_t at = place_of(mapping, source);
    if (is_at(mapping, at, source))
        return;
    mapping->sources = memory_resize(mapping->sources, (mapping->source_count + 1) * sizeof mapping->sources[0]);
    memmove(mapping->sources + at + 1, mapping->sources + at,
            (mapping->source_count - at) * sizeof mapping->sources[0]);
    mapping->sources[at] = text_slice(memory_string(source), source.size);
    mapping->source_count++;
}

/* -- identifiers written twice -- */

static void add_double(const struct mapping *mapping, struct faults *faults, const struct rowset_row *first,
                       const struct rowset_row *row)
{
    if (first->file == row->file)
        faults_add(faults, FAULT_ERROR, row->file, row->line, row->column, row->length,
                   "this identifier is already in line %u", first->line);
    else
        faults_add(faults, FAULT_ERROR, row->file, row->line, row->column, row->length,
                   "this identifier is already in %s:%u", mapping_path(mapping, first->file), first->line);
}

bool mapping_finish(struct mapping *mapping, struct faults *faults, struct error *error)
{
    char key[CONNECTION_KEY_SIZE_MAX];
    struct rowset_row first = {.row = {.key = {key, 0}}}, row;
    enum lookup_result result;
    if (rowset_differs(mapping->rows))
        return true;
    if (!rowset_rewind(mapping->rows, error))
        return false;
    if (rowset_differs(mapping->rows))
        return true;
    while ((result = rowset_next(mapping->rows, &row, error)) == LOOKUP_FOUND) {
        if (text_equal(row.row.key, first.row.key)) {
            add_double(mapping, faults, &first, &row);
            continue;
        }
        memcpy(key, row.row.key.at, row.row.key.size);
        first = row;
        first.row.key = text_slice(key, row.row.key.size);
    }
    return result == LOOKUP_ABSENT;
}
