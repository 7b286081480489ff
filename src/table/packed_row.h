/* A row and its place in a file, as a rowset stores them in memory and in its temporary file: this head, then the key,
 * then the record. Not aligned, because rows follow each other without gaps. For this folder only. */
#ifndef SSOFERRY_TABLE_PACKED_ROW_H
#define SSOFERRY_TABLE_PACKED_ROW_H

#include "ssoferry/rowset.h"

struct packed_head {
    uint16_t key_size, record_size;
    uint32_t file, line, column, length;
};

enum { PACKED_ROW_MAX = sizeof(struct packed_head) + CONNECTION_KEY_SIZE_MAX + CONNECTION_RECORD_SIZE_MAX };

static inline struct packed_head packed_head_at(const unsigned char *bytes)
{
    struct packed_head head;
    memcpy(&head, bytes, sizeof head);
    return head;
}

/* Size of the row in bytes. */
static inline size_t packed_size_at(const unsigned char *bytes)
{
    struct packed_head head = packed_head_at(bytes);
    return sizeof head + head.key_size + head.record_size;
}

static inline struct text packed_key_at(const unsigned char *bytes)
{
    return text_slice((const char *)bytes + sizeof(struct packed_head), packed_head_at(bytes).key_size);
}

/* Its texts point into `bytes`. */
static inline struct rowset_row packed_row_at(const unsigned char *bytes)
{
    struct packed_head head = packed_head_at(bytes);
    struct text key = packed_key_at(bytes);
    return (struct rowset_row){
        {key, text_slice(key.at + key.size, head.record_size)}, head.file, head.line, head.column, head.length};
}

/* Returns the number of bytes written. */
static inline size_t packed_row_write(unsigned char *bytes, const struct rowset_row *row)
{
    struct text key = row->row.key, record = row->row.record;
    struct packed_head head = {(uint16_t)key.size, (uint16_t)record.size, row->file,
                               row->line,          row->column,           row->length};
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, key.at, key.size);
    if (record.size > 0)
        memcpy(bytes + sizeof head + key.size, record.at, record.size);
    return sizeof head + key.size + record.size;
}

#endif
