/* A change's inside, which taking back needs too. For this folder only. */
#ifndef SSOFERRY_TABLE_CHANGE_H
#define SSOFERRY_TABLE_CHANGE_H

#include "undo.h"

struct change {
    struct snapshot snapshot; /* its transaction is the change's; its state follows the rows */
    MDB_cursor *cursor;       /* on connections, for writing */
    struct undo_writer *undo;
    struct change_counts counts;
    bool uncounted;      /* a damaged record was replaced, so the rows by state must be counted afresh */
    struct error failed; /* why a write failed: the change can only be given up */
    size_t last_size;    /* no key is greater than this one; 0: there is none */
    char last[CONNECTION_KEY_SIZE_MAX];
};

#endif
