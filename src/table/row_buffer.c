#include "row_buffer.h"

#include "ssoferry/memory.h"

enum {
    ROOM_AT_FIRST = 1 << 20, /* enough for most files; after that, all of it at once */
    ROWS_AHEAD = 16,
};

static void free_order(struct row_buffer *buffer)
{
    memory_pages_free(buffer->order, buffer->order_size);
    buffer->order = NULL;
}

void row_buffer_release(struct row_buffer *buffer)
{
    free_order(buffer);
    memory_pages_free(buffer->bytes, buffer->room);
    buffer->bytes = NULL;
    buffer->room = buffer->used = buffer->rows = 0;
}

/* -- adding -- */

static void widen(struct row_buffer *buffer)
{
    size_t room = buffer->room == 0 && buffer->room_most > ROOM_AT_FIRST ? ROOM_AT_FIRST : buffer->room_most;
    unsigned char *bytes = memory_large(room);
    if (buffer->used > 0)
        memcpy(bytes, buffer->bytes, buffer->used);
    memory_pages_free(buffer->bytes, buffer->room);
    buffer->bytes = bytes;
    buffer->room = room;
    if (!buffer->ascends)
        memory_pages_widen(bytes, room);
}

bool row_buffer_make_room(struct row_buffer *buffer)
{
    if (buffer->room - buffer->used < PACKED_ROW_MAX && buffer->room < buffer->room_most)
        widen(buffer);
    return buffer->room - buffer->used >= PACKED_ROW_MAX;
}

void row_buffer_add(struct row_buffer *buffer, const struct rowset_row *row)
{
    buffer->used += packed_row_write(buffer->bytes + buffer->used, row);
    buffer->rows++;
}

void row_buffer_end_ascending(struct row_buffer *buffer)
{
    buffer->ascends = false;
    memory_pages_widen(buffer->bytes, buffer->room); /* its rows will be read in random order */
}

/* -- sorting -- */

static struct text key_of_place(const void *bytes, uint32_t offset)
{
    return packed_key_at((const unsigned char *)bytes + offset);
}

bool row_buffer_sort(struct row_buffer *buffer, size_t shared)
{
    size_t at = 0;
    buffer->order_size = buffer->rows * sizeof buffer->order[0];
    buffer->order = memory_large(buffer->order_size);
    memory_pages_widen(buffer->order, buffer->order_size);
    for (size_t i = 0; i < buffer->rows; i++) {
        buffer->order[i] = (struct row_place){0, (uint32_t)at};
        at += packed_size_at(buffer->bytes + at);
    }
    return row_order_sort(buffer->order, buffer->rows, shared, key_of_place, buffer->bytes);
}

/* -- reading -- */

/* Sorted rows are all over the buffer, each usually in two cache lines. Inline, because otherwise gcc assumes that the
 * function has no effect and drops it. */
static inline __attribute__((always_inline)) void fetch_ahead(const struct row_buffer *buffer, size_t i)
{
    if (i + ROWS_AHEAD >= buffer->rows)
        return;
    const unsigned char *row = buffer->bytes + buffer->order[i + ROWS_AHEAD].offset;
    __builtin_prefetch(row);
    __builtin_prefetch(row + MEMORY_LINE);
}

bool row_buffer_next(const struct row_buffer *buffer, size_t *at, struct rowset_row *row)
{
    if (*at == (buffer->ascends ? buffer->used : buffer->rows))
        return false;
    const unsigned char *bytes = buffer->bytes + (buffer->ascends ? *at : buffer->order[*at].offset);
    if (!buffer->ascends)
        fetch_ahead(buffer, *at);
    *row = packed_row_at(bytes);
    *at += buffer->ascends ? packed_size_at(bytes) : 1;
    return true;
}

static bool write_sorted(const struct row_buffer *buffer, FILE *file)
{
    for (size_t i = 0; i < buffer->rows; i++) {
        const unsigned char *row = buffer->bytes + buffer->order[i].offset;
        fetch_ahead(buffer, i);
        size_t size = packed_size_at(row);
        if (fwrite_unlocked(row, 1, size, file) != size)
            return false;
    }
    return true;
}

bool row_buffer_write(struct row_buffer *buffer, size_t shared, FILE *file)
{
    if (!buffer->ascends)
        row_buffer_sort(buffer, shared);
    if (!(buffer->ascends ? fwrite(buffer->bytes, 1, buffer->used, file) == buffer->used : write_sorted(buffer, file)))
        return false;
    free_order(buffer);
    buffer->used = buffer->rows = 0;
    buffer->ascends = true;
    return true;
}
