/* diff: shows what load would change. */
#include "context.h"
#include "differences.h"
#include "effect.h"
#include "files.h"
#include "output.h"
#include "siblings.h"
#include "ssoferry/log.h"

struct diff {
    struct difference_style style;
    struct progress *progress;
    struct effect effect;
    struct siblings siblings;
};

static bool on_difference(void *context, const struct difference *difference, struct error *error)
{
    struct diff *diff = context;
    effect_add(&diff->effect, difference);
    if (difference->kind == DIFFERENCE_CHANGED)
        siblings_note_change(&diff->siblings, difference);
    progress_step(diff->progress);
    if (difference->kind == DIFFERENCE_NONE)
        return true;
    progress_erase(diff->progress);
    difference_print(difference, &diff->style);
    if (ferror(stdout))
        return error_set(error, ERROR_FAILED, "standard output cannot be written to");
    return true;
}

static void print_summary(const struct effect *effect)
{
    char added[NUMBER_SIZE], changed[NUMBER_SIZE], removed[NUMBER_SIZE], same[NUMBER_SIZE];
    printf(
        "%s to add, %s to change, %s to remove, %s unchanged\n", number_grouped(effect->rows[DIFFERENCE_ADDED], added),
        number_grouped(effect->rows[DIFFERENCE_CHANGED], changed),
        number_grouped(effect->rows[DIFFERENCE_REMOVED], removed), number_grouped(effect->rows[DIFFERENCE_NONE], same));
}

/* Gives the warnings that load would give, so that they come as no surprise. */
static void announce(struct context *context, const struct files *files, const struct arguments *arguments,
                     struct diff *diff)
{
    const struct effect *effect = &diff->effect;
    if (context->table == NULL)
        log_info("there is no store at %s yet; `ssoferry load` makes it", context->store);
    const struct text *sources;
    if (mapping_sources(files->mapping, &sources) > 0 && effect_loses_many(effect))
        log_warning("more than a tenth of a source's rows would be removed: `ssoferry load` will want "
                    "--allow-removals; to keep them, %s",
                    effect_way_to_keep(arguments->all_sources));
    effect_warn(effect, 0);
    effect_warn_of_stages(effect, files->mapping);
    siblings_warn_of_files(&diff->siblings, context, files, arguments);
}

static int compare(struct context *context, struct files *files, const struct arguments *arguments)
{
    struct progress *progress = &context->progress;
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct diff diff = {.style = {.json = arguments->json, .coloured = output_is_coloured()},
                        .progress = progress,
                        .effect.config = context->config};
    if (context->table != NULL && !snapshot_open(&snapshot, context->table, &error))
        return complain(&error);

    progress_count(progress, "comparing", rowset_count(mapping_rows(files->mapping)));
    bool fine = files_claim_sources(files, snapshot, arguments, &error);
    if (fine && snapshot != NULL)
        effect_others(&diff.effect, files->mapping, snapshot);
    fine = fine && files_compare(files, snapshot, arguments, on_difference, &diff, &error);
    progress_erase(progress);
    snapshot_close(snapshot);
    effect_end(&diff.effect);
    if (!fine) {
        siblings_release(&diff.siblings);
        return ferror(stdout) ? STATUS_FAILED : complain(&error);
    }

    if (!arguments->json)
        print_summary(&diff.effect);
    announce(context, files, arguments, &diff);
    siblings_release(&diff.siblings);
    return effect_differs(&diff.effect) && arguments->exit_code ? STATUS_FAILED : STATUS_DONE;
}

int cmd_diff(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    if (context_store_exists(context) && !context_open_table(context, TABLE_READ, &error))
        return complain(&error);

    struct files files;
    context_give_way(context);
    int status = files_read(&files, context, arguments, &context->progress, "");
    if (status == STATUS_DONE)
        status = compare(context, &files, arguments);
    files_close(&files);
    return status;
}
