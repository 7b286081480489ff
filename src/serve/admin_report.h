/* The body of /report.json. */
#ifndef SSOFERRY_ADMIN_REPORT_H
#define SSOFERRY_ADMIN_REPORT_H

#include "ssoferry/report.h"

enum { ADMIN_REPORT_ROWS_MAX = 10000, ADMIN_REPORT_SUGGESTIONS_MAX = 100 };

/* Writes the report as one JSON object. `usage` is what this process counts with, or NULL. *body is NUL-terminated and
 * to be freed with free(). *tag gets a number that is the same as long as nothing but the time has changed. */
bool admin_report(struct table *table, struct usage *usage, bool observe, char **body, uint64_t *tag,
                  struct error *error) __attribute__((warn_unused_result));

#endif
