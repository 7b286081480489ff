/* set: changes fields of rows, or adds rows, as one revision. */
#include "output.h"
#include "rows.h"
#include "set_all.h"
#include "set_new.h"
#include "ssoferry/log.h"
#include "ssoferry/mapping_file.h"

/* -- one named row -- */

/* Encodes into `buffer` the row as the words want it, starting from the one in the table if there is one. `snapshot` is
 * NULL if there is no table yet. */
static int edited_row(struct set *set, struct snapshot *snapshot, struct text identifier,
                      struct connection_buffer *buffer, struct error *error)
{
    enum lookup_result result =
        snapshot != NULL ? snapshot_find(snapshot, set->source, identifier, buffer, error) : LOOKUP_ABSENT;
    if (result == LOOKUP_FAILED)
        return error_exit_status(error);
    set->created = result != LOOKUP_FOUND;
    if (set->created && !set_new_allowed(set, snapshot, identifier))
        return snapshot != NULL ? edit_note_unknown(&set->edit, identifier) : STATUS_FAILED;
    if (set->created)
        buffer->row = (struct connection){.state = CONNECTION_STYTCH};
    set->was = buffer->row;
    return set_edit_row(set, identifier, &buffer->row, error) ? STATUS_DONE : error_exit_status(error);
}

/* -- warnings -- */

static void warn_of_row(struct set *set, struct text identifier, const struct connection *row)
{
    char text[ODDITY_TEXT_SIZE];
    const char *warning = set->created ? identifier_warning(identifier) : NULL;
    enum oddity oddity = audit_row(&set->audit, set->source, identifier, row);
    set_warn(set, identifier, row);
    if (warning != NULL)
        log_warning("%.*s %s", TEXT_ARGS(identifier), warning);
    if (set->created && !set_names_field(set, TEXT("connection_id")))
        log_info("%.*s had no row: it gets a new one, and no other row is changed", TEXT_ARGS(identifier));
    if (oddity == ODDITY_UNREACHED || oddity == ODDITY_SOME_ROUTES ||
        (oddity != ODDITY_NONE && oddity != ODDITY_NO_LEGACY_URL && set->created))
        log_warning("%s", oddity_text(oddity, set->source, identifier, text));
}

static bool is_named(const void *context, struct text source, struct text identifier)
{
    const struct set *set = context;
    for (size_t i = 0; text_equal(source, set->source) && i < set->names; ++i) {
        if (text_equal(identifier, text_of(set->edit.arguments->words[i])))
            return true;
    }
    return false;
}

static void warn_of_stage(const struct set *set, struct snapshot *snapshot, const struct connection *row)
{
    bool is_test;
    if (row->connection_id.size == 0 || !set_names_field(set, TEXT("connection_id")))
        return;
    if ((rows_stage(snapshot, set->source, is_named, set, &is_test) ||
         rows_stage(snapshot, (struct text){0}, is_named, set, &is_test)) &&
        is_test != connection_id_is_test(row->connection_id))
        rows_warn_of_stage(!is_test);
}

/* -- the change -- */

static bool put_row(struct set *set, struct change *change, struct text identifier, const struct connection *row,
                    struct error *error)
{
    char key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
    size_t key_size = connection_key(set->source, identifier, key);
    size_t record_size = connection_encode(row, record);
    return change_put(change, text_slice(key, key_size), text_slice(record, record_size), error);
}

/* Handles one name. If its row cannot be read, or cannot be as the words want it, that is reported here so that the
 * others are still handled; *error is for what ends the whole command. */
static int set_one(struct set *set, struct change *change, size_t i, struct error *error)
{
    struct connection_buffer buffer;
    struct error row_error = {0};
    struct text identifier = text_of(set->edit.arguments->words[i]);
    int status = edited_row(set, change_snapshot(change), identifier, &buffer, &row_error);
    if (row_error.kind != ERROR_NONE)
        return complain(&row_error);
    if (status != STATUS_DONE)
        return status;
    if (i == 0 || set->created)
        warn_of_row(set, identifier, &buffer.row);
    if (i == 0)
        warn_of_stage(set, change_snapshot(change), &buffer.row);
    set->connects = set->connects || (set->created ? buffer.row.connection_id.size > 0
                                                   : !text_equal(set->was.connection_id, buffer.row.connection_id));
    if (set->created)
        set_new_note(set, identifier);
    else
        siblings_note(&set->siblings, &set->was, &buffer.row);
    return put_row(set, change, identifier, &buffer.row, error) ? STATUS_DONE : STATUS_FAILED;
}

/* All or none. Every name that fails is reported, so that nobody in a hurry has to try again for each. */
static int run_set(struct edit *edit, struct change *change, struct error *error)
{
    struct set *set = (struct set *)(void *)edit;
    int worst = STATUS_DONE;
    set->good = set->cut_over = set->added.count = 0;
    siblings_release(&set->siblings);
    for (size_t i = 0; i < set->names && error->kind == ERROR_NONE; ++i) {
        int status = set_one(set, change, i, error);
        worst = status > worst ? status : worst;
        set->good += status == STATUS_DONE;
    }
    return worst;
}

