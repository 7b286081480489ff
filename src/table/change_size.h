/* How large a change is, which decides whether it is made in place or writes the table anew (rewrite.h). For this
 * folder only. */
#ifndef SSOFERRY_TABLE_CHANGE_SIZE_H
#define SSOFERRY_TABLE_CHANGE_SIZE_H

#include "change_state.h"

/* Whether it is best begun as a rewrite, by how many rows are to come. */
bool change_size_is_large(const struct change *change, const struct bulk *bulk);

/* From now on the size counts. */
void change_size_bound(struct change *change);

/* Counts the row that was just written to or taken from where it lay, at `row`. False with ERROR_TOO_LARGE where the
 * change can only be given up, and begun anew as a rewrite. */
bool change_size_check(struct change *change, const void *row, struct error *error) __attribute__((warn_unused_result));

#endif
