/* The mapping file (docs/mapping-file.md): YAML in, rows out; and rows out as YAML that reads back the same. */
#ifndef SSOFERRY_MAPPING_FILE_H
#define SSOFERRY_MAPPING_FILE_H

#include <stdio.h>

#include "ssoferry/faults.h"
#include "ssoferry/rowset.h"

struct mapping; /* what one or more mapping files say: rows and the sources they speak of */

struct mapping *mapping_new(const struct connection_rules *rules); /* never NULL; the rules must outlive it */
void mapping_free(struct mapping *mapping);                        /* with its rows; NULL is fine */

/* Called now and then while a file is read: bytes read and in all. */
struct mapping_progress {
    void (*report)(void *context, uint64_t read, uint64_t total);
    void *context;
};

/* A row as a file has it, and where. */
struct mapping_row {
    struct text source, identifier;
    const struct connection *row;
    unsigned file, line, column, length; /* for faults_add() */
};

/* Has `on_row` called for each good row, while its file is read. */
void mapping_watch(struct mapping *mapping, void (*on_row)(void *context, const struct mapping_row *row),
                   void *context);

/* Reads a file ("-" is standard input) into the mapping. What is wrong with it goes to `faults`, which must outlive the
 * mapping; false only where the file cannot be opened or read, or temporary space is out. `progress` may be NULL. */
bool mapping_read(struct mapping *mapping, const char *path, struct faults *faults,
                  const struct mapping_progress *progress, struct error *error) __attribute__((warn_unused_result));

/* After the last file: finds identifiers written twice, across files too, and adds them to the faults. Then the rows
 * can be walked. */
bool mapping_finish(struct mapping *mapping, struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));

struct rowset *mapping_rows(struct mapping *mapping); /* lives as long as the mapping */

/* The sources that the files speak of, also one that has no rows. Sorted; lives as long as the mapping. */
size_t mapping_sources(const struct mapping *mapping, const struct text **sources);

/* Has the mapping speak of a source that its files do not name: it has no rows of that. */
void mapping_add_source(struct mapping *mapping, struct text source);

/* Whether all connections of the files are of test projects, or all of live ones; the files' rows that are not are told
 * as they are read. */
enum mapping_stage { STAGE_NONE, STAGE_LIVE, STAGE_TEST, STAGE_MIXED };
enum mapping_stage mapping_stage(const struct mapping *mapping);

/* The files read, with their digests, for a revision's note. Lives as long as the mapping. */
size_t mapping_files(const struct mapping *mapping, const struct revision_file **files);

enum mapping_mode {
    MAPPING_REPLACE, /* rows of the mapping's sources that it does not name are removed */
    MAPPING_MERGE,   /* nothing is removed */
};

/* Compares a snapshot with the mapping and calls `on_difference` for each row that either has, in key order,
 * DIFFERENCE_NONE included. It may write through the change the snapshot belongs to. It returns false to stop, having
 * set *error. */
bool mapping_compare(struct mapping *mapping, struct snapshot *snapshot, enum mapping_mode mode,
                     bool (*on_difference)(void *context, const struct difference *difference, struct error *error),
                     void *context, struct error *error) __attribute__((warn_unused_result));

/* Writes a snapshot's rows as a mapping file: those of `source`, or of all where it is empty. With several sources the
 * file has a `sources:` mapping in place of `source:` and `connections:`. The same rows always give the same bytes.
 * Where it fails, what it wrote ends with what no reader of YAML takes, so that a part is not taken for the whole.
 * *rows may be NULL. */
bool mapping_export(struct snapshot *snapshot, struct text source, FILE *out, uint64_t *rows, struct error *error)
    __attribute__((warn_unused_result));

#endif
