/* Rows that lead to the same connection as those that were changed, and have not been changed with them: an old system
 * may know a customer by several names. */
#ifndef SSOFERRY_CLI_SIBLINGS_H
#define SSOFERRY_CLI_SIBLINGS_H

#include "ssoferry/table.h"

enum { SIBLINGS_NOTED_MAX = 1000 };

/* Begins as {0}; siblings_release() ends it. */
struct siblings {
    struct sibling *noted; /* what changed rows were before */
    size_t count;
    bool moved; /* one of them has another connection now */
};

/* Forgets what was noted. */
void siblings_release(struct siblings *siblings);

/* Notes a row that has changed, if its state or connection has; of many, the first SIBLINGS_NOTED_MAX. */
void siblings_note(struct siblings *siblings, const struct connection *before, const struct connection *after);

/* Warns of rows that still are what a noted one was: of that connection, and in that state. Looks at all rows of the
 * table, where something was noted and there are no more than ROWS_COMPARED_MAX. */
void siblings_warn(struct siblings *siblings, struct table *table);

/* Tells which rows lead to the connection, less those that `is_left_out` holds of: whoever gave it to another row may
 * have pasted the wrong one. Looks at all rows of the table, as siblings_warn() does. */
void siblings_tell_sharers(struct table *table, struct text connection_id,
                           bool (*is_left_out)(const void *context, struct text source, struct text identifier),
                           const void *context);

#endif
