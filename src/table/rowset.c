#include "ssoferry/rowset.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "heap.h"
#include "ssoferry/memory.h"
#include "ssoferry/row_order.h"
#include "ssoferry/temporary.h"

/* A row as it lies in the buffer and in the file: this, the key, the record. */
struct head {
    uint16_t key_size, record_size;
    uint32_t file, line, column, length;
};

enum {
    BUFFER_SIZE_DEFAULT = 64 << 20,
    ROOM_AT_FIRST = 1 << 20, /* which is enough for most files; then all at once */
    ROW_MAX = sizeof(struct head) + CONNECTION_KEY_SIZE_MAX + CONNECTION_RECORD_SIZE_MAX,
    ROWS_AHEAD = 16,
    CACHE_LINE = 64,
    WRITE_SIZE = 256 << 10,  /* bytes written at a time */
    WINDOWS_SIZE = 16 << 20, /* for reading all runs */
    WINDOW_MIN = 16 << 10,
    WINDOW_MAX = 256 << 10,
};

/* A sorted stretch of the file, and the window through which it is read. */
struct run {
    off_t start, end;
    off_t next; /* what the window has not seen yet */
    unsigned char *window;
    size_t at, filled; /* of the window */
    struct rowset_row row;
    uint64_t prefix[2]; /* of its key, behind what all share: most comparisons end there */
};

struct rowset {
    uint64_t count;
    bool ascends;         /* all rows so far */
    bool buffer_ascends;  /* not strictly: those of the buffer */
    size_t last_key_size; /* of the row added last */
    char last_key[CONNECTION_KEY_SIZE_MAX];
    size_t first_key_size;
    char first_key[CONNECTION_KEY_SIZE_MAX];
    size_t shared; /* bytes that all keys start with alike, known once they do not ascend: mostly more than a source */

    unsigned char *buffer;
    size_t buffer_size;      /* that it may have */
    size_t room;             /* that it has */
    size_t used, rows;       /* of the buffer */
    struct row_place *order; /* of the buffer's rows where they do not ascend, once they are sorted */
    size_t order_size;       /* bytes of it */
    bool sorted;             /* without a file: the order is that of the keys */
    bool differs;            /* and no key is there twice */
    size_t at;               /* reading: bytes of the buffer, or entries of the order */

    FILE *file; /* NULL: all rows are in the buffer */
    struct run *runs;
    size_t run_count;
    struct heap heap; /* runs by their rows */
    size_t window_size;
    bool given; /* the first one's row was given out and is to be passed */
};

struct rowset *rowset_new(size_t buffer_size)
{
    struct rowset *set = memory_zeroed(1, sizeof *set);
    set->buffer_size = buffer_size > 0 ? buffer_size : BUFFER_SIZE_DEFAULT;
    set->ascends = set->buffer_ascends = true;
    return set;
}

static void free_order(struct rowset *set)
{
    memory_pages_free(set->order, set->order_size);
    set->order = NULL;
}

static void free_buffer(struct rowset *set)
{
    free_order(set);
    memory_pages_free(set->buffer, set->room);
    set->buffer = NULL;
}

void rowset_free(struct rowset *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->run_count; i++)
        free(set->runs[i].window);
    if (set->file != NULL)
        fclose(set->file);
    free(set->runs);
    free(set->heap.at);
    free_buffer(set);
    free(set);
}

uint64_t rowset_count(const struct rowset *set)
{
    return set->count;
}

bool rowset_differs(const struct rowset *set)
{
    return set->ascends || set->differs;
}

/* -- rows as bytes -- */

static struct head head_at(const unsigned char *bytes)
{
    struct head head;
    memcpy(&head, bytes, sizeof head);
    return head;
}

static size_t size_at(const unsigned char *bytes)
{
    struct head head = head_at(bytes);
    return sizeof head + head.key_size + head.record_size;
}

static struct text key_at(const unsigned char *bytes)
{
    return text_slice((const char *)bytes + sizeof(struct head), head_at(bytes).key_size);
}

static struct rowset_row row_at(const unsigned char *bytes)
{
    struct head head = head_at(bytes);
    struct text key = key_at(bytes);
    return (struct rowset_row){
        {key, text_slice(key.at + key.size, head.record_size)}, head.file, head.line, head.column, head.length};
}

static size_t write_row(unsigned char *bytes, const struct rowset_row *row)
{
    struct text key = row->row.key, record = row->row.record;
    struct head head = {(uint16_t)key.size, (uint16_t)record.size, row->file, row->line, row->column, row->length};
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, key.at, key.size);
    if (record.size > 0)
        memcpy(bytes + sizeof head + key.size, record.at, record.size);
    return sizeof head + key.size + record.size;
}

/* -- sorting the buffer -- */

static struct text key_of_place(const void *buffer, uint32_t offset)
{
    return key_at((const unsigned char *)buffer + offset);
}

