/* set and remove: changes of single rows, a revision each. */
#include "context.h"
#include "nearest.h"
#include "output.h"
#include "rows.h"
#include "ssoferry/log.h"
#include "ssoferry/mapping_file.h"

/* Runs `edit` in a change and commits it; again with a larger map where that is full. `edit` returns an exit status
 * and has said what is wrong, or has set error->kind and left the saying to this. */
struct edit {
    struct context *context;
    const struct arguments *arguments;
    const char *command;
    struct text source;
    int (*run)(struct edit *edit, struct change *change, struct error *error);
    bool created; /* set: the row is new */
};

static int edit_once(struct edit *edit, const struct revision_note *note, uint64_t *revision,
                     struct change_counts *counts, struct error *error)
{
    struct change *change = NULL;
    if (!change_begin(&change, edit->context->table, error))
        return STATUS_FAILED;
    int status = edit->run(edit, change, error);
    if (status != STATUS_DONE) {
        change_abort(change);
        return status;
    }
    *counts = change_counts(change);
    return change_commit(change, note, revision, error) ? STATUS_DONE : STATUS_FAILED;
}

static int edit_table(struct edit *edit, uint64_t *revision, struct change_counts *counts)
{
    struct error error = {0};
    struct revision_note note;
    if (!context_note(&note, edit->command, edit->arguments, &error))
        return complain(&error);
    int status;
    for (;;) {
        error.kind = ERROR_NONE;
        status = edit_once(edit, &note, revision, counts, &error);
        if (error.kind != ERROR_MAP_FULL || !table_grow(edit->context->table, &error))
            break;
    }
    context_note_release(&note);
    return error.kind != ERROR_NONE ? complain(&error) : status;
}

static bool split_field(const char *word, struct text *name, struct text *value)
{
    struct text whole = text_of(word);
    size_t equals = text_find(whole, '=', 0);
    *name = text_slice(whole.at, equals);
    *value = equals < whole.size ? text_slice(whole.at + equals + 1, whole.size - equals - 1) : (struct text){0};
    return equals < whole.size;
}

static bool refuse_field(const struct edit *edit, struct text name, const char *why, struct error *error)
{
    struct nearest nearest;
    nearest_start(&nearest, name);
    const char *field;
    for (size_t i = 0; (field = connection_field_name(i)) != NULL; ++i)
        nearest_offer(&nearest, text_of(field));
    bool known = nearest.count > 0 && nearest.found[0].distance == 0;
    bool mistyped = nearest.count > 0 && !known;
    return error_set(error, ERROR_INPUT, "%s: %.*s %s%s%s%s", edit->arguments->words[0], TEXT_ARGS(name), why,
                     mistyped ? "; did you mean " : "", mistyped ? nearest.found[0].name : "", mistyped ? "?" : "");
}

/* Applies the words FIELD=VALUE to a row and checks it as a whole. */
static bool set_fields(const struct edit *edit, struct connection *row, struct error *error)
{
    const struct arguments *arguments = edit->arguments;
    for (size_t i = 1; i < arguments->word_count; ++i) {
        struct text name, value;
        const char *why;
        if (!split_field(arguments->words[i], &name, &value))
            return error_set(error, ERROR_INPUT, "'%s' is not FIELD=VALUE", arguments->words[i]);
        if (!connection_set_field(row, name, value, &why))
            return refuse_field(edit, name, why, error);
    }
    struct connection_problem problem;
    if (connection_check(row, &edit->context->config->rules, &problem))
        return true;
    bool host = strcmp(problem.field, "acs_url") == 0 || strcmp(problem.field, "legacy_url") == 0;
    const char *hint =
        host && edit->context->config_path == NULL ? "; without -c CONFIG, only Stytch's own hosts may be named" : "";
    return error_set(error, ERROR_INPUT, "%s: %s%s", arguments->words[0], problem.message, hint);
}

static bool words_name(const struct arguments *arguments, struct text field)
{
    for (size_t i = 1; i < arguments->word_count; ++i) {
        struct text name, value;
        if (split_field(arguments->words[i], &name, &value) && text_equal(name, field))
            return true;
    }
    return false;
}

/* Whether the words can make a row by themselves; else an unknown identifier is more likely a mistyped one. */
static bool makes_row(const struct arguments *arguments)
{
    return words_name(arguments, TEXT("connection_id")) || words_name(arguments, TEXT("state"));
}

/* Puts the row as the words want it into `buffer`, from the one in the table if there is one. `snapshot` may be
 * NULL: no table yet. */
