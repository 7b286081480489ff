/* The inside of a mapping. For this folder only. */
#ifndef SSOFERRY_TABLE_MAPPING_H
#define SSOFERRY_TABLE_MAPPING_H

#include "ssoferry/mapping_file.h"

struct mapping_place {
    unsigned number; /* from faults_file() */
    char *path;
};

struct mapping {
    const struct connection_rules *rules;
    struct rowset *rows;
    struct text *sources; /* sorted; the mapping owns their bytes */
    size_t source_count;
    struct revision_file *files;
    struct mapping_place *places; /* of the files, in the same order */
    size_t file_count;
    struct {
        enum mapping_stage kind;
        unsigned file, line; /* of the first connection id */
    } stage;
    void (*on_row)(void *context, const struct mapping_row *row); /* NULL: none */
    void *on_row_context;
};

/* The path of a file that was read, by its number; "" if there is none. */
const char *mapping_path(const struct mapping *mapping, unsigned number);

#endif
