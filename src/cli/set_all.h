/* set --all: the same fields of every row, of those of one source or in one state, as one revision. */
#ifndef SSOFERRY_CLI_SET_ALL_H
#define SSOFERRY_CLI_SET_ALL_H

#include "set_row.h"

/* Checks the words and options, and takes --state. Returns the exit status. */
int set_all_check(struct set *set);

/* As edit.run and edit.on_refusal of a struct set. */
int set_all_run(struct edit *edit, struct change *change, struct error *error);
void set_all_on_refusal(const struct edit *edit);

/* Prints what came of it. Returns the exit status. */
int set_all_print(const struct set *set);

#endif
