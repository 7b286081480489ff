/* Reads one connection of a mapping file. For this folder only. */
#ifndef SSOFERRY_TABLE_MAPPING_ROW_H
#define SSOFERRY_TABLE_MAPPING_ROW_H

#include "mapping.h"
#include "ssoferry/yaml.h"

struct mapping_reader {
    struct mapping *mapping;
    struct yaml *yaml;
    struct faults *faults;
    const struct mapping_progress *progress; /* may be NULL */
    char source[SOURCE_SIZE_MAX];            /* of the connections being read */
    size_t source_size;                      /* 0: none named yet */
    struct yaml_node short_id;               /* the last id that does not end in a whole UUID; kind YAML_END: none */
    struct yaml_node legacy_url;             /* the last one; kind YAML_END: none */
    char key[CONNECTION_KEY_SIZE_MAX];       /* of the row being read */
    struct text identifier;                  /* of that row, in `key`; empty if it is invalid */
    char record[CONNECTION_RECORD_SIZE_MAX];
};

/* Reads the value of the identifier `key`, whose text must still be valid, and adds the row. Problems are added to the
 * faults; false only if the rowset fails. */
bool mapping_row_read(struct mapping_reader *reader, const struct yaml_node *key, struct error *error)
    __attribute__((warn_unused_result));

/* Whether `node` cannot be a key (a collection, a merge key). If so, reports it and skips it and its value. */
bool mapping_refuse_key(struct mapping_reader *reader, const struct yaml_node *node);

/* The part of an unknown key that messages show. */
struct text mapping_shown(struct text key);

#endif
