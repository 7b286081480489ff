/* rollback: restores the table as it was after an earlier revision, as a new revision. */
#include <stdlib.h>
#include <unistd.h>

#include "context.h"
#include "differences.h"
#include "effect.h"
#include "output.h"
#include "ssoferry/audit.h"
#include "ssoferry/connection_json.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"
#include "ssoferry/revision.h"

enum { ROWS_SHOWN = 50, NAME_SIZE = 128 };

struct rollback {
    struct context *context;
    const struct arguments *arguments;
    uint64_t target;
    uint64_t seen_revision; /* the table's revision when the preview was shown */
    uint64_t differences;
    uint64_t expected; /* rows to go back on, roughly, for the progress bar */
    struct effect effect;
    struct audit audit;
    uint64_t broken;            /* rows that no sign-in could use any more with this configuration */
    enum unusable first_broken; /* why the first of them could not, */
    char first_name[NAME_SIZE]; /* and which one that is */
    struct bulk bulk;
    struct change_counts counts;
    uint64_t revision; /* the new one */
    uint64_t rows;
};

/* Without a configuration nobody knows what a sign-in can use. */
static bool has_routes(const struct rollback *rollback)
{
    return rollback->context->config->gateway.route_count > 0;
}

/* What no route looks up fails nobody's sign-in. */
static enum unusable unusable_record(struct rollback *rollback, struct text key, struct text record)
{
    struct text source, identifier;
    if (record.size == 0 || !connection_key_split(key, &source, &identifier))
        return UNUSABLE_NOT;
    const enum unusable unusable = audit_record(&rollback->audit, source, identifier, record);
    return unusable == UNUSABLE_UNREACHED ? UNUSABLE_NOT : unusable;
}

/* The configuration may have changed since the rows were as they would be again. */
static void look_for_broken(struct rollback *rollback, const struct difference *difference)
{
    struct text source = TEXT(""), identifier = TEXT("");
    if (!has_routes(rollback))
        return;
    const enum unusable unusable = unusable_record(rollback, difference->key, difference->after);
    if (unusable == UNUSABLE_NOT || unusable_record(rollback, difference->key, difference->before) != UNUSABLE_NOT ||
        rollback->broken++ > 0)
        return;
    connection_key_split(difference->key, &source, &identifier);
    rollback->first_broken = unusable;
    snprintf(rollback->first_name, sizeof(rollback->first_name), "%.*s", TEXT_ARGS(identifier));
}

static void warn_of_broken(const struct rollback *rollback)
{
    char number[NUMBER_SIZE];
    if (rollback->broken > 0)
        log_warning("no sign-in can use %s of these rows as they were, with the configuration as it is now, first %s "
                    "(%s): `ssoferry check --table` then names them all",
                    number_grouped(rollback->broken, number), rollback->first_name,
                    unusable_phrase(rollback->first_broken));
}

static bool preview_row(void *context, const struct difference *difference, struct error *error)
{
    struct rollback *rollback = context;
    struct progress *progress = &rollback->context->progress;
    progress_step(progress);
    if (difference->kind == DIFFERENCE_NONE)
        return true;
    look_for_broken(rollback, difference);
    if (rollback->arguments->yes)
        return true;
    effect_add(&rollback->effect, difference);
    const struct difference_style style = {.json = rollback->arguments->json, .coloured = output_is_coloured()};
    if (rollback->differences++ < ROWS_SHOWN || style.json) {
        progress_erase(progress);
        difference_print(difference, &style);
    }
    return !ferror(stdout) || error_set(error, ERROR_FAILED, "standard output cannot be written to");
}