/* The last row added is not greater than the one before it. Of rows that ascend, the first and the last tell what those
 * between them start with alike. */
static void end_ascending(struct rowset *set)
{
    set->ascends = false;
    set->shared =
        text_shared(text_slice(set->first_key, set->first_key_size), text_slice(set->last_key, set->last_key_size));
}

/* Returns whether each key is there but once. */
static bool sort_buffer(struct rowset *set)
{
    size_t at = 0;
    set->order_size = set->rows * sizeof set->order[0];
    set->order = memory_large(set->order_size);
    memory_pages_widen(set->order, set->order_size);
    for (size_t i = 0; i < set->rows; i++) {
        set->order[i] = (struct row_place){0, (uint32_t)at};
        at += size_at(set->buffer + at);
    }
    return row_order_sort(set->order, set->rows, set->shared, key_of_place, set->buffer);
}

/* -- writing runs -- */

/* Rows in order lie all over the buffer, and mostly in two lines of the cache. Inline, or gcc takes the function for
 * one without effect, and leaves it out. */
static inline __attribute__((always_inline)) void fetch_ahead(const struct rowset *set, size_t i)
{
    if (i + ROWS_AHEAD >= set->rows)
        return;
    const unsigned char *row = set->buffer + set->order[i + ROWS_AHEAD].offset;
    __builtin_prefetch(row);
    __builtin_prefetch(row + CACHE_LINE);
}

static bool write_buffer(struct rowset *set)
{
    if (set->buffer_ascends)
        return fwrite(set->buffer, 1, set->used, set->file) == set->used;
    sort_buffer(set);
    for (size_t i = 0; i < set->rows; i++) {
        const unsigned char *row = set->buffer + set->order[i].offset;
        fetch_ahead(set, i);
        size_t size = size_at(row);
        if (fwrite_unlocked(row, 1, size, set->file) != size)
            return false;
    }
    free_order(set);
    return true;
}

/* Empties the buffer into the file, as a new run or, where the rows came in order, as more of the last one. */
static bool spill(struct rowset *set, bool continues, struct error *error)
{
    if (set->file == NULL) {
        if (!temporary_open(&set->file, error))
            return false;
        setvbuf(set->file, NULL, _IOFBF, WRITE_SIZE);
    }
    off_t start = ftello(set->file);
    if (!write_buffer(set))
        return temporary_fail(errno, error);
    if (!continues || set->run_count == 0) {
        set->runs = memory_resize(set->runs, (set->run_count + 1) * sizeof set->runs[0]);
        set->runs[set->run_count++] = (struct run){.start = start};
    }
    set->runs[set->run_count - 1].end = ftello(set->file);
    set->used = set->rows = 0;
    set->buffer_ascends = true;
    return true;
}

static void widen_buffer(struct rowset *set)
{
    size_t room = set->room == 0 && set->buffer_size > ROOM_AT_FIRST ? ROOM_AT_FIRST : set->buffer_size;
    unsigned char *buffer = memory_large(room);
    if (set->used > 0)
        memcpy(buffer, set->buffer, set->used);
    memory_pages_free(set->buffer, set->room);
    set->buffer = buffer;
    set->room = room;
    if (!set->buffer_ascends)
        memory_pages_widen(buffer, room);
}

/* Sees to it that a row of any size fits into the buffer. */
static bool make_room(struct rowset *set, struct error *error)
{
    if (set->room - set->used < ROW_MAX && set->room < set->buffer_size)
        widen_buffer(set);
    return set->room - set->used >= ROW_MAX || spill(set, set->ascends, error);
}

/* Its rows will be read all over it. */
static void end_ascending_buffer(struct rowset *set)
{
    set->buffer_ascends = false;
    memory_pages_widen(set->buffer, set->room);
}

static void compare_with_last(struct rowset *set, struct text key)
{
    int order = text_compare(text_slice(set->last_key, set->last_key_size), key);
    if (set->ascends && order >= 0)
        end_ascending(set);
    if (set->rows > 0 && order > 0)
        end_ascending_buffer(set);
}

bool rowset_add(struct rowset *set, const struct rowset_row *row, struct error *error)
{
    struct text key = row->row.key;
    assert(key.size > 0 && key.size <= CONNECTION_KEY_SIZE_MAX && row->row.record.size <= CONNECTION_RECORD_SIZE_MAX);
    if (!make_room(set, error))
        return false;
    if (set->count > 0 && (set->ascends || set->buffer_ascends))
        compare_with_last(set, key);
    if (!set->ascends)
        set->shared = text_shared(text_slice(set->first_key, set->shared), key);
    set->used += write_row(set->buffer + set->used, row);
    memcpy(set->last_key, key.at, key.size);
    set->last_key_size = key.size;
    if (set->count == 0) {
        memcpy(set->first_key, key.at, key.size);
        set->first_key_size = key.size;
    }
    set->rows++;
    set->count++;
    return true;
}

