#include "set_all.h"

#include "output.h"
#include "rows.h"
#include "ssoferry/log.h"

enum { REFUSALS_TOLD = 20 };

static int misused(const char *what)
{
    log_error("--all: %s", what);
    return STATUS_USAGE;
}

int set_all_check(struct set *set)
{
    const struct arguments *arguments = set->edit.arguments;
    if (arguments->word_count > 0 && strchr(arguments->words[0], '=') == NULL) {
        log_error("set --all takes no ID: leave out '%s'; --source and --state say which rows change",
                  arguments->words[0]);
        return STATUS_USAGE;
    }
    if (arguments->state != NULL && !connection_state_parse(text_of(arguments->state), &set->state)) {
        log_error("--state: '%s' is not a state; there are stytch, legacy and disabled", arguments->state);
        return STATUS_USAGE;
    }
    if (set_names_field(set, TEXT("connection_id")))
        return misused("rows of different customers cannot have the same connection_id");
    /* Taking everybody back must not enable rows that have been retired. */
    if (set_names_field(set, TEXT("state")) && arguments->state == NULL)
        return misused("rows in which state are to change? Add --state stytch, legacy or disabled");
    return STATUS_DONE;
}

/* -- the rows -- */

/* A copy of a row in the table, because a write invalidates what the snapshot returned. */
struct standing {
    char source[SOURCE_SIZE_MAX + 1], identifier_bytes[IDENTIFIER_SIZE_MAX];
    struct text identifier, record;
    char record_bytes[CONNECTION_RECORD_SIZE_MAX];
    struct connection_buffer buffer;
};

static bool is_asked_for(const struct set *set, const struct table_row *row, struct text source, struct text identifier)
{
    enum connection_state state;
    return source.size <= SOURCE_SIZE_MAX && identifier.size <= IDENTIFIER_SIZE_MAX &&
           row->record.size <= CONNECTION_RECORD_SIZE_MAX &&
           (set->edit.arguments->state == NULL ||
            (connection_record_state(row->record, &state) && state == set->state));
}

/* The next selected row. *row_error is set if it cannot be read. */
static enum lookup_result next_row(struct set *set, struct snapshot *snapshot, struct standing *standing,
                                   struct error *row_error, struct error *error)
{
    struct table_row row;
    struct text source, identifier;
    enum lookup_result result;
    do {
        result = rows_next(snapshot, set->edit.source, &row, &source, &identifier, error);
        progress_step(&set->edit.context->progress);
    } while (result == LOOKUP_FOUND && !is_asked_for(set, &row, source, identifier));
    if (result != LOOKUP_FOUND)
        return result;
    memcpy(standing->source, source.at, source.size);
    standing->source[source.size] = '\0';
    memcpy(standing->identifier_bytes, identifier.at, identifier.size);
    standing->identifier = text_slice(standing->identifier_bytes, identifier.size);
    memcpy(standing->record_bytes, row.record.at, row.record.size);
    standing->record = text_slice(standing->record_bytes, row.record.size);
    if (!connection_decode(row.record, &standing->buffer, row_error))
        error_set(row_error, ERROR_FAILED, "%.*s (source %s): the record is damaged", TEXT_ARGS(standing->identifier),
                  standing->source);
    return LOOKUP_FOUND;
}

/* Reports a row that cannot be as the words want it; only once, even if the attempt is repeated. */
static void refuse(struct set *set, const struct error *row_error)
{
    struct set_all *all = &set->all;
    if (++all->refused <= all->told || all->told == REFUSALS_TOLD)
        return;
    all->told++;
    progress_erase(&set->edit.context->progress);
    (void)complain(row_error);
}

static void count_source(struct set_all *all, const char *source)
{
    if (all->sources == 0 || strcmp(all->last, source) != 0)
        snprintf(all->last, sizeof(all->last), "%s", source), all->sources++;
    if (all->sources > SET_SOURCES_SHOWN)
        return;
    snprintf(all->changed[all->sources - 1].name, sizeof(all->last), "%s", source);
    all->changed[all->sources - 1].rows++;
}

/* Puts the row if it differs from the one in the table. A dry run only counts it, because a large change writes to the
 * file from its first row on. */
static bool put(struct set *set, struct change *change, const struct standing *standing, const struct connection *row,
                struct error *error)
{
    char key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
    struct text after = text_slice(record, connection_encode(row, record));
    if (text_equal(after, standing->record))
        return true;
    count_source(&set->all, standing->source);
    siblings_note(&set->siblings, &standing->buffer.row, row);
    if (set->edit.arguments->dry_run) {
        ++set->edit.counts.changed;
        return true;
    }
    size_t key_size = connection_key(text_of(standing->source), standing->identifier, key);
    return change_put(change, text_slice(key, key_size), after, error);
}

/* False with *error set if the whole command must end. */
static bool set_row(struct set *set, struct change *change, const struct standing *standing, struct error *row_error,
                    struct error *error)
{
    struct connection row = standing->buffer.row;
    set->source = text_of(standing->source);
    if (row_error->kind != ERROR_NONE || !set_edit_row(set, standing->identifier, &row, row_error)) {
        refuse(set, row_error);
        return true;
    }
    if (set->good++ == 0 && !set->all.warned) {
        progress_erase(&set->edit.context->progress);
        set_warn(set, standing->identifier, &row);
    }
    set->all.warned = true;
    return put(set, change, standing, &row, error);
}