static int edited_row(struct edit *edit, struct snapshot *snapshot, struct connection_buffer *buffer,
                      struct error *error)
{
    struct text identifier = text_of(edit->arguments->words[0]);
    enum lookup_result result =
        snapshot != NULL ? snapshot_find(snapshot, edit->source, identifier, buffer, error) : LOOKUP_ABSENT;
    if (result == LOOKUP_FAILED)
        return error_exit_status(error);
    edit->created = result != LOOKUP_FOUND;
    if (edit->created) {
        buffer->row = (struct connection){.state = CONNECTION_STYTCH};
        if (!makes_row(edit->arguments)) {
            if (snapshot != NULL)
                rows_complain_unknown(snapshot, edit->source, identifier);
            log_info("to make a row of that name, give connection_id=ID, or state=legacy");
            return STATUS_FAILED;
        }
    }
    return set_fields(edit, &buffer->row, error) ? STATUS_DONE : error_exit_status(error);
}

static int run_set(struct edit *edit, struct change *change, struct error *error)
{
    struct connection_buffer buffer;
    int status = edited_row(edit, change_snapshot(change), &buffer, error);
    if (status != STATUS_DONE)
        return status;
    char key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
    size_t key_size = connection_key(edit->source, text_of(edit->arguments->words[0]), key);
    size_t record_size = connection_encode(&buffer.row, record);
    return change_put(change, text_slice(key, key_size), text_slice(record, record_size), error) ? STATUS_DONE
                                                                                                 : STATUS_FAILED;
}

/* With no store yet, what is asked for is checked before one is made. */
static int open_for_set(struct edit *edit)
{
    struct error error = {0};
    if (!context_store_exists(edit->context)) {
        struct connection_buffer buffer;
        int status = edited_row(edit, NULL, &buffer, &error);
        if (status != STATUS_DONE) {
            if (error.kind != ERROR_NONE)
                return complain(&error);
            log_error("there is no store at %s yet", edit->context->store);
            return status;
        }
    }
    return context_open_table(edit->context, TABLE_WRITE, &error) ? STATUS_DONE : complain(&error);
}

int cmd_set(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct edit edit = {.context = context, .arguments = arguments, .command = "set", .run = run_set};
    if (!rows_source(arguments, &edit.source, &error))
        return complain(&error);
    const char *problem = identifier_problem(text_of(arguments->words[0]));
    if (problem != NULL) {
        log_error("the identifier '%s' %s", arguments->words[0], problem);
        return STATUS_USAGE;
    }
    uint64_t revision = 0;
    struct change_counts counts = {0};
    int status = open_for_set(&edit);
    if (status == STATUS_DONE)
        status = edit_table(&edit, &revision, &counts);
    if (status != STATUS_DONE)
        return status;
    bool changed = counts.added + counts.changed > 0;
    printf("revision %llu: %s %s\n", (unsigned long long)revision, arguments->words[0],
           edit.created ? "added"
           : changed    ? "changed"
                        : "is so already, nothing changed");
    return STATUS_DONE;
}

/* All or none: a mistyped name must not leave half of a list removed. */
static int run_remove(struct edit *edit, struct change *change, struct error *error)
{
    int status = STATUS_DONE;
    for (size_t i = 0; i < edit->arguments->word_count; ++i) {
        struct text identifier = text_of(edit->arguments->words[i]);
        struct connection_buffer buffer;
        struct error ignored;
        switch (snapshot_find(change_snapshot(change), edit->source, identifier, &buffer, &ignored)) {
        case LOOKUP_ABSENT:
        case LOOKUP_NOT_LOADED:
            status = rows_complain_unknown(change_snapshot(change), edit->source, identifier);
            break;
        case LOOKUP_FOUND:
        case LOOKUP_FAILED: /* a record that cannot be read can still be removed */
            break;
        }
    }
    if (status != STATUS_DONE && edit->arguments->word_count > 1)
        log_info("nothing was removed");
    for (size_t i = 0; status == STATUS_DONE && i < edit->arguments->word_count; ++i) {
        char key[CONNECTION_KEY_SIZE_MAX];
        size_t size = connection_key(edit->source, text_of(edit->arguments->words[i]), key);
        if (!change_remove(change, text_slice(key, size), error))
            return STATUS_FAILED;
    }
    return status;
}

int cmd_remove(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct edit edit = {.context = context, .arguments = arguments, .command = "remove", .run = run_remove};
    if (!rows_source(arguments, &edit.source, &error))
        return complain(&error);
    uint64_t revision = 0;
    struct change_counts counts = {0};
    int status = edit_table(&edit, &revision, &counts);
    if (status != STATUS_DONE)
        return status;
    char removed[NUMBER_SIZE];
    printf("revision %llu: %s row%s removed\n", (unsigned long long)revision, number_grouped(counts.removed, removed),
           plural(counts.removed));
    return STATUS_DONE;
}
