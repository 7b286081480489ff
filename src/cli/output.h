/* What the commands print: safe text, tables with columns, rows as text and as JSON. */
#ifndef SSOFERRY_CLI_OUTPUT_H
#define SSOFERRY_CLI_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "ssoferry/time_text.h"
#include "ssoferry/faults.h"
#include "ssoferry/table.h"

/* Writes text for a terminal: control characters and what is not UTF-8 come out as \xNN, so that a tampered record
 * cannot move a cursor. */
void output_text(FILE *out, struct text t);

/* 1234567 as "1234567" and "1,234,567". `buffer` holds NUMBER_SIZE bytes; returned. */
enum { NUMBER_SIZE = 32 };
const char *number_text(uint64_t number, char *buffer);
const char *number_grouped(uint64_t number, char *buffer);

/* 1536 as "1.5 KiB". `buffer` holds NUMBER_SIZE bytes; returned. */
const char *number_bytes(uint64_t bytes, char *buffer);

/* "", or "s" where `count` is not one. */
const char *plural(uint64_t count);

/* Whether standard output is a terminal that wants colour: never with NO_COLOR or TERM=dumb. */
bool output_is_coloured(void);

/* -- a table with columns: every row goes by twice, first to be measured, then to be printed -- */

enum { GRID_COLUMNS_MAX = 8 };

struct grid {
    size_t columns;
    const char *const *headings;
    size_t width[GRID_COLUMNS_MAX];
    bool hidden[GRID_COLUMNS_MAX]; /* columns that are not printed; not the last */
    bool printing;
};

void grid_start(struct grid *grid, size_t columns, const char *const *headings);
void grid_row(struct grid *grid, const struct text *cells);

/* Between the two passes: prints the headings. */
void grid_measured(struct grid *grid);

/* -- JSON -- */

/* Prints one object as a line and gives it up. */
void output_json(json_t *object);

#endif
