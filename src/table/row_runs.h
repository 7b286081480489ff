/* Sorted runs of rows in a temporary file, written one after the other and read merged. For this folder only. */
#ifndef SSOFERRY_TABLE_ROW_RUNS_H
#define SSOFERRY_TABLE_ROW_RUNS_H

#include <stdio.h>

#include "heap.h"
#include "row_buffer.h"

struct row_run;

struct row_runs {
    FILE *file; /* NULL: nothing was written */
    struct row_run *runs;
    size_t count;
    size_t shared;    /* leading bytes that all keys share, for reading */
    struct heap heap; /* runs, ordered by their rows */
    size_t window_size;
    bool given; /* the first run's row was returned, so skip it */
};

/* Frees the contents; all zeros is empty. */
void row_runs_release(struct row_runs *runs);

/* Moves the buffer's rows to the file: to the last run if `continues`, otherwise to a new one. */
bool row_runs_spill(struct row_runs *runs, struct row_buffer *buffer, bool continues, size_t shared,
                    struct error *error) __attribute__((warn_unused_result));

/* Switches from writing to reading: once, after the last spill. */
bool row_runs_end(struct row_runs *runs, size_t shared, struct error *error) __attribute__((warn_unused_result));

/* Whether row_runs_end() was called. */
bool row_runs_have_ended(const struct row_runs *runs);

/* Goes to before the first row; may be called again. */
bool row_runs_rewind(struct row_runs *runs, struct error *error) __attribute__((warn_unused_result));

/* Like rowset_next(). */
enum lookup_result row_runs_next(struct row_runs *runs, struct rowset_row *row, struct error *error)
    __attribute__((warn_unused_result));

#endif
