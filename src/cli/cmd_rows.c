/* get, list and export: show what the table holds. */
#include <fnmatch.h>

#include "context.h"
#include "meant.h"
#include "output.h"
#include "rows.h"
#include "ssoferry/connection_json.h"
#include "ssoferry/log.h"
#include "ssoferry/mapping_file.h"
#include "ssoferry/memory.h"
#include "written_file.h"

static void print_member(const char *name, struct text value)
{
    if (value.size == 0)
        return;
    printf("%-17s", name);
    output_text(stdout, value);
    putchar('\n');
}

static void print_row(const struct context *context, struct text source, struct text identifier,
                      const struct connection *row)
{
    struct arena *arena = arena_new();
    print_member("identifier", identifier);
    print_member("source", source);
    print_member("state", text_of(connection_state_name(row->state)));
    print_member("connection_id", row->connection_id);
    if (row->connection_id.size > 0)
        print_member("acs_url", gateway_acs_url(&context->config->gateway, row, arena_memory(arena)));
    print_member("redirect", text_of(redirect_kind_name(row->redirect)));
    print_member("legacy_url", row->legacy_url);
    print_member("organization_id", row->organization_id);
    print_member("label", row->label);
    arena_free(arena);
}

int cmd_get(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct text source;
    if (!rows_source(arguments, &source, &error) || !snapshot_open(&snapshot, context->table, &error))
        return complain(&error);

    struct connection_buffer buffer;
    struct text identifier = text_of(arguments->words[0]);
    int status = STATUS_DONE;
    switch (snapshot_find(snapshot, source, identifier, &buffer, &error)) {
    case LOOKUP_FOUND:
        if (arguments->json)
            output_json(json_row(source, identifier, &buffer.row));
        else
            print_row(context, source, identifier, &buffer.row);
        break;
    case LOOKUP_ABSENT:
    case LOOKUP_NOT_LOADED:
        status = meant_complain_unknown(&context->config->gateway, snapshot, source, identifier, true);
        break;
    case LOOKUP_FAILED:
        status = complain(&error);
        break;
    }
    snapshot_close(snapshot);
    return status;
}

struct listing {
    const struct arguments *arguments;
    struct snapshot *snapshot;
    struct progress *progress;
    struct text source; /* empty: all */
    bool any_state;
    enum connection_state state;
    struct grid *grid; /* NULL: print JSON */
    uint64_t rows;
};

static bool matches(const struct listing *listing, struct text identifier, struct text record)
{
    enum connection_state state;
    if (!listing->any_state && (!connection_record_state(record, &state) || state != listing->state))
        return false;
    if (listing->arguments->match == NULL)
        return true;
    char name[IDENTIFIER_SIZE_MAX + 1];
    if (identifier.size > IDENTIFIER_SIZE_MAX)
        return false;
    memcpy(name, identifier.at, identifier.size);
    name[identifier.size] = '\0';
    return fnmatch(listing->arguments->match, name, 0) == 0;
}

static struct text or_dash(struct text t)
{
    return t.size > 0 ? t : TEXT("-");
}

static void show(const struct listing *listing, struct text source, struct text identifier,
                 const struct connection *row)
{
    if (listing->grid == NULL) {
        output_json(json_row(source, identifier, row));
        return;
    }
    const struct text cells[] = {source,
                                 identifier,
                                 text_of(connection_state_name(row->state)),
                                 or_dash(text_of(redirect_kind_name(row->redirect))),
                                 or_dash(row->connection_id),
                                 row->label};
    grid_row(listing->grid, cells);
}

static void count_progress(const struct listing *listing)
{
    const uint64_t rows = table_state_total(snapshot_state(listing->snapshot));
    if (listing->grid == NULL || listing->grid->printing)
        progress_count_printed(listing->progress, rows);
    else
        progress_count(listing->progress, "reading the table", rows);
}

static bool walk_rows(struct listing *listing, struct error *error)
{
    const struct option_number *limit = &listing->arguments->limit;
    struct table_row row;
    struct text source, identifier;
    struct connection_buffer buffer;
    enum lookup_result result = LOOKUP_ABSENT;
    listing->rows = 0;
    rows_seek(listing->snapshot, listing->source);
    while ((!limit->given || listing->rows < limit->value) && !ferror(stdout)) {
        result = rows_next(listing->snapshot, listing->source, &row, &source, &identifier, error);
        if (result != LOOKUP_FOUND)
            break;
        progress_step(listing->progress);
        if (!matches(listing, identifier, row.record))
            continue;
        struct error why;
        if (!connection_decode(row.record, &buffer, &why))
            return error_set(error, ERROR_FAILED, "%.*s in source %.*s: %s", TEXT_ARGS(identifier), TEXT_ARGS(source),
                             why.message);
        ++listing->rows;
        show(listing, source, identifier, &buffer.row);
    }
    return result != LOOKUP_FAILED;
}

