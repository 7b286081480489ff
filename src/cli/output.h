/* Output of the commands: safe text, numbers, tables with columns, and JSON. */
#ifndef SSOFERRY_CLI_OUTPUT_H
#define SSOFERRY_CLI_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "ssoferry/table.h"
#include "ssoferry/time_text.h"

/* Writes text safely for a terminal: control characters and invalid UTF-8 appear as \xNN, so that a tampered record
 * cannot move the cursor. What could not be seen is shown, too: a hidden character as \uNNNN, a blank at either end as
 * \x20. */
void output_text(FILE *out, struct text t);

/* Formats 1234567 as "1234567" and "1,234,567". `buffer` holds NUMBER_SIZE bytes and is returned. */
enum { NUMBER_SIZE = 32 };
const char *number_text(uint64_t number, char *buffer);
const char *number_grouped(uint64_t number, char *buffer);

/* Formats 1536 as "1.5 KiB". `buffer` holds NUMBER_SIZE bytes and is returned. */
const char *number_bytes(uint64_t bytes, char *buffer);

/* "s", or "" if `count` is one. */
const char *plural(uint64_t count);

/* Whether standard output is a terminal and colour is wanted: never with NO_COLOR or TERM=dumb. */
bool output_is_coloured(void);

/* -- a table with columns: every row is passed twice, first to be measured, then to be printed -- */

enum {
    GRID_COLUMNS_MAX = 8,
    GRID_WIDTH_MAX = 64, /* to which a cell widens its column: strangers choose names that reports show */
};

struct grid {
    size_t columns;
    const char *const *headings;
    size_t width[GRID_COLUMNS_MAX];
    bool hidden[GRID_COLUMNS_MAX]; /* columns not to print; never the last one */
    bool printing;
};

void grid_start(struct grid *grid, size_t columns, const char *const *headings);
void grid_row(struct grid *grid, const struct text *cells);

/* Call between the two passes: prints the headings. */
void grid_measured(struct grid *grid);

/* -- JSON -- */

/* Prints an object as one line and releases the reference to it. */
void output_json(json_t *object);

#endif
