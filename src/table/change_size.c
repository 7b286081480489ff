#include "change_size.h"

#include <unistd.h>

/* What the size of a table's transactions means for a change. */
enum {
    USUAL_ROW = 64,        /* bytes that most rows take */
    TRANSACTIONS_HELD = 4, /* most transactions' worth of pages that a change in place may hold in memory */
    PART = 16,         /* if more than one row in this many changes, hardly a page of a large table stays the same */
    LITTLE_BESIDE = 4, /* rewriting a table costs little compared with adding this many times its rows */
};

bool change_size_is_large(const struct change *change, const struct bulk *bulk)
{
    return bulk->rows * USUAL_ROW > change->snapshot.table->transaction_size &&
           bulk->rows / LITTLE_BESIDE >= change->rows_before;
}

void change_size_bound(struct change *change)
{
    change->bounded = true;
    change->page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
}

/* Counts the pages that hold the rows: LMDB keeps the changed ones in memory, but does not say how many there are. Rows
 * come in key order, so those of one page come together. A page may count twice, because LMDB's memory is not aligned.
 */
static void count_page(struct change *change, const void *row)
{
    uintptr_t page = (uintptr_t)row / change->page_size;
    change->pages += page != change->page;
    change->page = page;
}

bool change_size_check(struct change *change, const void *row, struct error *error)
{
    const struct table *table = change->snapshot.table;
    count_page(change, row);
    uint64_t touched = change->counts.added + change->counts.changed + change->counts.removed;
    uint64_t size = change->pages * change->page_size + undo_writer_size(change->undo);
    bool large_table = change->rows_before * USUAL_ROW > table->transaction_size;
    if (size <= TRANSACTIONS_HELD * table->transaction_size && !(large_table && touched > change->rows_before / PART))
        return true;
    error_set(&change->failed, ERROR_TOO_LARGE, "%s: the change is too large for one transaction", table->path);
    *error = change->failed;
    return false;
}
