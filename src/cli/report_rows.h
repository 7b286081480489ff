/* The rows of a report that were asked for, in the order that was asked for. */
#ifndef SSOFERRY_CLI_REPORT_ROWS_H
#define SSOFERRY_CLI_REPORT_ROWS_H

#include "command.h"
#include "ssoferry/report.h"

enum report_order { ORDER_IDENTIFIER, ORDER_HITS, ORDER_FAILED, ORDER_LAST_SEEN };

struct sorted_row;

struct report_rows {
    struct report *report; /* the caller's */
    int64_t now, idle;     /* microseconds */
    struct text source;    /* empty: all */
    enum report_order order;
    bool any_state;
    enum connection_state state;
    bool silent_only;
    uint64_t limit;
    bool collected;            /* in `sorted`, unless all rows are shown in the table's order */
    struct sorted_row *sorted; /* the last rows of it may be more than are shown, until it is collected */
    size_t sorted_count;
};

/* Takes the options; `report` is still to be set. False, with *error set, where one is no good. */
bool report_rows_choose(struct report_rows *rows, const struct arguments *arguments, int64_t now, struct error *error)
    __attribute__((warn_unused_result));

/* Calls `on_row` for each row. The report's totals are then of all its rows, shown or not. Can be called again. */
bool report_rows_each(struct report_rows *rows, void (*on_row)(void *context, const struct report_row *row),
                      void *context, struct error *error) __attribute__((warn_unused_result));

void report_rows_release(struct report_rows *rows); /* a zeroed one is fine */

#endif