/* -- reading runs -- */

/* Sees to it that the run's next row is whole in the window. *ended where there is none. */
static bool fill_window(struct rowset *set, struct run *run, bool *ended, struct error *error)
{
    size_t left = run->filled - run->at;
    *ended = left == 0 && run->next == run->end;
    if (left >= ROW_MAX || run->next == run->end)
        return true;
    memmove(run->window, run->window + run->at, left);
    run->at = 0;
    run->filled = left;
    while (run->filled < set->window_size && run->next < run->end) {
        size_t wanted = set->window_size - run->filled;
        if ((off_t)wanted > run->end - run->next)
            wanted = (size_t)(run->end - run->next);
        ssize_t got = pread(fileno(set->file), run->window + run->filled, wanted, run->next);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return temporary_fail(got < 0 ? errno : EIO, error);
        run->filled += (size_t)got;
        run->next += got;
    }
    return true;
}

static bool next_of_run(struct rowset *set, struct run *run, bool *ended, struct error *error)
{
    if (!fill_window(set, run, ended, error))
        return false;
    if (*ended)
        return true;
    run->row = row_at(run->window + run->at);
    run->at += sizeof(struct head) + run->row.row.key.size + run->row.row.record.size;
    if (set->run_count > 1) {
        run->prefix[0] = key_prefix(run->row.row.key, set->shared);
        run->prefix[1] = key_prefix(run->row.row.key, set->shared + sizeof run->prefix[0]);
    }
    return true;
}

/* Equal keys come in the order they were added, and so do runs. */
static bool comes_first(const void *a, const void *b)
{
    const struct run *first = a, *second = b;
    if (first->prefix[0] != second->prefix[0])
        return first->prefix[0] < second->prefix[0];
    if (first->prefix[1] != second->prefix[1])
        return first->prefix[1] < second->prefix[1];
    int order = text_compare(first->row.row.key, second->row.row.key);
    return order != 0 ? order < 0 : first < second;
}

/* Turns from adding to reading: the rest goes to the file as well, and the buffer's memory to the windows. */
static bool end_adding(struct rowset *set, struct error *error)
{
    if (set->rows > 0 && !spill(set, set->ascends, error))
        return false;
    if (fflush(set->file) != 0)
        return temporary_fail(errno, error);
    free_buffer(set);
    set->window_size = WINDOWS_SIZE / set->run_count;
    set->window_size = set->window_size < WINDOW_MIN   ? WINDOW_MIN
                       : set->window_size > WINDOW_MAX ? WINDOW_MAX
                                                       : set->window_size;
    set->heap.at = memory_allocate(set->run_count * sizeof set->heap.at[0]);
    for (size_t i = 0; i < set->run_count; i++)
        set->runs[i].window = memory_allocate(set->window_size);
    return true;
}

static bool rewind_runs(struct rowset *set, struct error *error)
{
    if (set->heap.at == NULL && !end_adding(set, error))
        return false;
    set->heap.count = 0;
    set->given = false;
    for (size_t i = 0; i < set->run_count; i++) {
        bool ended = false;
        struct run *run = &set->runs[i];
        run->next = run->start;
        run->at = run->filled = 0;
        if (!next_of_run(set, run, &ended, error))
            return false;
        set->heap.at[set->heap.count++] = run;
    }
    heap_order(&set->heap, comes_first);
    return true;
}

bool rowset_rewind(struct rowset *set, struct error *error)
{
    set->at = 0;
    if (set->file != NULL)
        return rewind_runs(set, error);
    if (!set->buffer_ascends && !set->sorted)
        set->differs = sort_buffer(set);
    set->sorted = true;
    return true;
}

static enum lookup_result next_of_buffer(struct rowset *set, struct rowset_row *row)
{
    if (set->at == (set->buffer_ascends ? set->used : set->rows))
        return LOOKUP_ABSENT;
    const unsigned char *bytes = set->buffer + (set->buffer_ascends ? set->at : set->order[set->at].offset);
    if (!set->buffer_ascends)
        fetch_ahead(set, set->at);
    *row = row_at(bytes);
    set->at += set->buffer_ascends ? size_at(bytes) : 1;
    return LOOKUP_FOUND;
}

enum lookup_result rowset_next(struct rowset *set, struct rowset_row *row, struct error *error)
{
    if (set->file == NULL)
        return next_of_buffer(set, row);
    if (set->given) {
        bool ended = false;
        if (!next_of_run(set, set->heap.at[0], &ended, error))
            return LOOKUP_FAILED;
        if (ended)
            heap_drop(&set->heap, comes_first);
        else
            heap_sink(&set->heap, 0, comes_first);
    }
    set->given = set->heap.count > 0;
    if (!set->given)
        return LOOKUP_ABSENT;
    const struct run *run = set->heap.at[0];
    *row = run->row;
    return LOOKUP_FOUND;
}
