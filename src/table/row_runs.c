#include "row_runs.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "ssoferry/memory.h"
#include "ssoferry/temporary.h"

enum {
    WRITE_SIZE = 256 << 10,  /* bytes written at a time */
    WINDOWS_SIZE = 16 << 20, /* for reading all runs together */
    WINDOW_MIN = 16 << 10,
    WINDOW_MAX = 256 << 10,
};

/* A sorted stretch of the file, and the window through which it is read. */
struct row_run {
    off_t start, end;
    off_t next; /* where the window continues */
    unsigned char *window;
    size_t at, filled; /* in the window */
    struct rowset_row row;
    uint64_t prefix[2]; /* of its key, after the bytes that all share: decides most comparisons */
};

void row_runs_release(struct row_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++)
        free(runs->runs[i].window);
    if (runs->file != NULL)
        fclose(runs->file);
    free(runs->runs);
    free(runs->heap.at);
}

/* -- writing -- */

bool row_runs_spill(struct row_runs *runs, struct row_buffer *buffer, bool continues, size_t shared,
                    struct error *error)
{
    if (runs->file == NULL) {
        if (!temporary_open(&runs->file, error))
            return false;
        setvbuf(runs->file, NULL, _IOFBF, WRITE_SIZE);
    }
    off_t start = ftello(runs->file);
    if (!row_buffer_write(buffer, shared, runs->file))
        return temporary_fail(errno, error);
    if (!continues || runs->count == 0) {
        runs->runs = memory_resize(runs->runs, (runs->count + 1) * sizeof runs->runs[0]);
        runs->runs[runs->count++] = (struct row_run){.start = start};
    }
    runs->runs[runs->count - 1].end = ftello(runs->file);
    return true;
}

bool row_runs_end(struct row_runs *runs, size_t shared, struct error *error)
{
    if (fflush(runs->file) != 0)
        return temporary_fail(errno, error);
    runs->shared = shared;
    runs->window_size = WINDOWS_SIZE / runs->count;
    runs->window_size = runs->window_size < WINDOW_MIN   ? WINDOW_MIN
                        : runs->window_size > WINDOW_MAX ? WINDOW_MAX
                                                         : runs->window_size;
    runs->heap.at = memory_allocate(runs->count * sizeof runs->heap.at[0]);
    for (size_t i = 0; i < runs->count; i++)
        runs->runs[i].window = memory_allocate(runs->window_size);
    return true;
}

bool row_runs_have_ended(const struct row_runs *runs)
{
    return runs->heap.at != NULL;
}

/* -- reading -- */

/* Makes sure that the run's next row is completely in the window. *ended if there is none. */
static bool fill_window(struct row_runs *runs, struct row_run *run, bool *ended, struct error *error)
{
    size_t left = run->filled - run->at;
    *ended = left == 0 && run->next == run->end;
    if (left >= PACKED_ROW_MAX || run->next == run->end)
        return true;
    memmove(run->window, run->window + run->at, left);
    run->at = 0;
    run->filled = left;
    while (run->filled < runs->window_size && run->next < run->end) {
        size_t wanted = runs->window_size - run->filled;
        if ((off_t)wanted > run->end - run->next)
            wanted = (size_t)(run->end - run->next);
        ssize_t got = pread(fileno(runs->file), run->window + run->filled, wanted, run->next);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return temporary_fail(got < 0 ? errno : EIO, error);
        run->filled += (size_t)got;
        run->next += got;
    }
    return true;
}

static bool next_of_run(struct row_runs *runs, struct row_run *run, bool *ended, struct error *error)
{
    if (!fill_window(runs, run, ended, error))
        return false;
    if (*ended)
        return true;
    run->row = packed_row_at(run->window + run->at);
    run->at += sizeof(struct packed_head) + run->row.row.key.size + run->row.row.record.size;
    if (runs->count > 1) {
        run->prefix[0] = key_prefix(run->row.row.key, runs->shared);
        run->prefix[1] = key_prefix(run->row.row.key, runs->shared + sizeof run->prefix[0]);
    }
    return true;
}

/* Equal keys are given in the order they were added, which is also that of the runs. */
static bool comes_first(const void *a, const void *b)
{
    const struct row_run *first = a, *second = b;
    if (first->prefix[0] != second->prefix[0])
        return first->prefix[0] < second->prefix[0];
    if (first->prefix[1] != second->prefix[1])
        return first->prefix[1] < second->prefix[1];
    int order = text_compare(first->row.row.key, second->row.row.key);
    return order != 0 ? order < 0 : first < second;
}

bool row_runs_rewind(struct row_runs *runs, struct error *error)
{
    runs->heap.count = 0;
    runs->given = false;
    for (size_t i = 0; i < runs->count; i++) {
        bool ended = false;
        struct row_run *run = &runs->runs[i];
        run->next = run->start;
        run->at = run->filled = 0;
        if (!next_of_run(runs, run, &ended, error))
            return false;
        runs->heap.at[runs->heap.count++] = run;
    }
    heap_order(&runs->heap, comes_first);
    return true;
}

enum lookup_result row_runs_next(struct row_runs *runs, struct rowset_row *row, struct error *error)
{
    if (runs->given) {
        bool ended = false;
        if (!next_of_run(runs, runs->heap.at[0], &ended, error))
            return LOOKUP_FAILED;
        if (ended)
            heap_drop(&runs->heap, comes_first);
        else
            heap_sink(&runs->heap, 0, comes_first);
    }
    runs->given = runs->heap.count > 0;
    if (!runs->given)
        return LOOKUP_ABSENT;
    const struct row_run *run = runs->heap.at[0];
    *row = run->row;
    return LOOKUP_FOUND;
}
