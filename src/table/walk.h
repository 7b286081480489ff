/* The rows of a walk, and its way out of a damaged file. For this folder only. */
#ifndef SSOFERRY_TABLE_WALK_H
#define SSOFERRY_TABLE_WALK_H

#include "store.h"

/* lookup_walk() by a snapshot that is open. One walk a table at a time. */
enum lookup_result walk_show(struct snapshot *snapshot, struct lookup_walk *walk, size_t most,
                             void (*visit)(void *context, struct table_row row), void *context, struct error *error);

/* Lets a walk survive a damaged page. Once, after the environment was opened. Returns an LMDB code. */
int walk_prepare(struct table *table);

#endif
