#include "change_revision.h"

#include "history.h"
#include "ssoferry/clock.h"

/* Counts all rows by state; damaged ones are not counted. */
static int count_rows(struct change *change, uint64_t rows[CONNECTION_STATES])
{
    MDB_val key, value;
    enum connection_state state;
    memset(rows, 0, CONNECTION_STATES * sizeof rows[0]);
    int code = mdb_cursor_get(change->cursor, &key, &value, MDB_FIRST);
    for (; code == MDB_SUCCESS; code = mdb_cursor_get(change->cursor, &key, &value, MDB_NEXT)) {
        if (connection_record_state(text_of_val(value), &state))
            rows[state]++;
    }
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

/* The time of a change after one at `last`. It does not go back when the clock does, unless so far that the clock was
 * wrong: else all revisions would have the same time until a clock that was a year ahead is right. */
static int64_t time_after(int64_t last)
{
    const int64_t now = clock_utc_us();
    return now > last || last - now > CLOCK_AHEAD_MAX ? now : last;
}

int change_write_revision(struct change *change, const struct revision_note *note)
{
    struct table_state *state = &change->snapshot.state;
    const struct table *table = change->snapshot.table;
    MDB_txn *txn = change->snapshot.txn;
    int code = change->uncounted ? count_rows(change, state->rows) : MDB_SUCCESS;
    state->revision++;
    state->changed_at = time_after(state->changed_at);
    struct history_entry entry = {state->revision, state->changed_at, change->counts};
    if (code == MDB_SUCCESS)
        code = undo_writer_finish(change->undo);
    if (code == MDB_SUCCESS)
        code = history_write(txn, table->revisions, &entry, note);
    if (code == MDB_SUCCESS && state->revision > TABLE_REVISIONS_KEPT)
        code = history_forget(txn, table->revisions, state->revision - TABLE_REVISIONS_KEPT);
    if (code == MDB_SUCCESS && state->revision > TABLE_REVISIONS_KEPT)
        code = undo_forget(txn, table->undo, state->revision - TABLE_REVISIONS_KEPT);
    return code == MDB_SUCCESS ? store_state_write(txn, table->meta, state) : code;
}
