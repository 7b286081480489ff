#include "edit.h"

#include "output.h"
#include "rows.h"

bool edit_start(struct edit *edit, struct context *context, const struct arguments *arguments, struct error *error)
{
    *edit = (struct edit){.context = context, .arguments = arguments};
    return rows_source(arguments, &edit->source, error);
}

static int run_once(struct edit *edit, const struct revision_note *note, struct error *error)
{
    struct change *change = NULL;
    if (!change_begin(&change, edit->context->table, error))
        return STATUS_FAILED;
    const struct table_state *state = snapshot_state(change_snapshot(change));
    int status = context_expects(edit->context, edit->arguments, state->revision, error)
                     ? edit->run(edit, change, error)
                     : STATUS_FAILED;
    if (status != STATUS_DONE) {
        change_abort(change);
        return status;
    }
    edit->counts = change_counts(change);
    edit->rows = table_state_total(snapshot_state(change_snapshot(change)));
    return change_commit(change, note, &edit->revision, error) ? STATUS_DONE : STATUS_FAILED;
}

int edit_run(struct edit *edit)
{
    struct error error = {0};
    struct revision_note note;
    if (!context_note(&note, edit->context->command->name, edit->arguments, &error))
        return complain(&error);
    int status;
    for (;;) {
        error.kind = ERROR_NONE;
        status = run_once(edit, &note, &error);
        if (error.kind != ERROR_MAP_FULL || !table_grow(edit->context->table, &error))
            break;
    }
    context_note_release(&note);
    return error.kind != ERROR_NONE ? complain(&error) : status;
}

void edit_print_json(const struct edit *edit)
{
    output_json(json_change(edit->revision, edit->counts, edit->rows));
}
