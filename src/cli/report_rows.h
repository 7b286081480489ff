/* The selected rows of a report, in the chosen order. */
#ifndef SSOFERRY_CLI_REPORT_ROWS_H
#define SSOFERRY_CLI_REPORT_ROWS_H

#include "command.h"
#include "progress.h"
#include "ssoferry/report.h"

enum report_order { ORDER_IDENTIFIER, ORDER_HITS, ORDER_FAILED, ORDER_LAST_SEEN };

struct sorted_row;

struct report_rows {
    struct report *report;     /* the caller's; set it after report_rows_choose(), */
    struct progress *progress; /* and this one */
    bool printing;             /* the rows are printed now, not only measured; set by the caller */
    int64_t now, idle;         /* microseconds */
    struct text source;        /* empty: all */
    enum report_order order;
    bool any_state;
    enum connection_state state;
    bool silent_only;
    uint64_t limit;
    bool collected;            /* `sorted` is complete; unused if all rows are shown in the table's order */
    struct sorted_row *sorted; /* until collected, may hold more rows than are shown */
    size_t sorted_count;
};

/* Reads the options; the caller then sets `report`. False with *error set if one is invalid. */
bool report_rows_choose(struct report_rows *rows, const struct arguments *arguments, int64_t now, struct error *error)
    __attribute__((warn_unused_result));

/* Calls `on_row` for each selected row. Afterwards the report's totals cover all its rows, shown or not. Can be called
 * again. */
bool report_rows_each(struct report_rows *rows, void (*on_row)(void *context, const struct report_row *row),
                      void *context, struct error *error) __attribute__((warn_unused_result));

void report_rows_release(struct report_rows *rows); /* a zeroed one is fine */

#endif
