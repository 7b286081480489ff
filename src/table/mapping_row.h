/* Reading one connection of a mapping file. For this folder only. */
#ifndef SSOFERRY_TABLE_MAPPING_ROW_H
#define SSOFERRY_TABLE_MAPPING_ROW_H

#include "mapping.h"
#include "ssoferry/yaml.h"

/* What is remembered while one file is read. */
struct mapping_reader {
    struct mapping *mapping;
    struct yaml *yaml;
    struct faults *faults;
    const struct mapping_progress *progress; /* may be NULL */
    char source[SOURCE_SIZE_MAX];            /* of the connections being read */
    size_t source_size;                      /* 0: none named yet */
    struct yaml_node short_id;               /* the last one that does not end in a whole UUID; kind YAML_END: none */
    char key[CONNECTION_KEY_SIZE_MAX];       /* of the row being read */
    struct text identifier;                  /* the same row's, in `key`; empty where it is no good */
    char record[CONNECTION_RECORD_SIZE_MAX];
};

/* Reads the value that belongs to the identifier `key`, whose text is still there, and adds the row. Faults are added;
 * false only where the rowset fails. */
bool mapping_row_read(struct mapping_reader *reader, const struct yaml_node *key, struct error *error)
    __attribute__((warn_unused_result));

/* Says that `node` is a key that cannot be one (a collection, a merge key), and reads past it and its value. False: it
 * can. */
bool mapping_refuse_key(struct mapping_reader *reader, const struct yaml_node *node);

/* So much of a key as is shown of one that is not known. */
struct text mapping_shown(struct text key);

#endif