/* Every revision after the target must still be kept, because each of them is undone. */
static bool check_target(const struct rollback *rollback, const struct snapshot *snapshot, struct error *error)
{
    uint64_t target = rollback->target, newest = rollback->seen_revision;
    if (target == newest)
        return error_set(error, ERROR_INPUT,
                         "the table is at revision %llu already: name an earlier one; `ssoferry history` lists them",
                         (unsigned long long)target);
    if (target > newest)
        return error_set(error, ERROR_FAILED, "there is no revision %llu; the newest is %llu",
                         (unsigned long long)target, (unsigned long long)newest);
    struct revision next = {0};
    enum lookup_result result = revision_read(snapshot, target + 1, &next, error);
    revision_release(&next);
    if (result != LOOKUP_ABSENT)
        return result == LOOKUP_FOUND;
    uint64_t earliest = newest > TABLE_REVISIONS_KEPT ? newest - TABLE_REVISIONS_KEPT : 0;
    return error_set(error, ERROR_FAILED,
                     "revision %llu is too far back: %d are kept, so the earliest to go back to is revision %llu",
                     (unsigned long long)target, TABLE_REVISIONS_KEPT, (unsigned long long)earliest);
}

/* A row that several revisions touched counts more than once. What cannot be read is left out: nothing else needs it.
 */
static void count_expected(struct rollback *rollback, const struct snapshot *snapshot)
{
    struct error ignored = {0};
    enum lookup_result result = LOOKUP_FOUND;
    for (uint64_t each = rollback->seen_revision; each > rollback->target && result == LOOKUP_FOUND; --each) {
        struct revision revision = {0};
        result = revision_read(snapshot, each, &revision, &ignored);
        rollback->expected += revision.counts.added + revision.counts.changed + revision.counts.removed;
        revision_release(&revision);
    }
}

/* Shows what would change, with the warnings last. */
static bool preview_rows(struct rollback *rollback, struct snapshot *snapshot, struct error *error)
{
    rollback->effect = (struct effect){.config = rollback->context->config};
    rollback->audit.config = rollback->context->config;
    if (!snapshot_open(&rollback->effect.counted, rollback->context->table, error))
        return false;
    progress_count(&rollback->context->progress, "comparing", rollback->expected);
    bool fine = revision_distance(snapshot, rollback->target, preview_row, rollback, error);
    effect_end(&rollback->effect);
    progress_erase(&rollback->context->progress);
    snapshot_close(rollback->effect.counted);
    return fine;
}

static bool preview(struct rollback *rollback, struct error *error)
{
    struct snapshot *snapshot = NULL;
    if (!snapshot_open(&snapshot, rollback->context->table, error))
        return false;
    rollback->seen_revision = snapshot_state(snapshot)->revision;
    rollback->rows = table_state_total(snapshot_state(snapshot));
    count_expected(rollback, snapshot);
    bool fine = context_expects(rollback->context, rollback->arguments, rollback->seen_revision, error) &&
                check_target(rollback, snapshot, error) &&
                ((rollback->arguments->yes && !has_routes(rollback)) || preview_rows(rollback, snapshot, error));
    snapshot_close(snapshot);
    rollback->revision = rollback->seen_revision;
    if (fine && rollback->differences > ROWS_SHOWN && !rollback->arguments->json) {
        char more[NUMBER_SIZE];
        printf("... and %s more\n", number_grouped(rollback->differences - ROWS_SHOWN, more));
    }
    return fine;
}

/* Why the output ended is said at the program's end. */
static int tell_unshown(void)
{
    log_info("nothing was written: what would change could not be shown");
    return STATUS_FAILED;
}

static bool is_yes(const char *answer)
{
    const struct text line = text_of(answer), word = text_slice(line.at, text_find(line, '\n', 0));
    return word.size < line.size && (text_equal_fold(word, TEXT("y")) || text_equal_fold(word, TEXT("yes")));
}

/* Asks for confirmation on the terminal. */
static int ask(struct rollback *rollback)
{
    if (rollback->arguments->yes) {
        warn_of_broken(rollback);
        return STATUS_DONE;
    }
    if (fflush(stdout) != 0)
        return tell_unshown();
    effect_warn_of_rollback(&rollback->effect);
    warn_of_broken(rollback);
    if (!isatty(STDIN_FILENO)) {
        log_error("nothing was written: rollback asks before it writes, and there is no terminal to ask on; add --yes "
                  "to go ahead without");
        return STATUS_USAGE;
    }
    char number[NUMBER_SIZE], answer[16] = "";
    fprintf(stderr, "Roll back to revision %llu, which changes %s row%s? [y/N] ", (unsigned long long)rollback->target,
            number_grouped(rollback->differences, number), plural(rollback->differences));
    bool read = fgets(answer, sizeof(answer), stdin) != NULL;
    progress_start(&rollback->context->progress); /* the time that took is nothing to wait for */
    if (!read)
        fputc('\n', stderr);
    if (is_yes(answer))
        return STATUS_DONE;
    log_info("nothing was written");
    return STATUS_FAILED;
}

