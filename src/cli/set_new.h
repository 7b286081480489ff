/* Rows that `ssoferry set` adds: whether it may, and which other row may have been meant. */
#ifndef SSOFERRY_CLI_SET_NEW_H
#define SSOFERRY_CLI_SET_NEW_H

#include "set_row.h"

/* If the only name is unknown and the words set its state without a connection, finds out whether another row may have
 * been meant, and if so reports that. Reads every row, so it is done before other writers have to wait. Returns the
 * exit status. */
int set_new_look(struct set *set);

/* Whether a row of that name, which there is not, may be added: otherwise it is probably mistyped. `snapshot` is NULL
 * if there is no table yet. Needs set_new_look(), unless there is no table. */
bool set_new_allowed(const struct set *set, struct snapshot *snapshot, struct text identifier);

/* Says how to add a row that was refused; set_new_tell_refused() after all that was refused, if an unknown name was
 * among it, and how to get a row back that was removed. */
void set_new_tell_how(const struct set *set);
void set_new_tell_refused(const struct set *set);

/* Notes a row that is added, for set_new_tell(). Of more than SET_ADDED_TOLD, the first. */
void set_new_note(struct set *set, struct text identifier);

/* After the change: tells of the noted rows which other rows may have been meant, since their names are similar and
 * their connections are others. Reads every row for each. Also names rows that are new among others, and tells of a row
 * that was there before and had been removed. */
void set_new_tell(const struct set *set);

#endif
