/* How large a change is, which decides between changing in place and rewriting (rewrite.h). For this folder only. */
#ifndef SSOFERRY_TABLE_CHANGE_SIZE_H
#define SSOFERRY_TABLE_CHANGE_SIZE_H

#include "change_state.h"

/* Whether to begin as a rewrite, judging by the number of rows to come. */
bool change_size_is_large(const struct change *change, const struct bulk *bulk);

/* From now on the change must not grow too large. */
void change_size_bound(struct change *change);

/* Counts the row that was just written or removed at `row`. False with ERROR_TOO_LARGE if the change must be abandoned
 * and begun again as a rewrite. */
bool change_size_check(struct change *change, const void *row, struct error *error) __attribute__((warn_unused_result));

#endif
