/* Rows that lead to the same connection as those that were changed, but were not changed with them: an old system may
 * know a customer by several names. */
#ifndef SSOFERRY_CLI_SIBLINGS_H
#define SSOFERRY_CLI_SIBLINGS_H

#include "files.h"
#include "ssoferry/table.h"

enum { SIBLINGS_NOTED_MAX = 1000 };

/* Starts as {0}; free with siblings_release(). */
struct siblings {
    struct sibling *noted; /* what the changed rows were before */
    size_t count;
    bool moved;                /* one of them now has another connection */
    bool would;                /* the change is not made */
    uint64_t changed;          /* by siblings_note_change() */
    uint64_t found;            /* by siblings_tell() */
    struct progress *progress; /* from siblings_open() on */
};

/* Frees and forgets what was noted. */
void siblings_release(struct siblings *siblings);

/* Notes a changed row, if its state or connection changed; at most SIBLINGS_NOTED_MAX rows. */
void siblings_note(struct siblings *siblings, const struct connection *before, const struct connection *after);

/* Notes a changed row of files, if its state alone changed: where two rows have swapped connections, nobody is left
 * behind. If more than SIBLINGS_NOTED_MAX rows change, nobody is looked for. An unreadable record belongs to nobody. */
void siblings_note_change(struct siblings *siblings, const struct difference *difference);

/* Warns of rows that still have the connection and state that a noted row had. If anything was noted, reads all rows,
 * unless the table has more than ROWS_COMPARED_MAX. */
void siblings_warn(struct siblings *siblings, struct context *context);

/* The same of rows that would have them, for a change that is not made: siblings_open() returns a snapshot to close
 * with siblings_close(), or NULL if there is nobody to look for; siblings_tell() is called in between with each row as
 * it would be. */
struct snapshot *siblings_open(struct siblings *siblings, struct context *context);
void siblings_tell(struct siblings *siblings, struct text key, struct text record);
bool siblings_have(const struct siblings *siblings, struct text record); /* whether it would be told */
void siblings_close(struct siblings *siblings, struct snapshot *snapshot);

/* The same, if the change would be to load the files. */
void siblings_warn_of_files(struct siblings *siblings, struct context *context, const struct files *files,
                            const struct arguments *arguments);

/* Warns which other rows lead to the connection, except those for which `is_left_out` is true: the wrong connection may
 * have been pasted. Reads all rows, like siblings_warn(). */
void siblings_tell_sharers(struct table *table, struct text connection_id,
                           bool (*is_left_out)(const void *context, struct text source, struct text identifier),
                           const void *context);

#endif
