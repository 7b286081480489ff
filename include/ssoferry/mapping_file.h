/* The mapping file (docs/mapping-file.md): reads rows from YAML, and writes rows as YAML that reads back the same. */
#ifndef SSOFERRY_MAPPING_FILE_H
#define SSOFERRY_MAPPING_FILE_H

#include <stdio.h>

#include "ssoferry/faults.h"
#include "ssoferry/rowset.h"

struct mapping; /* the contents of one or more mapping files: rows, and the sources the files name */

struct mapping *mapping_new(const struct connection_rules *rules); /* never NULL; the rules must outlive it */
void mapping_free(struct mapping *mapping);                        /* frees its rows too; NULL is fine */

/* Called from time to time while a file is read, with the bytes read and the total. */
struct mapping_progress {
    void (*report)(void *context, uint64_t read, uint64_t total);
    void *context;
};

/* A row as written in a file, and its place. */
struct mapping_row {
    struct text source, identifier;
    const struct connection *row;
    unsigned file, line, column, length; /* for faults_add() */
};

/* Sets `on_row` to be called for each valid row while its file is read. The row lives as long as the call. */
void mapping_watch(struct mapping *mapping, void (*on_row)(void *context, const struct mapping_row *row),
                   void *context);

/* Reads a file ("-" is standard input) into the mapping. Problems in it are added to `faults`, which must outlive the
 * mapping. False only if the file cannot be opened or read, or temporary space runs out. `progress` may be NULL. */
bool mapping_read(struct mapping *mapping, const char *path, struct faults *faults,
                  const struct mapping_progress *progress, struct error *error) __attribute__((warn_unused_result));

/* Call after the last file, before walking the rows. Adds a fault for each identifier written twice, even across files.
 */
bool mapping_finish(struct mapping *mapping, struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));

struct rowset *mapping_rows(struct mapping *mapping); /* lives as long as the mapping */

/* The sources that the files name, including those without rows. Sorted; lives as long as the mapping. */
size_t mapping_sources(const struct mapping *mapping, const struct text **sources);

/* Whether it is one of them. */
bool mapping_has_source(const struct mapping *mapping, struct text source);

/* Adds a source that the files do not name; the mapping has no rows of it. */
void mapping_add_source(struct mapping *mapping, struct text source);

/* Whether all connections in the files belong to test projects, or all to live ones. The first row that differs gets a
 * warning while its file is read. */
enum mapping_stage { STAGE_NONE, STAGE_LIVE, STAGE_TEST, STAGE_MIXED };
enum mapping_stage mapping_stage(const struct mapping *mapping);

/* The files read, with their digests, for the note of a revision. Lives as long as the mapping. */
size_t mapping_files(const struct mapping *mapping, const struct revision_file **files);

enum mapping_mode {
    MAPPING_REPLACE, /* remove rows of the mapping's sources that it does not contain */
    MAPPING_MERGE,   /* remove nothing */
};

/* Compares a snapshot with the mapping. Calls `on_difference` in key order for each row of the mapping's sources that
 * either has, including those with DIFFERENCE_NONE. The callback may write through the change that the snapshot belongs
 * to. To stop, it sets *error and returns false. */
bool mapping_compare(struct mapping *mapping, struct snapshot *snapshot, enum mapping_mode mode,
                     bool (*on_difference)(void *context, const struct difference *difference, struct error *error),
                     void *context, struct error *error) __attribute__((warn_unused_result));

/* Called after each row of an export with the number of rows written. To end the export, sets *error and returns false.
 */
struct mapping_export_watch {
    bool (*on_row)(void *context, uint64_t rows, struct error *error);
    void *context;
};

/* Writes a snapshot's rows as a mapping file: those of `source`, or all if it is empty. With several sources, a
 * `sources:` mapping replaces `source:` and `connections:`. The same rows always give the same bytes. If it fails, the
 * output ends with something no YAML reader accepts, so that a part cannot pass for the whole; it fails at the first
 * row that cannot be written. `watch` and `rows` may be NULL; *rows gets the number of rows. */
bool mapping_export(struct snapshot *snapshot, struct text source, FILE *out, const struct mapping_export_watch *watch,
                    uint64_t *rows, struct error *error) __attribute__((warn_unused_result));

#endif