int set_all_run(struct edit *edit, struct change *change, struct error *error)
{
    struct set *set = (struct set *)(void *)edit;
    struct standing standing;
    struct snapshot *snapshot = change_snapshot(change);
    enum lookup_result result;
    set->all = (struct set_all){.told = set->all.told, .warned = set->all.warned};
    set->good = set->cut_over = 0;
    edit->counts = (struct change_counts){0};
    siblings_release(&set->siblings);
    progress_count(&edit->context->progress, edit->arguments->dry_run ? "reading the table" : "changing rows",
                   table_state_total(snapshot_state(snapshot)));
    rows_seek(snapshot, edit->source);
    for (;;) {
        struct error row_error = {0};
        result = next_row(set, snapshot, &standing, &row_error, error);
        if (result != LOOKUP_FOUND || !set_row(set, change, &standing, &row_error, error))
            break;
        ++set->all.rows;
    }
    if (error->kind != ERROR_NONE || set->good == 0)
        return set->all.refused > 0 && error->kind == ERROR_NONE ? STATUS_USAGE : STATUS_FAILED;
    return set->all.refused > 0 && !edit->arguments->keep_going ? STATUS_USAGE : STATUS_DONE;
}

/* -- what is said -- */

static bool would_change(struct set *set, const struct table_row *row, struct text source, struct text identifier)
{
    struct error error = {0};
    struct connection_buffer buffer;
    set->source = source;
    return (set->edit.source.size == 0 || text_equal(source, set->edit.source)) &&
           is_asked_for(set, row, source, identifier) && connection_decode(row->record, &buffer, &error) &&
           set_edit_row(set, identifier, &buffer.row, &error);
}

void set_all_warn_of_siblings(struct set *set)
{
    struct error error = {0};
    struct table_row row;
    struct text source, identifier;
    if (!set->edit.arguments->dry_run) {
        siblings_warn(&set->siblings, set->edit.context);
        return;
    }
    struct snapshot *snapshot = siblings_open(&set->siblings, set->edit.context);
    if (snapshot == NULL)
        return;
    set->siblings.would = true;
    rows_seek(snapshot, (struct text){0});
    while (rows_next(snapshot, (struct text){0}, &row, &source, &identifier, &error) == LOOKUP_FOUND) {
        progress_step(set->siblings.progress);
        if (siblings_have(&set->siblings, row.record) && !would_change(set, &row, source, identifier))
            siblings_tell(&set->siblings, row.key, row.record);
    }
    siblings_close(&set->siblings, snapshot);
}

static void tell_of_no_rows(const struct set *set)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    const struct edit *edit = &set->edit;
    if (!snapshot_open(&snapshot, edit->context->table, &error)) {
        (void)complain(&error);
    } else if (table_state_total(snapshot_state(snapshot)) == 0 ||
               (edit->source.size > 0 && !rows_has_source(snapshot, edit->source))) {
        (void)rows_complain_source(snapshot, edit->source);
    } else {
        log_error("nothing was changed: no row%s%.*s is in state %s", edit->source.size > 0 ? " of source " : "",
                  TEXT_ARGS(edit->source), connection_state_name(set->state));
    }
    snapshot_close(snapshot);
}

/* Reports how many rows were refused, after those that have been named. */
static void tell_of_more(const struct set_all *all)
{
    char more[NUMBER_SIZE];
    if (all->refused > all->told)
        log_error("and %s more row%s cannot be changed this way", number_grouped(all->refused - all->told, more),
                  plural(all->refused - all->told));
}

void set_all_on_refusal(const struct edit *edit)
{
    const struct set *set = (const struct set *)(const void *)edit;
    char good[NUMBER_SIZE], rows[NUMBER_SIZE];
    if (set->all.rows == 0) {
        tell_of_no_rows(set);
        return;
    }
    tell_of_more(&set->all);
    number_grouped(set->all.rows, rows);
    if (set->good == 0)
        log_info("nothing was changed: none of the %s row%s can be changed this way", rows, plural(set->all.rows));
    else
        log_info("nothing was changed: %s of the %s rows can be changed this way; --keep-going changes those",
                 number_grouped(set->good, good), rows);
}

/* ": auth0 75, homegrown 300 and 2 more sources" */
static void print_sources(const struct set_all *all)
{
    char rows[NUMBER_SIZE];
    size_t shown = all->sources < SET_SOURCES_SHOWN ? all->sources : SET_SOURCES_SHOWN;
    for (size_t i = 0; i < shown; ++i)
        printf("%s%s %s", i == 0 ? ": " : ", ", all->changed[i].name, number_grouped(all->changed[i].rows, rows));
    if (all->sources > shown)
        printf(" and %zu more source%s", all->sources - shown, plural(all->sources - shown));
    putchar('\n');
}

int set_all_print(const struct set *set)
{
    const struct edit *edit = &set->edit;
    const struct set_all *all = &set->all;
    char changed[NUMBER_SIZE], left[NUMBER_SIZE];
    const char *revision = edit->arguments->dry_run ? "dry run: would make revision" : "revision";
    tell_of_more(all);
    if (edit->arguments->json) {
        edit_print_json(edit);
    } else if (edit->counts.changed == 0) {
        printf("revision %llu: the rows are like that already, nothing changed\n", (unsigned long long)edit->revision);
    } else {
        printf("%s %llu: %s row%s changed", revision, (unsigned long long)edit->revision,
               number_grouped(edit->counts.changed, changed), plural(edit->counts.changed));
        print_sources(all);
    }
    if (all->refused == 0)
        return STATUS_DONE;
    log_error("%s row%s cannot be changed this way and %s: see above", number_grouped(all->refused, left),
              plural(all->refused), all->refused == 1 ? "was left as it is" : "were left as they are");
    return STATUS_FAILED;
}
