/* history: shows what changed when, by whom, and from which file. */
#include "context.h"
#include "differences.h"
#include "meant.h"
#include "output.h"
#include "rows.h"
#include "ssoferry/connection_json.h"
#include "ssoferry/log.h"
#include "ssoferry/revision.h"

enum { DIGEST_SHOWN = 12 };

static json_t *revision_with_files(const struct revision *revision)
{
    json_t *object = json_revision(revision, "changed_at");
    json_t *files = json_array();
    for (size_t i = 0; i < revision->file_count; ++i) {
        json_t *file = json_object();
        json_object_set_new(file, "path", json_text(text_of(revision->files[i].path)));
        json_object_set_new(file, "sha256", json_text(text_of(revision->files[i].sha256)));
        json_array_append_new(files, file);
    }
    json_object_set_new(object, "files", files);
    return object;
}

/* Prints one line of the history; as JSON if `grid` is NULL. */
static void show_line(struct grid *grid, const struct revision *revision)
{
    if (grid == NULL) {
        output_json(revision_with_files(revision));
        return;
    }
    char number[NUMBER_SIZE], time[TIME_SIZE], added[NUMBER_SIZE], changed[NUMBER_SIZE], removed[NUMBER_SIZE];
    snprintf(number, sizeof(number), "%llu", (unsigned long long)revision->number);
    const struct text cells[] = {
        text_of(number),
        text_of(time_text(revision->changed_at, time)),
        text_of(number_grouped(revision->counts.added, added)),
        text_of(number_grouped(revision->counts.changed, changed)),
        text_of(number_grouped(revision->counts.removed, removed)),
        text_of(revision->command),
        text_of(revision->actor),
        text_of(revision->message),
    };
    grid_row(grid, cells);
}

static bool walk(struct snapshot *snapshot, const struct option_number *limit, struct grid *grid, uint64_t *shown,
                 struct error *error)
{
    *shown = 0;
    for (uint64_t number = snapshot_state(snapshot)->revision; number > 0; --number) {
        if ((limit->given && *shown == limit->value) || ferror(stdout))
            break;
        struct revision revision = {0};
        enum lookup_result result = revision_read(snapshot, number, &revision, error);
        if (result == LOOKUP_FOUND)
            show_line(grid, &revision);
        revision_release(&revision);
        if (result != LOOKUP_FOUND)
            return result != LOOKUP_FAILED;
        ++*shown;
    }
    return true;
}

static int list_revisions(struct snapshot *snapshot, const struct arguments *arguments)
{
    static const char *const headings[] = {"REVISION", "WHEN",    "ADDED", "CHANGED",
                                           "REMOVED",  "COMMAND", "ACTOR", "MESSAGE"};
    struct error error = {0};
    uint64_t shown;
    if (arguments->json)
        return walk(snapshot, &arguments->limit, NULL, &shown, &error) ? STATUS_DONE : complain(&error);

    struct grid grid;
    grid_start(&grid, sizeof(headings) / sizeof(headings[0]), headings);
    if (!walk(snapshot, &arguments->limit, &grid, &shown, &error))
        return complain(&error);
    if (shown == 0) {
        if (snapshot_state(snapshot)->revision == 0)
            log_info("no revisions: the table was never loaded");
        return STATUS_DONE;
    }
    grid_measured(&grid);
    return walk(snapshot, &arguments->limit, &grid, &shown, &error) ? STATUS_DONE : complain(&error);
}

static void print_note(const struct revision *revision)
{
    char time[TIME_SIZE];
    printf("revision %llu, %s by ", (unsigned long long)revision->number, revision->command);
    output_text(stdout, text_of(revision->actor));
    printf(", %s\n", time_text(revision->changed_at, time));
    if (revision->message[0] != '\0') {
        output_text(stdout, text_of(revision->message));
        putchar('\n');
    }
    for (size_t i = 0; i < revision->file_count; ++i) {
        printf("from ");
        output_text(stdout, text_of(revision->files[i].path));
        printf(" (SHA-256 %.*s...)\n", DIGEST_SHOWN, revision->files[i].sha256);
    }
}

static void print_counts(const struct change_counts *counts)
{
    char added[NUMBER_SIZE], changed[NUMBER_SIZE], removed[NUMBER_SIZE];
    printf("%s added, %s changed, %s removed\n", number_grouped(counts->added, added),
           number_grouped(counts->changed, changed), number_grouped(counts->removed, removed));
}

struct showing {
    struct difference_style style;
    const struct option_number *limit;
    uint64_t shown;
};

