/* Rows on their way into the table: added in any order, read in key order. Memory is limited to some 110 MiB whatever
 * their number: beyond 64 MiB of rows, more than a million usual ones, sorted runs go to a temporary file and are
 * merged while reading. Rows that arrive in key order are not sorted. */
#ifndef SSOFERRY_ROWSET_H
#define SSOFERRY_ROWSET_H

#include "ssoferry/table.h"

struct rowset;

struct rowset_row {
    struct table_row row;
    unsigned file, line, column, length; /* where it was written, for faults_add() */
};

/* `buffer_size`: bytes of rows to hold in memory, at least twice CONNECTION_RECORD_SIZE_MAX; 0 = 64 MiB. Never NULL. */
struct rowset *rowset_new(size_t buffer_size);
void rowset_free(struct rowset *set); /* NULL is fine */

/* Adds a copy of a row, whose key and record must be within the limits of connection.h. False if the temporary file
 * cannot be created or written. */
bool rowset_add(struct rowset *set, const struct rowset_row *row, struct error *error)
    __attribute__((warn_unused_result));

/* Number of rows added. */
uint64_t rowset_count(const struct rowset *set);

/* Whether it is certain that all keys differ. Known at once for rows added in key order; for others after
 * rowset_rewind(), if they fit in memory. */
bool rowset_differs(const struct rowset *set);

/* Goes to before the first row. May be called again; no row may be added afterwards. */
bool rowset_rewind(struct rowset *set, struct error *error) __attribute__((warn_unused_result));

/* The next row in key order, equal keys in the order they were added: LOOKUP_FOUND, LOOKUP_ABSENT after the last, or
 * LOOKUP_FAILED. The texts live until the next call. */
enum lookup_result rowset_next(struct rowset *set, struct rowset_row *row, struct error *error)
    __attribute__((warn_unused_result));

#endif
