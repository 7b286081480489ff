#include "edit.h"

#include "meant.h"
#include "output.h"
#include "rows.h"
#include "ssoferry/connection_json.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"

enum {
    NEAR_NAMES_MAX = 5, /* how many unknown names to look up similar names for, and others in other sources */
    FEW_NAMES = 1000    /* takes milliseconds; done without giving way */
};

bool edit_start(struct edit *edit, struct context *context, const struct arguments *arguments, struct error *error)
{
    *edit = (struct edit){.context = context, .arguments = arguments};
    return (arguments->all && arguments->source == NULL) || rows_source(arguments, &edit->source, error);
}

int edit_note_unknown(struct edit *edit, struct text identifier)
{
    edit->unknown = memory_resize(edit->unknown, (edit->unknown_count + 1) * sizeof(*edit->unknown));
    edit->unknown[edit->unknown_count++] = identifier;
    return STATUS_FAILED;
}

static void tell_refusal(const struct edit *edit)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    if (edit->unknown_count > 0 && !snapshot_open(&snapshot, edit->context->table, &error))
        (void)complain(&error);
    for (size_t i = 0; snapshot != NULL && i < edit->unknown_count; ++i)
        (void)meant_complain_unknown(&edit->context->config->gateway, snapshot, edit->source, edit->unknown[i],
                                     i < NEAR_NAMES_MAX);
    snapshot_close(snapshot);
    edit->on_refusal(edit);
}

static int run_once(struct edit *edit, const struct revision_note *note, struct error *error)
{
    struct change *change = NULL;
    struct progress *progress = &edit->context->progress;
    edit->unknown_count = 0;
    progress_erase(progress); /* it may have to wait, and print that */
    if (edit->arguments->all ? !change_begin_bulk(&change, edit->context->table, &edit->bulk, error)
                             : !change_begin(&change, edit->context->table, error))
        return STATUS_FAILED;
    const struct table_state *state = snapshot_state(change_snapshot(change));
    int status = context_expects(edit->context, edit->arguments, state->revision, error)
                     ? edit->run(edit, change, error)
                     : STATUS_FAILED;
    if (status != STATUS_DONE) {
        change_abort(change);
        progress_erase(progress);
        if (error->kind == ERROR_NONE)
            tell_refusal(edit);
        return status;
    }
    if (!edit->arguments->dry_run)
        edit->counts = change_counts(change);
    edit->rows = table_state_total(snapshot_state(change_snapshot(change)));
    if (edit->arguments->dry_run) {
        edit->revision = state->revision + (edit->counts.changed > 0);
        change_abort(change);
        return STATUS_DONE;
    }
    progress_phase(progress, "committing");
    progress_update_now(progress, 1, 1);
    return change_commit(change, note, &edit->revision, error) ? STATUS_DONE : STATUS_FAILED;
}

int edit_run(struct edit *edit)
{
    struct error error = {0};
    struct revision_note note;
    if (!context_note(&note, edit->context->command->name, edit->arguments, &error))
        return complain(&error);
    if (edit->arguments->all || edit->arguments->word_count > FEW_NAMES)
        context_give_way(edit->context);
    int status;
    for (;;) {
        error.kind = ERROR_NONE;
        status = run_once(edit, &note, &error);
        if (error.kind == ERROR_NONE || !change_again(edit->context->table, &edit->bulk, &error))
            break;
    }
    progress_erase(&edit->context->progress);
    context_note_release(&note);
    free(edit->unknown);
    return error.kind != ERROR_NONE ? complain(&error) : status;
}

void edit_tell_namesakes(const struct edit *edit, size_t names)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    char other[SOURCE_SIZE_MAX + 1];
    if (edit->arguments->source != NULL || !snapshot_open(&snapshot, edit->context->table, &error))
        return; /* the command itself succeeded; this is only a hint */
    for (size_t i = 0; i < names && i < NEAR_NAMES_MAX; ++i) {
        const struct text name = text_of(edit->arguments->words[i]);
        if (meant_find_elsewhere(snapshot, edit->source, name, other))
            log_info("%.*s of source %s is another row and stays as it is; --source %s names it", TEXT_ARGS(name),
                     other, other);
    }
    snapshot_close(snapshot);
}

void edit_print_json(const struct edit *edit)
{
    json_t *object = json_change(edit->revision, edit->counts, edit->rows);
    if (edit->arguments->dry_run)
        json_object_set_new(object, "dry_run", json_true());
    output_json(object);
}
