/* set --all: sets the same fields in every row, or in those of one source or state, as one revision. */
#ifndef SSOFERRY_CLI_SET_ALL_H
#define SSOFERRY_CLI_SET_ALL_H

#include "set_row.h"

/* Checks the words and options, and reads --state. Returns the exit status. */
int set_all_check(struct set *set);

/* These are edit.run and edit.on_refusal of a struct set. */
int set_all_run(struct edit *edit, struct change *change, struct error *error);
void set_all_on_refusal(const struct edit *edit);

/* Prints the result. Returns the exit status. */
int set_all_print(const struct set *set);

/* siblings_warn(), in a dry run of the rows as they would be. Last of all, since it goes through the rows once more. */
void set_all_warn_of_siblings(struct set *set);

#endif
