/* load: makes the table equal to mapping files, as one revision. */
#include "context.h"
#include "effect.h"
#include "files.h"
#include "output.h"
#include "siblings.h"
#include "ssoferry/connection_json.h"
#include "ssoferry/log.h"

struct load {
    struct context *context;
    const struct arguments *arguments;
    struct files files;
    struct revision_note note;
    struct bulk bulk;
    struct change *change; /* NULL in a dry run */
    struct effect effect;
    struct siblings siblings;
    uint64_t before, revision; /* the table's revisions, before and after */
    uint64_t rows;             /* in the whole table afterwards */
};

static bool on_difference(void *context, const struct difference *difference, struct error *error)
{
    struct load *load = context;
    effect_add(&load->effect, difference);
    progress_step(&load->context->progress);
    if (difference->kind == DIFFERENCE_CHANGED)
        siblings_note_change(&load->siblings, difference);
    if (load->change == NULL)
        return true;
    switch (difference->kind) {
    case DIFFERENCE_ADDED:
    case DIFFERENCE_CHANGED:
        return change_put(load->change, difference->key, difference->after, error);
    case DIFFERENCE_REMOVED:
        return change_remove(load->change, difference->key, error);
    case DIFFERENCE_NONE:
        return true;
    }
    return true;
}

/* A file that was cut off half way must not remove half the customers. */
static bool check_removals(const struct load *load, struct error *error)
{
    if (load->arguments->allow_removals || !effect_loses_many(&load->effect))
        return true;
    const struct effect_source *most = &load->effect.most[TURN_REMOVED];
    const bool all = load->arguments->all_sources;
    char removed[NUMBER_SIZE], before[NUMBER_SIZE];
    return error_set(
        error, ERROR_FAILED,
        "this would remove %s of the %s rows of source %s, more than a tenth; nothing was written. If that is "
        "meant, add --allow-removals; to keep what the files do not name, %s; `ssoferry diff%s` shows the rows",
        number_grouped(most->turned[TURN_REMOVED], removed), number_grouped(most->before, before), most->name,
        effect_way_to_keep(all), all ? " --all-sources" : "");
}

static bool compare(struct load *load, struct snapshot *snapshot, struct error *error)
{
    const struct table_state *state = snapshot != NULL ? snapshot_state(snapshot) : &(struct table_state){0};
    load->effect = (struct effect){.config = load->context->config};
    siblings_release(&load->siblings);
    load->before = load->revision = state->revision;
    uint64_t rows = table_state_total(state);
    if (!context_expects(load->context, load->arguments, state->revision, error))
        return false;

    progress_count(&load->context->progress, load->change != NULL ? "writing" : "comparing",
                   rowset_count(mapping_rows(load->files.mapping)));
    if (!files_claim_sources(&load->files, snapshot, load->arguments, error))
        return false;
    if (snapshot != NULL)
        effect_others(&load->effect, load->files.mapping, snapshot);
    if (!files_compare(&load->files, snapshot, load->arguments, on_difference, load, error))
        return false;
    effect_end(&load->effect);
    load->rows = rows + load->effect.rows[DIFFERENCE_ADDED] - load->effect.rows[DIFFERENCE_REMOVED];
    return check_removals(load, error);
}

/* One attempt. The caller handles what change_again() can solve. */
static bool write_once(struct load *load, struct error *error)
{
    load->note.file_count = mapping_files(load->files.mapping, &load->note.files);
    progress_erase(&load->context->progress); /* it may have to wait, and print that */
    if (!change_begin_bulk(&load->change, load->context->table, &load->bulk, error))
        return false;
    if (!compare(load, change_snapshot(load->change), error)) {
        change_abort(load->change);
        load->change = NULL;
        return false;
    }
    progress_phase(&load->context->progress, "committing");
    progress_update_now(&load->context->progress, 1, 1);
    struct change *change = load->change;
    load->change = NULL;
    return change_commit(change, &load->note, &load->revision, error);
}

