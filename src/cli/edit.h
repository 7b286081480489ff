/* Changes of rows given by name or by --all, all in one revision. Shared by set and remove. */
#ifndef SSOFERRY_CLI_EDIT_H
#define SSOFERRY_CLI_EDIT_H

#include "context.h"

struct edit {
    struct context *context;
    const struct arguments *arguments;
    struct text source; /* empty with --all: every source */
    struct bulk bulk;   /* with --all the change may be of any size, and its rows come in key order */

    /* Changes the rows, while other writers wait. Returns an exit status: either it has printed the problem, or it has
     * set *error and edit_run() prints that. May be called again with a larger map. In a dry run it puts nothing into
     * the change and fills in `counts` itself. */
    int (*run)(struct edit *edit, struct change *change, struct error *error);

    /* Prints what should follow that, and what edit_run() prints about names that do not exist. */
    void (*on_refusal)(const struct edit *edit);

    struct text *unknown; /* names that do not exist */
    size_t unknown_count;

    uint64_t revision; /* the table's, afterwards */
    uint64_t rows;     /* in the whole table, afterwards */
    struct change_counts counts;
};

/* Prepares an edit. False with *error set if --source is invalid. */
bool edit_start(struct edit *edit, struct context *context, const struct arguments *arguments, struct error *error)
    __attribute__((warn_unused_result));

/* For run(): notes a name that does not exist. Finding what may have been meant takes long, so that is reported after
 * other writers can proceed. Returns the exit status. */
int edit_note_unknown(struct edit *edit, struct text identifier);

/* Runs the edit in a change of the open table, and commits it unless this is a dry run. Returns the exit status. */
int edit_run(struct edit *edit);

/* Tells which of the first `names` words another source has as well, since that row may have been meant, unless a
 * source was given. */
void edit_tell_namesakes(const struct edit *edit, size_t names);

/* Prints the result as JSON. */
void edit_print_json(const struct edit *edit);

#endif
