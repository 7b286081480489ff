/* The revision that a change becomes. For this folder only. */
#ifndef SSOFERRY_TABLE_CHANGE_REVISION_H
#define SSOFERRY_TABLE_CHANGE_REVISION_H

#include "change_state.h"

/* Writes everything that a revision is besides its rows: undo, note, the table's state. Returns an LMDB code. */
int change_write_revision(struct change *change, const struct revision_note *note);

#endif
