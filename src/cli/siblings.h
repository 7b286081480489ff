/* Rows that lead to the same connection as those that were changed, but were not changed with them: an old system may
 * know a customer by several names. */
#ifndef SSOFERRY_CLI_SIBLINGS_H
#define SSOFERRY_CLI_SIBLINGS_H

#include "ssoferry/table.h"

enum { SIBLINGS_NOTED_MAX = 1000 };

/* Starts as {0}; free with siblings_release(). */
struct siblings {
    struct sibling *noted; /* what the changed rows were before */
    size_t count;
    bool moved; /* one of them now has another connection */
};

/* Frees and forgets what was noted. */
void siblings_release(struct siblings *siblings);

/* Notes a changed row, if its state or connection changed; at most SIBLINGS_NOTED_MAX rows. */
void siblings_note(struct siblings *siblings, const struct connection *before, const struct connection *after);

/* Warns of rows that still have the connection and state that a noted row had. If anything was noted, reads all rows,
 * unless the table has more than ROWS_COMPARED_MAX. */
void siblings_warn(struct siblings *siblings, struct table *table);

/* Warns which other rows lead to the connection, except those for which `is_left_out` is true: the wrong connection may
 * have been pasted. Reads all rows, like siblings_warn(). */
void siblings_tell_sharers(struct table *table, struct text connection_id,
                           bool (*is_left_out)(const void *context, struct text source, struct text identifier),
                           const void *context);

#endif
