/* A report's totals in words. For this folder only. */
#ifndef SSOFERRY_USAGE_VERDICT_H
#define SSOFERRY_USAGE_VERDICT_H

#include "ssoferry/report.h"

void verdict_write(const struct report_totals *totals, const struct report_options *options, enum report_doubt doubt,
                   char *out, size_t size);

#endif