static bool on_revision(void *context, const struct revision *revision, const struct difference *difference)
{
    struct showing *showing = context;
    if (ferror(stdout) || (showing->limit->given && showing->shown == showing->limit->value))
        return false;
    if (showing->style.json) {
        json_t *object = revision_with_files(revision);
        json_object_set_new(object, "difference", difference_json(difference));
        output_json(object);
    } else {
        if (showing->shown > 0)
            putchar('\n');
        print_note(revision);
        difference_print(difference, &showing->style);
    }
    ++showing->shown;
    return true;
}

static int tell_untouched(const struct context *context, struct snapshot *snapshot, struct text source,
                          struct text identifier)
{
    struct error error = {0};
    struct connection_buffer buffer;
    enum lookup_result result = snapshot_find(snapshot, source, identifier, &buffer, &error);
    if (result == LOOKUP_FAILED)
        return complain(&error);
    if (result == LOOKUP_ABSENT)
        return meant_complain_unknown(&context->config->gateway, snapshot, source, identifier, true);
    log_info("the last %d revisions, which are kept, did nothing to it", TABLE_REVISIONS_KEPT);
    return STATUS_DONE;
}

/* Shows what happened to one row, newest first. */
static int show_row(const struct context *context, struct snapshot *snapshot, const struct arguments *arguments)
{
    struct error error = {0};
    struct text source, identifier = text_of(arguments->id);
    struct showing showing = {.style = {.json = arguments->json, .coloured = output_is_coloured()},
                              .limit = &arguments->limit};
    if (!rows_source(arguments, &source, &error))
        return complain(&error);
    const char *problem = identifier_problem(identifier);
    if (problem != NULL)
        return error_set(&error, ERROR_INPUT, "--id: the identifier %s", problem), complain(&error);
    char key[CONNECTION_KEY_SIZE_MAX];
    size_t size = connection_key(source, identifier, key);
    if (!revision_walk_row(snapshot, text_slice(key, size), on_revision, &showing, &error))
        return complain(&error);
    bool none = showing.shown == 0 && !(arguments->limit.given && arguments->limit.value == 0);
    return none ? tell_untouched(context, snapshot, source, identifier) : STATUS_DONE;
}

static bool on_difference(void *context, const struct difference *difference, struct error *error)
{
    struct showing *showing = context;
    if (ferror(stdout))
        return error_set(error, ERROR_FAILED, "standard output cannot be written to");
    if (!showing->limit->given || showing->shown < showing->limit->value)
        difference_print(difference, &showing->style);
    ++showing->shown;
    return true;
}

static int complain_not_kept(const struct snapshot *snapshot, uint64_t number)
{
    uint64_t newest = snapshot_state(snapshot)->revision;
    if (number == 0)
        log_error("there is no revision 0: revisions are numbered from 1");
    else if (number > newest)
        log_error("there is no revision %llu; the newest is %llu", (unsigned long long)number,
                  (unsigned long long)newest);
    else
        log_error("revision %llu is not kept any more; `ssoferry history` lists those that are",
                  (unsigned long long)number);
    return STATUS_FAILED;
}

static int show_revision(struct snapshot *snapshot, const struct arguments *arguments)
{
    struct error error = {0};
    struct revision revision = {0};
    enum lookup_result result = revision_read(snapshot, arguments->show.value, &revision, &error);
    if (result == LOOKUP_FOUND && !arguments->json) {
        print_note(&revision);
        print_counts(&revision.counts);
    }
    revision_release(&revision);
    if (result == LOOKUP_FAILED)
        return complain(&error);
    if (result != LOOKUP_FOUND)
        return complain_not_kept(snapshot, arguments->show.value);

    struct showing showing = {.style = {.json = arguments->json, .coloured = output_is_coloured()},
                              .limit = &arguments->limit};
    if (!revision_differences(snapshot, arguments->show.value, on_difference, &showing, &error))
        return ferror(stdout) ? STATUS_FAILED : complain(&error);
    if (arguments->limit.given && showing.shown > arguments->limit.value && !arguments->json)
        printf("... and %llu more\n", (unsigned long long)(showing.shown - arguments->limit.value));
    return STATUS_DONE;
}

int cmd_history(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    if (arguments->id != NULL && arguments->show.given)
        error_set(&error, ERROR_INPUT, "--id and --show: give only one of them");
    else if (arguments->id == NULL && arguments->source != NULL)
        error_set(&error, ERROR_INPUT, "--source works only together with --id");
    context_give_way(context);
    if (error.kind != ERROR_NONE || !snapshot_open(&snapshot, context->table, &error))
        return complain(&error);
    int status = arguments->id != NULL   ? show_row(context, snapshot, arguments)
                 : arguments->show.given ? show_revision(snapshot, arguments)
                                         : list_revisions(snapshot, arguments);
    snapshot_close(snapshot);
    return status;
}
