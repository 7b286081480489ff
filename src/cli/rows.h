/* Finding rows by name, for get, list, set and remove. */
#ifndef SSOFERRY_CLI_ROWS_H
#define SSOFERRY_CLI_ROWS_H

#include "command.h"
#include "ssoferry/table.h"

/* Larger tables are not searched just to give a hint. */
enum { ROWS_COMPARED_MAX = 2000000 };

/* Whether similar names and fields are looked for. */
static inline bool rows_are_compared(const struct snapshot *snapshot)
{
    return table_state_total(snapshot_state(snapshot)) <= ROWS_COMPARED_MAX;
}

/* --source, or "default" without it. False with *error set if it is not a valid source name. */
bool rows_source(const struct arguments *arguments, struct text *source, struct error *error)
    __attribute__((warn_unused_result));

/* Whether the source has any row, readable or not. */
bool rows_has_source(struct snapshot *snapshot, struct text source);

/* Prints that a source has no rows, and which sources there are. Returns the exit status. */
int rows_complain_source(struct snapshot *snapshot, struct text source);

/* Sets *is_test to whether a source's connections (all, if `source` is empty) are of a test project, judged by the
 * first row that tells, other than those for which `is_left_out` (may be NULL) is true. False if none of the first
 * thousand rows tells. */
bool rows_stage(struct snapshot *snapshot, struct text source,
                bool (*is_left_out)(const void *context, struct text source, struct text identifier),
                const void *context, bool *is_test);

/* Warns that connections of a test (or live) project were added to a table of the other kind. */
void rows_warn_of_stage(bool is_test);

/* Whether a change takes the row's sign-ins to Stytch if its route takes no part in the rehearsal: it was in another
 * state before, or not there (`was` is NULL), and names no legacy URL of its own. */
bool rows_is_cut_over(const enum connection_state *was, const struct connection *row);

/* Warns, if `rows` is not 0, that so many rows go to Stytch now, or would, although the configuration says to rehearse
 * (config_cuts_over()). */
void rows_warn_of_cut_over(uint64_t rows, bool would);

/* Copies to `name`, of SOURCE_SIZE_MAX + 1 bytes, the table's next source after `after` (empty: the first). Returns
 * LOOKUP_FOUND, LOOKUP_ABSENT or LOOKUP_FAILED. Moves the snapshot's cursor. */
enum lookup_result rows_next_source(struct snapshot *snapshot, struct text after, char *name, struct error *error);

/* Moves the cursor before the first row of a source, or of the table if `source` is empty. */
void rows_seek(struct snapshot *snapshot, struct text source);

/* The next row, up to the end of `source` unless that is empty. */
enum lookup_result rows_next(struct snapshot *snapshot, struct text source, struct table_row *row,
                             struct text *row_source, struct text *identifier, struct error *error)
    __attribute__((warn_unused_result));

#endif