static bool write_table(struct load *load, struct error *error)
{
    if (!context_open_table(load->context, TABLE_WRITE, error))
        return false;
    load->bulk.rows = rowset_count(mapping_rows(load->files.mapping));
    while (!write_once(load, error)) {
        if (!change_again(load->context->table, &load->bulk, error))
            return false;
    }
    return true;
}

static bool dry_run(struct load *load, struct error *error)
{
    struct snapshot *snapshot = NULL;
    if (load->context->table != NULL && !snapshot_open(&snapshot, load->context->table, error))
        return false;
    bool fine = compare(load, snapshot, error);
    snapshot_close(snapshot);
    load->revision += effect_differs(&load->effect) || load->before == 0;
    return fine;
}

static void print_json(const struct load *load)
{
    json_t *object = json_change(load->revision, effect_changes(&load->effect), load->rows);
    json_object_set_new(object, "dry_run", json_boolean(load->arguments->dry_run));
    output_json(object);
}

/* "revision 7: 120 added, 3 changed, 1 removed, 4,211 rows" */
static void print_text(const struct load *load)
{
    const uint64_t *rows = load->effect.rows;
    char added[NUMBER_SIZE], changed[NUMBER_SIZE], removed[NUMBER_SIZE], total[NUMBER_SIZE];
    if (load->revision == load->before) {
        printf("%snothing to change: revision %llu stays, %s row%s\n", load->arguments->dry_run ? "dry run: " : "",
               (unsigned long long)load->revision, number_grouped(load->rows, total), plural(load->rows));
        return;
    }
    printf("%srevision %llu: %s added, %s changed, %s removed, %s row%s\n",
           load->arguments->dry_run ? "dry run: would make " : "", (unsigned long long)load->revision,
           number_grouped(rows[DIFFERENCE_ADDED], added), number_grouped(rows[DIFFERENCE_CHANGED], changed),
           number_grouped(rows[DIFFERENCE_REMOVED], removed), number_grouped(load->rows, total), plural(load->rows));
}

static int run(struct load *load)
{
    struct error error = {0};
    int status =
        files_read(&load->files, load->context, load->arguments, &load->context->progress, "; nothing was written");
    if (status != STATUS_DONE)
        return status;
    bool fine = load->arguments->dry_run ? dry_run(load, &error) : write_table(load, &error);
    progress_erase(&load->context->progress);
    if (!fine)
        return complain(&error);
    if (load->arguments->json)
        print_json(load);
    else
        print_text(load);
    /* Only warns: sending everybody back in a hurry must not need an option that nobody remembers. */
    effect_warn(&load->effect, load->arguments->dry_run ? 0 : load->revision);
    effect_warn_of_stages(&load->effect, load->files.mapping);
    if (load->arguments->dry_run)
        siblings_warn_of_files(&load->siblings, load->context, &load->files, load->arguments);
    else
        siblings_warn(&load->siblings, load->context);
    if (load->before == 0 && load->rows == 0)
        log_warning("this load has no rows, but the table counts as loaded now: every identifier is unknown");
    return STATUS_DONE;
}

/* Reports a store that cannot be written to, or is missing although --expect-revision names a revision, before minutes
 * of reading. A missing store is created only once the files have proved good. */
static bool open_store(const struct load *load, struct error *error)
{
    if (!context_store_exists(load->context))
        return context_expects(load->context, load->arguments, 0, error);
    return context_open_table(load->context, load->arguments->dry_run ? TABLE_READ : TABLE_WRITE, error);
}

int cmd_load(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct load load = {.context = context, .arguments = arguments};
    if (!context_note(&load.note, "load", arguments, &error))
        return complain(&error);
    int status;
    if (!open_store(&load, &error)) {
        status = complain(&error);
    } else {
        context_give_way(context);
        status = run(&load);
        siblings_release(&load.siblings);
        files_close(&load.files);
    }
    context_note_release(&load.note);
    return status;
}
