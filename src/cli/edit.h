/* Changes of rows that are named one by one, or by --all, all of them in one revision: what set and remove share. */
#ifndef SSOFERRY_CLI_EDIT_H
#define SSOFERRY_CLI_EDIT_H

#include "context.h"

struct edit {
    struct context *context;
    const struct arguments *arguments;
    struct text source; /* empty with --all: every one */
    struct bulk bulk;   /* with --all the change may be of any size, and its rows come in key order */

    /* What is done to the rows, while other writers wait. Returns an exit status, and has said what is wrong; or it has
     * set *error and leaves the saying to edit_run(). May be called again, for a larger map. In a dry run it puts
     * nothing into the change, and fills `counts` itself. */
    int (*run)(struct edit *edit, struct change *change, struct error *error);

    /* Says what is to be said behind that, and behind what edit_run() says of the names that are not there. */
    void (*on_refusal)(const struct edit *edit);

    struct text *unknown; /* names that are not there */
    size_t unknown_count;

    uint64_t revision; /* of the table, once it is done */
    uint64_t rows;     /* in the whole table then */
    struct change_counts counts;
};

/* Fills an edit; false, with *error set, where --source is no good. */
bool edit_start(struct edit *edit, struct context *context, const struct arguments *arguments, struct error *error)
    __attribute__((warn_unused_result));

/* Notes a name that is not there, for run(): what can have been meant takes long to find, and is told when the other
 * writers need not wait any more. Returns the exit status. */
int edit_note_unknown(struct edit *edit, struct text identifier);

/* Runs the edit in a change of the open table and commits it, unless it is a dry run. Returns the exit status. */
int edit_run(struct edit *edit);

/* Prints what came of it as JSON. */
void edit_print_json(const struct edit *edit);

#endif
