/* A change's inside, which taking back and writing anew need too. For this folder only. */
#ifndef SSOFERRY_TABLE_CHANGE_STATE_H
#define SSOFERRY_TABLE_CHANGE_STATE_H

#include "undo.h"

struct change {
    struct snapshot snapshot; /* its transaction is the change's; its state follows the rows */
    MDB_cursor *cursor;       /* for writing: on the table's rows or, in a rewrite, on those to come */
    struct rewrite *rewrite;  /* NULL: rows are written in place */
    struct undo_writer *undo;
    struct change_counts counts;
    bool uncounted;      /* a damaged record was replaced, so the rows by state must be counted afresh */
    bool committed;      /* its last transaction */
    struct error failed; /* why a write failed: the change can only be given up */
    bool full;           /* because there was no room for it */
    size_t last_size;    /* in place: no key is greater than this one; 0: there is none */
    char last[CONNECTION_KEY_SIZE_MAX];
    bool bounded;         /* in place: ERROR_TOO_LARGE where it grows too large */
    uint64_t rows_before; /* in the table */
    uint64_t pages;       /* written to, roughly */
    uintptr_t page;       /* the last of them */
    uintptr_t page_size;  /* bytes */
};

#endif
