/* Rows in memory: taken as they come, then sorted where they did not come in key order. For this folder only. */
#ifndef SSOFERRY_TABLE_ROW_BUFFER_H
#define SSOFERRY_TABLE_ROW_BUFFER_H

#include <stdio.h>

#include "packed_row.h"
#include "ssoferry/row_order.h"

struct row_buffer {
    unsigned char *bytes;    /* rows, one behind the other */
    size_t room_most;        /* bytes that it may have; the owner's to set */
    size_t room;             /* that it has */
    size_t used, rows;       /* bytes and rows that are in it */
    bool ascends;            /* its keys, each not less than the one before; true at first, the owner's to set */
    struct row_place *order; /* of the rows where they do not ascend, once they are sorted */
    size_t order_size;       /* bytes of it */
};

/* Frees all that it holds; it is as it was at first but for `ascends`. */
void row_buffer_release(struct row_buffer *buffer);

/* Takes memory where that lets a row of any size fit in. Returns whether one does. */
bool row_buffer_make_room(struct row_buffer *buffer);

/* Copies a row in, for which there must be room. */
void row_buffer_add(struct row_buffer *buffer, const struct rowset_row *row);

/* The key to be added next is less than the last one. */
void row_buffer_end_ascending(struct row_buffer *buffer);

/* For one that does not ascend. `shared` is how many bytes all keys start with alike. Returns whether each key is there
 * but once. */
bool row_buffer_sort(struct row_buffer *buffer, size_t shared);

/* The row at *at, which is 0 for the first and is moved on; false where there is none. One that does not ascend has to
 * be sorted. The texts lie in the buffer. */
bool row_buffer_next(const struct row_buffer *buffer, size_t *at, struct rowset_row *row);

/* Writes all rows in order and empties the buffer, which ascends again. False, with errno set, where that fails. */
bool row_buffer_write(struct row_buffer *buffer, size_t shared, FILE *file);

#endif