static void on_refusal(const struct edit *edit)
{
    const struct set *set = (const struct set *)(const void *)edit;
    if (set->names > 1 && set->good == 0)
        log_info("nothing was changed: none of the %zu rows can be changed this way", set->names);
    else if (set->names > 1)
        log_info("nothing was changed: %zu of the %zu rows can be changed this way; leave out those named above",
                 set->good, set->names);
    set_new_tell_refused(set);
}

/* -- the command -- */

/* With no store yet, checks the request before creating one. */
static int open_for_set(struct set *set)
{
    struct error error = {0};
    struct context *context = set->edit.context;
    if (!context_store_exists(context)) {
        struct connection_buffer buffer;
        if (!context_expects(context, set->edit.arguments, 0, &error))
            return complain(&error);
        int status = edited_row(set, NULL, text_of(set->edit.arguments->words[0]), &buffer, &error);
        if (error.kind != ERROR_NONE)
            return complain(&error);
        if (status != STATUS_DONE) {
            log_error("there is no store at %s; is another one meant?", context->store);
            set_new_tell_how(set);
            return status;
        }
    }
    return context_open_table(context, TABLE_WRITE, &error) ? STATUS_DONE : complain(&error);
}

/* Checks what is wrong with the words whatever the table holds. */
static int check_words(const struct set *set)
{
    struct error error = {0};
    struct connection any = {0};
    for (size_t i = 0; i < set->names; ++i) {
        const char *name = set->edit.arguments->words[i];
        const char *problem = identifier_problem(text_of(name));
        if (problem != NULL) {
            log_error("the identifier '%s' %s", name, problem);
            return STATUS_USAGE;
        }
    }
    return set_fields(set, &any, &error) ? STATUS_DONE : complain(&error);
}

/* "revision 7: acme changed", "revision 7: 2 rows changed, 1 added" */
static void print_text(const struct set *set)
{
    const struct edit *edit = &set->edit;
    char changed[NUMBER_SIZE], added[NUMBER_SIZE];
    printf("revision %llu: ", (unsigned long long)edit->revision);
    if (set->names == 1) {
        output_text(stdout, text_of(edit->arguments->words[0]));
        printf(" %s\n", edit->counts.added > 0     ? "added"
                        : edit->counts.changed > 0 ? "changed"
                                                   : "is like that already, nothing changed");
        return;
    }
    number_grouped(edit->counts.changed, changed);
    if (edit->counts.added > 0)
        printf("%s row%s changed, %s added\n", changed, plural(edit->counts.changed),
               number_grouped(edit->counts.added, added));
    else if (edit->counts.changed > 0)
        printf("%s row%s changed\n", changed, plural(edit->counts.changed));
    else
        printf("the rows are like that already, nothing changed\n");
}

/* All names have got the same fields. */
static void tell_sharers(const struct set *set)
{
    struct error error = {0};
    struct connection row = {0};
    if (set_fields(set, &row, &error) && row.connection_id.size > 0)
        siblings_tell_sharers(set->edit.context->table, row.connection_id, is_named, set);
}

static int set_named(struct set *set)
{
    int status = check_words(set);
    if (status == STATUS_DONE)
        status = open_for_set(set);
    if (status == STATUS_DONE)
        status = set_new_look(set);
    if (status == STATUS_DONE)
        status = edit_run(&set->edit);
    if (status != STATUS_DONE)
        return status;
    if (set->edit.arguments->json)
        edit_print_json(&set->edit);
    else
        print_text(set);
    rows_warn_of_cut_over(set->cut_over, false);
    edit_tell_namesakes(&set->edit, set->names);
    set_new_tell(set);
    siblings_warn(&set->siblings, set->edit.context);
    if (set->connects)
        tell_sharers(set);
    return STATUS_DONE;
}

static int set_all(struct set *set)
{
    int status = set_all_check(set);
    if (status == STATUS_DONE)
        status = check_words(set);
    if (status == STATUS_DONE)
        status = context_require(set->edit.context, set->edit.arguments, NEEDS_WRITE);
    if (status == STATUS_DONE)
        status = edit_run(&set->edit);
    if (status != STATUS_DONE)
        return status;
    status = set_all_print(set);
    rows_warn_of_cut_over(set->cut_over, set->edit.arguments->dry_run);
    set_all_warn_of_siblings(set);
    return status;
}

int cmd_set(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct set set = {0};
    if (!arguments->all && (arguments->state != NULL || arguments->keep_going || arguments->dry_run)) {
        log_error("--state, --keep-going and --dry-run go with --all; a state is set by state=VALUE");
        return STATUS_USAGE;
    }
    if (!edit_start(&set.edit, context, arguments, &error))
        return complain(&error);
    set.edit.run = arguments->all ? set_all_run : run_set;
    set.edit.on_refusal = arguments->all ? set_all_on_refusal : on_refusal;
    set.source = set.edit.source;
    set.audit.config = context->config;
    set.names = arguments->all ? 0 : set_count_names(arguments);
    int status = arguments->all ? set_all(&set) : set_named(&set);
    siblings_release(&set.siblings);
    return status;
}
