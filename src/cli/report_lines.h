/* A report for programs: as JSON, one object per line, or as CSV. */
#ifndef SSOFERRY_CLI_REPORT_LINES_H
#define SSOFERRY_CLI_REPORT_LINES_H

#include "report_rows.h"

/* How many unknown identifiers are compared with rows. */
enum { REPORT_SUGGESTIONS_MAX = 100 };

/* Each prints the whole report to standard output: the rows, then unknown identifiers if `unknown` is set. JSON ends
 * with the totals. */
bool report_print_json(struct report_rows *rows, bool unknown, struct error *error) __attribute__((warn_unused_result));
bool report_print_csv(struct report_rows *rows, bool unknown, struct error *error) __attribute__((warn_unused_result));

#endif
