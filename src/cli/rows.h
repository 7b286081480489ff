/* Finding rows by name: what get, list, set and remove share. */
#ifndef SSOFERRY_CLI_ROWS_H
#define SSOFERRY_CLI_ROWS_H

#include "command.h"
#include "nearest.h"
#include "ssoferry/table.h"

/* Larger tables are not looked through for a remark. */
enum { ROWS_COMPARED_MAX = 2000000 };

/* --source, else "default". False, with *error set, where it is no source's name. */
bool rows_source(const struct arguments *arguments, struct text *source, struct error *error)
    __attribute__((warn_unused_result));

/* What may have been meant by a name that is not there, which is then likely a mistyped one. */
struct meant {
    char elsewhere[SOURCE_SIZE_MAX + 1]; /* another source that has it; "": none */
    uint64_t removed_by;                 /* the kept revision that removed it, where no other source has it; 0: none */
    char removed[512];                   /* which one that was: "revision 7 removed it (load by ops@vm, 2026-...)" */
    const char *field; /* what it is of other rows in place of their identifier, such as "label"; NULL: nothing */
    char source[SOURCE_SIZE_MAX + 1]; /* of the first of those rows */
    struct nearest nearest; /* those rows of that source, or names of this source that are near; at most NEAREST_KEPT */
};
/* False where there is nothing. Near names, and the history, only where `near` says so: every row of the source is
 * compared for them, and all that kept revisions changed. */
bool rows_meant(struct snapshot *snapshot, struct text source, struct text identifier, bool near, struct meant *meant);

/* As rows_meant() with `near`, for words that somebody typed: who has a customer's label, connection or organization at
 * hand may well give that in place of the identifier. */
bool rows_meant_or_field(struct snapshot *snapshot, struct text source, struct text identifier, struct meant *meant);

/* Prints that there is no such row, with what rows_meant_or_field() (with `near`; else rows_meant()) finds, or has
 * found. Returns the exit status. */
int rows_complain_unknown(struct snapshot *snapshot, struct text source, struct text identifier, bool near);
int rows_complain_meant(struct snapshot *snapshot, struct text source, struct text identifier,
                        const struct meant *meant);

/* The near names as "a, b or c", those of one field as "a, b and c", in MEANT_NAMES_SIZE bytes. */
enum { MEANT_NAMES_SIZE = NEAREST_KEPT * (IDENTIFIER_SIZE_MAX + 4) + 1 };
void rows_meant_names(const struct meant *meant, char *names);

/* Whether the source has any row; one that cannot be read is one. */
bool rows_has_source(struct snapshot *snapshot, struct text source);

/* Prints that a source has no rows, and which sources there are. Returns the exit status. */
int rows_complain_source(struct snapshot *snapshot, struct text source);

/* Whether the connections of a source (of all, where it is empty) are of a test project: by the first that says so,
 * less those that `is_left_out` holds of, which may be NULL. False where none is found among the first hundreds. */
bool rows_stage(struct snapshot *snapshot, struct text source,
                bool (*is_left_out)(const void *context, struct text source, struct text identifier),
                const void *context, bool *is_test);

/* Warns that connections of a test (or live) project have come to a table of the other kind. */
void rows_warn_of_stage(bool is_test);

/* The next source in the table after `after` (empty: the first), copied to `name`, which holds SOURCE_SIZE_MAX + 1
 * bytes. LOOKUP_FOUND, LOOKUP_ABSENT or LOOKUP_FAILED. Moves the snapshot's cursor. */
enum lookup_result rows_next_source(struct snapshot *snapshot, struct text after, char *name, struct error *error);

/* Puts the cursor before a source's first row; before the first of all where `source` is empty. */
void rows_seek(struct snapshot *snapshot, struct text source);

/* The next row, up to the end of `source` where that is not empty. */
enum lookup_result rows_next(struct snapshot *snapshot, struct text source, struct table_row *row,
                             struct text *row_source, struct text *identifier, struct error *error)
    __attribute__((warn_unused_result));

#endif