/* One pass over the selected rows. */
static bool walk(struct listing *listing, struct error *error)
{
    count_progress(listing);
    const bool good = walk_rows(listing, error);
    progress_erase(listing->progress);
    return good;
}

static bool list_text(struct listing *listing, struct error *error)
{
    static const char *const headings[] = {"SOURCE", "IDENTIFIER", "STATE", "REDIRECT", "CONNECTION", "LABEL"};
    struct grid grid;
    grid_start(&grid, sizeof(headings) / sizeof(headings[0]), headings);
    listing->grid = &grid;
    bool good = walk(listing, error);
    if (good && listing->rows > 0) {
        grid_measured(&grid);
        good = walk(listing, error);
    }
    listing->grid = NULL;
    return good;
}

int cmd_list(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct listing listing = {
        .arguments = arguments, .progress = &context->progress, .any_state = arguments->state == NULL};
    if (arguments->source != NULL && !rows_source(arguments, &listing.source, &error))
        return complain(&error);
    if (arguments->state != NULL && !connection_state_parse(text_of(arguments->state), &listing.state)) {
        log_error("--state: '%s' is not a state; there are stytch, legacy and disabled", arguments->state);
        return STATUS_USAGE;
    }
    context_give_way(context);
    if (!snapshot_open(&listing.snapshot, context->table, &error))
        return complain(&error);
    if (listing.source.size > 0 && !rows_has_source(listing.snapshot, listing.source)) {
        int status = rows_complain_source(listing.snapshot, listing.source);
        snapshot_close(listing.snapshot);
        return status;
    }
    bool fine = arguments->json ? walk(&listing, &error) : list_text(&listing, &error);
    int status = fine ? STATUS_DONE : complain(&error);
    bool limited = arguments->limit.given && arguments->limit.value == 0;
    if (fine && listing.rows == 0 && !limited && !ferror(stdout)) {
        bool all = table_state_total(snapshot_state(listing.snapshot)) > 0;
        log_info(all ? "no row matches" : "the table has no rows; `ssoferry load` fills it");
    }
    snapshot_close(listing.snapshot);
    return status;
}

static bool show_progress(void *context, uint64_t rows, struct error *error)
{
    (void)rows;
    (void)error;
    progress_step(context);
    return true;
}

/* To ask the system for each row would take as long as to write it. */
static bool stop_if_interrupted(void *context, uint64_t rows, struct error *error)
{
    enum { ROWS_BETWEEN = 256 };
    progress_step(context);
    return rows % ROWS_BETWEEN != 0 || !written_file_interrupted() ||
           error_set(error, ERROR_FAILED, "the export was interrupted");
}

static int print_export(struct context *context, struct snapshot *snapshot, struct text source, struct error *error)
{
    const struct mapping_export_watch watch = {show_progress, &context->progress};
    progress_count_printed(&context->progress, table_state_total(snapshot_state(snapshot)));
    const bool fine = mapping_export(snapshot, source, stdout, &watch, NULL, error);
    progress_erase(&context->progress);
    return fine || ferror(stdout) ? STATUS_DONE : complain(error); /* a failed write is reported at the end */
}

static int export_to(struct context *context, struct snapshot *snapshot, struct text source, const char *path,
                     struct error *error)
{
    if (path == NULL || strcmp(path, "-") == 0)
        return print_export(context, snapshot, source, error);
    struct written_file file;
    uint64_t rows;
    const struct mapping_export_watch watch = {stop_if_interrupted, &context->progress};
    if (!context_may_write(context, path, error) || !written_file_open(&file, path, context->store, error))
        return complain(error);
    progress_count(&context->progress, "writing rows", table_state_total(snapshot_state(snapshot)));
    bool fine = mapping_export(snapshot, source, file.stream, &watch, &rows, error);
    progress_erase(&context->progress);
    bool torn = ferror(file.stream); /* closing reports that, with the file's name */
    fine = written_file_close(&file, fine || torn, error) && fine;
    if (!fine)
        return complain(error);
    char number[NUMBER_SIZE];
    log_info("%s row%s of revision %llu written to %s", number_grouped(rows, number), plural(rows),
             (unsigned long long)snapshot_state(snapshot)->revision, path);
    return STATUS_DONE;
}

int cmd_export(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct text source = {0};
    struct snapshot *snapshot = NULL;
    if (arguments->source != NULL && !rows_source(arguments, &source, &error))
        return complain(&error);
    context_give_way(context);
    if (!snapshot_open(&snapshot, context->table, &error))
        return complain(&error);

    int status = source.size > 0 && !rows_has_source(snapshot, source)
                     ? rows_complain_source(snapshot, source)
                     : export_to(context, snapshot, source, arguments->output, &error);
    snapshot_close(snapshot);
    return status;
}