static void on_restored(void *context)
{
    progress_step(context);
}

static bool write_once(struct rollback *rollback, const struct revision_note *note, struct error *error)
{
    struct change *change = NULL;
    struct progress *progress = &rollback->context->progress;
    progress_erase(progress); /* it may have to wait, and print that */
    if (!change_begin_bulk(&change, rollback->context->table, &rollback->bulk, error))
        return false;
    uint64_t revision = snapshot_state(change_snapshot(change))->revision;
    bool fine = revision == rollback->seen_revision ||
                error_set(error, ERROR_CONFLICT,
                          "the table has changed meanwhile and is at revision %llu; nothing was written: run rollback "
                          "again to see what it would change now",
                          (unsigned long long)revision);
    progress_count(progress, "restoring rows", rollback->expected);
    fine = fine && revision_rollback(change, rollback->target, on_restored, progress, error);
    if (!fine) {
        change_abort(change);
        return false;
    }
    rollback->counts = change_counts(change);
    rollback->rows = table_state_total(snapshot_state(change_snapshot(change)));
    progress_phase(progress, "committing");
    progress_update_now(progress, 1, 1);
    return change_commit(change, note, &rollback->revision, error);
}

/* "to revision 7", or "to revision 7: WHY". The caller frees it. */
static char *message_of(uint64_t target, const char *why)
{
    const size_t room = 64 + (why != NULL ? strlen(why) : 0);
    char *words = memory_allocate(room);
    snprintf(words, room, "to revision %llu%s%s", (unsigned long long)target, why != NULL ? ": " : "",
             why != NULL ? why : "");
    return words;
}

static bool write_table(struct rollback *rollback, struct error *error)
{
    struct revision_note note;
    if (!context_note(&note, "rollback", rollback->arguments, error))
        return false;
    char *words = message_of(rollback->target, note.message);
    note.message = words;
    bool fine;
    while (!(fine = write_once(rollback, &note, error))) {
        if (!change_again(rollback->context->table, &rollback->bulk, error))
            break;
    }
    progress_erase(&rollback->context->progress);
    context_note_release(&note);
    free(words);
    return fine;
}

static void print_done(const struct rollback *rollback)
{
    char added[NUMBER_SIZE], changed[NUMBER_SIZE], removed[NUMBER_SIZE], rows[NUMBER_SIZE];
    const struct change_counts *counts = &rollback->counts;
    if (rollback->arguments->json)
        output_json(json_change(rollback->revision, *counts, rollback->rows));
    else if (rollback->revision == rollback->seen_revision)
        printf("nothing to change: the rows are those of revision %llu\n", (unsigned long long)rollback->target);
    else
        printf("revision %llu: as revision %llu was; %s added, %s changed, %s removed, %s row%s\n",
               (unsigned long long)rollback->revision, (unsigned long long)rollback->target,
               number_grouped(counts->added, added), number_grouped(counts->changed, changed),
               number_grouped(counts->removed, removed), number_grouped(rollback->rows, rows), plural(rollback->rows));
}

int cmd_rollback(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct rollback rollback = {.context = context, .arguments = arguments};
    if (!text_to_number(text_of(arguments->words[0]), INT64_MAX, &rollback.target)) {
        log_error("'%s' is not a revision's number; `ssoferry history` lists them", arguments->words[0]);
        return STATUS_USAGE;
    }
    context_give_way(context);
    if (!preview(&rollback, &error))
        return ferror(stdout) ? tell_unshown() : complain(&error);
    if (arguments->yes || rollback.differences > 0) {
        int status = ask(&rollback);
        if (status != STATUS_DONE)
            return status;
        if (!write_table(&rollback, &error))
            return complain(&error);
    }
    print_done(&rollback);
    return STATUS_DONE;
}
