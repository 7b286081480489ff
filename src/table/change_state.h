/* The inside of a change, which rollback and rewrite need, too. For this folder only. */
#ifndef SSOFERRY_TABLE_CHANGE_STATE_H
#define SSOFERRY_TABLE_CHANGE_STATE_H

#include "undo.h"

struct change {
    struct snapshot snapshot; /* its transaction is the change's; its state follows the rows */
    MDB_cursor *cursor;       /* for writing: on the table's rows or, in a rewrite, on the new ones */
    struct rewrite *rewrite;  /* NULL: rows are written in place */
    struct undo_writer *undo;
    struct change_counts counts;
    bool uncounted;      /* a damaged record was replaced, so the rows by state must be recounted */
    bool committed;      /* the last transaction was */
    struct error failed; /* why a write failed: the change can only be abandoned */
    bool full;           /* it failed because there was no room */
    size_t last_size;    /* in place: no key in the table is greater; 0: there are no rows */
    char last[CONNECTION_KEY_SIZE_MAX];
    bool bounded;         /* in place: fail with ERROR_TOO_LARGE if it grows too large */
    uint64_t rows_before; /* in the table before the change */
    uint64_t pages;       /* pages written to, roughly */
    uintptr_t page;       /* the last of those */
    uintptr_t page_size;  /* bytes */
};

#endif
