/* Rows on their way into the table: taken in any order, given back in key order. Memory is bounded, whatever their
 * number, by some 110 MiB: past 64 MiB of rows, which is more than a million usual ones, sorted runs go to a temporary
 * file and are merged while reading. Rows that come in key order are not sorted. */
#ifndef SSOFERRY_ROWSET_H
#define SSOFERRY_ROWSET_H

#include "ssoferry/table.h"

struct rowset;

struct rowset_row {
    struct table_row row;
    unsigned file, line, column, length; /* where it was written, as faults_add() takes it */
};

struct rowset *rowset_new(size_t buffer_size); /* bytes of rows held in memory; 0 = 64 MiB. Never NULL */
void rowset_free(struct rowset *set);          /* NULL is fine */

/* Adds a row, which is copied; key and record are within the limits of connection.h. False where the temporary file
 * cannot be made or written. */
bool rowset_add(struct rowset *set, const struct rowset_row *row, struct error *error)
    __attribute__((warn_unused_result));

/* How many were added. */
uint64_t rowset_count(const struct rowset *set);

/* Whether no key is there twice, as far as that is known: of rows that came in key order always, of others after
 * rowset_rewind() where they fit into memory. */
bool rowset_differs(const struct rowset *set);

/* Puts the set before its first row; may be called again. No row may be added after. */
bool rowset_rewind(struct rowset *set, struct error *error) __attribute__((warn_unused_result));

/* The next row in key order; equal keys come in the order they were added. LOOKUP_FOUND, LOOKUP_ABSENT after the last,
 * LOOKUP_FAILED. The texts live until the next call. */
enum lookup_result rowset_next(struct rowset *set, struct rowset_row *row, struct error *error)
    __attribute__((warn_unused_result));

#endif
