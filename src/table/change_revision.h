/* The revision that a change makes. For this folder only. */
#ifndef SSOFERRY_TABLE_CHANGE_REVISION_H
#define SSOFERRY_TABLE_CHANGE_REVISION_H

#include "change_state.h"

/* Writes everything of a revision except its rows: undo, note and the table's state. Returns an LMDB code. */
int change_write_revision(struct change *change, const struct revision_note *note);

#endif
