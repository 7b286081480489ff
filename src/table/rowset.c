#include "ssoferry/rowset.h"

#include <assert.h>
#include <stdlib.h>

#include "row_buffer.h"
#include "row_runs.h"
#include "ssoferry/memory.h"

enum { BUFFER_SIZE_DEFAULT = 64 << 20 };

struct rowset {
    uint64_t count;
    bool ascends;         /* all rows so far */
    size_t last_key_size; /* the row added last */
    char last_key[CONNECTION_KEY_SIZE_MAX];
    size_t first_key_size;
    char first_key[CONNECTION_KEY_SIZE_MAX];
    size_t shared; /* leading bytes that all keys share, known once keys do not ascend: usually more than a source */
    struct row_buffer buffer;
    struct row_runs runs; /* used if not all rows are in the buffer */
    bool sorted;          /* without runs: the buffer is in key order */
    bool differs;         /* and all keys differ */
    size_t at;            /* read position in the buffer */
};

struct rowset *rowset_new(size_t buffer_size)
{
    struct rowset *set = memory_zeroed(1, sizeof *set);
    set->buffer.room_most = buffer_size > 0 ? buffer_size : BUFFER_SIZE_DEFAULT;
    set->ascends = set->buffer.ascends = true;
    return set;
}

void rowset_free(struct rowset *set)
{
    if (set == NULL)
        return;
    row_runs_release(&set->runs);
    row_buffer_release(&set->buffer);
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

/* -- adding -- */

static bool spill(struct rowset *set, struct error *error)
{
    return row_runs_spill(&set->runs, &set->buffer, set->ascends, set->shared, error);
}

static bool make_room(struct rowset *set, struct error *error)
{
    return row_buffer_make_room(&set->buffer) || spill(set, error);
}

/* Called when a row to add is not greater than the last one. What the first and the last of ascending keys share, all
 * those in between share, too. */
static void end_ascending(struct rowset *set)
{
    set->ascends = false;
    set->shared =
        text_shared(text_slice(set->first_key, set->first_key_size), text_slice(set->last_key, set->last_key_size));
}

static void compare_with_last(struct rowset *set, struct text key)
{
    int order = text_compare(text_slice(set->last_key, set->last_key_size), key);
    if (set->ascends && order >= 0)
        end_ascending(set);
    if (set->buffer.rows > 0 && order > 0)
        row_buffer_end_ascending(&set->buffer);
}

bool rowset_add(struct rowset *set, const struct rowset_row *row, struct error *error)
{
    struct text key = row->row.key;
    assert(key.size > 0 && key.size <= CONNECTION_KEY_SIZE_MAX && row->row.record.size <= CONNECTION_RECORD_SIZE_MAX);
    if (!make_room(set, error))
        return false;
    if (set->count > 0 && (set->ascends || set->buffer.ascends))
        compare_with_last(set, key);
    if (!set->ascends)
        set->shared = text_shared(text_slice(set->first_key, set->shared), key);
    row_buffer_add(&set->buffer, row);
    memcpy(set->last_key, key.at, key.size);
    set->last_key_size = key.size;
    if (set->count == 0) {
        memcpy(set->first_key, key.at, key.size);
        set->first_key_size = key.size;
    }
    set->count++;
    return true;
}

/* -- reading -- */

/* Switches to reading: the remaining rows go to the file, too, and the buffer's memory to the windows. */
static bool end_adding(struct rowset *set, struct error *error)
{
    if (set->buffer.rows > 0 && !spill(set, error))
        return false;
    row_buffer_release(&set->buffer);
    return row_runs_end(&set->runs, set->shared, error);
}

bool rowset_rewind(struct rowset *set, struct error *error)
{
    set->at = 0;
    if (set->runs.file != NULL)
        return (row_runs_have_ended(&set->runs) || end_adding(set, error)) && row_runs_rewind(&set->runs, error);
    if (!set->buffer.ascends && !set->sorted)
        set->differs = row_buffer_sort(&set->buffer, set->shared);
    set->sorted = true;
    return true;
}

enum lookup_result rowset_next(struct rowset *set, struct rowset_row *row, struct error *error)
{
    if (set->runs.file != NULL)
        return row_runs_next(&set->runs, row, error);
    return row_buffer_next(&set->buffer, &set->at, row) ? LOOKUP_FOUND : LOOKUP_ABSENT;
}
