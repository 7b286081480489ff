/* Rows in memory, sorted unless they arrive in key order. For this folder only. */
#ifndef SSOFERRY_TABLE_ROW_BUFFER_H
#define SSOFERRY_TABLE_ROW_BUFFER_H

#include <stdio.h>

#include "packed_row.h"
#include "ssoferry/row_order.h"

struct row_buffer {
    unsigned char *bytes;    /* rows, one after the other */
    size_t room_most;        /* bytes that it may use; set by the owner */
    size_t room;             /* bytes that it has */
    size_t used, rows;       /* bytes and rows in it */
    bool ascends;            /* no key is less than the one before; initially true, set by the owner */
    struct row_place *order; /* of rows that do not ascend, once sorted */
    size_t order_size;       /* its size in bytes */
};

/* Frees its memory. Afterwards it is as at first, except for `ascends`. */
void row_buffer_release(struct row_buffer *buffer);

/* Allocates memory if that makes room for a row of any size. Returns whether there is room. */
bool row_buffer_make_room(struct row_buffer *buffer);

/* Copies a row in; there must be room. */
void row_buffer_add(struct row_buffer *buffer, const struct rowset_row *row);

/* Call before adding a key that is less than the last one. */
void row_buffer_end_ascending(struct row_buffer *buffer);

/* Sorts a buffer that does not ascend. `shared`: leading bytes that all keys share. Returns whether all keys differ. */
bool row_buffer_sort(struct row_buffer *buffer, size_t shared);

/* Gives the row at *at, which starts at 0, and advances it; false after the last. A buffer that does not ascend must be
 * sorted first. The texts point into the buffer. */
bool row_buffer_next(const struct row_buffer *buffer, size_t *at, struct rowset_row *row);

/* Writes all rows in order and empties the buffer, which then ascends again. On false, errno is set. */
bool row_buffer_write(struct row_buffer *buffer, size_t shared, FILE *file);

#endif
