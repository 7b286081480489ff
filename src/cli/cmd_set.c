/* set: fields of rows changed, or rows added, as one revision. */
#include "edit.h"
#include "nearest.h"
#include "output.h"
#include "rows.h"
#include "ssoferry/audit.h"
#include "ssoferry/log.h"
#include "ssoferry/mapping_file.h"

/* The identifiers that the words name, which go before the fields. `edit` comes first: it is what run_set() is given.
 */
struct set {
    struct edit edit;
    size_t names;
    bool created;       /* the row at hand is new */
    bool nothing_meant; /* the only name is not there, and can have been meant for nothing that is */
    size_t good;        /* rows that can be as the words want them */
    struct audit audit;
};

/* -- the words -- */

static bool split_field(const char *word, struct text *name, struct text *value)
{
    struct text whole = text_of(word);
    size_t equals = text_find(whole, '=', 0);
    *name = text_slice(whole.at, equals);
    *value = equals < whole.size ? text_slice(whole.at + equals + 1, whole.size - equals - 1) : (struct text){0};
    return equals < whole.size;
}

static void find_field(struct nearest *nearest, struct text name)
{
    const char *field;
    nearest_start(nearest, name);
    for (size_t i = 0; (field = connection_field_name(i)) != NULL; ++i)
        nearest_offer(nearest, text_of(field));
}

/* Whether a word is NAME=VALUE with the name of a field, or one so near that it is meant. Identifiers may hold a '=',
 * too: those that are found in URLs and in RelayState do. */
static bool is_assignment(const char *word)
{
    struct nearest nearest;
    struct text name, value;
    if (!split_field(word, &name, &value))
        return false;
    find_field(&nearest, name);
    return nearest.count > 0;
}

/* The first word is an identifier whatever it looks like, the last a field. */
static size_t count_names(const struct arguments *arguments)
{
    size_t names = 1;
    while (names + 1 < arguments->word_count && !is_assignment(arguments->words[names]))
        ++names;
    return names;
}

static bool words_name(const struct set *set, struct text field)
{
    const struct arguments *arguments = set->edit.arguments;
    for (size_t i = set->names; i < arguments->word_count; ++i) {
        struct text name, value;
        if (split_field(arguments->words[i], &name, &value) && text_equal(name, field))
            return true;
    }
    return false;
}

static bool refuse_field(struct text name, const char *why, struct error *error)
{
    struct nearest nearest;
    find_field(&nearest, name);
    bool known = nearest.count > 0 && nearest.found[0].distance == 0;
    bool mistyped = nearest.count > 0 && !known;
    return error_set(error, ERROR_INPUT, "%.*s %s%s%s%s", TEXT_ARGS(name), why, mistyped ? "; did you mean " : "",
                     mistyped ? nearest.found[0].name : "", mistyped ? "?" : "");
}

/* Applies the words FIELD=VALUE to a row, of which each is good or bad whatever the row. */
static bool set_fields(const struct set *set, struct connection *row, struct error *error)
{
    const struct arguments *arguments = set->edit.arguments;
    for (size_t i = set->names; i < arguments->word_count; ++i) {
        struct text name, value;
        const char *why;
        if (!split_field(arguments->words[i], &name, &value))
            return error_set(error, ERROR_INPUT, "'%s' is not FIELD=VALUE", arguments->words[i]);
        if (!connection_set_field(row, name, value, &why))
            return refuse_field(name, why, error);
    }
    return true;
}

/* -- one row -- */

/* A row that has just been sent to the old system, and would get 503 there, is refused: this is the way back. */
static bool check_legacy(struct set *set, struct text identifier, const struct connection *row, struct error *error)
{
    bool meant = set->created || words_name(set, TEXT("state")) || words_name(set, TEXT("legacy_url"));
    if (!meant || audit_row(&set->audit, set->edit.source, identifier, row) != ODDITY_NO_LEGACY_URL)
        return true;
    return error_set(error, ERROR_INPUT,
                     "%.*s cannot be legacy: neither it nor a route of source %.*s has a legacy_url, so its sign-ins "
                     "would get 503. Give it one (legacy_url=URL), or the route in the daemon's configuration",
                     TEXT_ARGS(identifier), TEXT_ARGS(set->edit.source));
}

/* The row without a URL that neither the words name nor its state uses. One whose host is allowed no more must not
 * stand in the way of taking the customer back. */
static struct connection checked_part(const struct set *set, const struct connection *row)
{
    struct connection part = connection_in_use(row);
    if (words_name(set, TEXT("acs_url")) || words_name(set, TEXT("connection_id")))
        part.acs_url = row->acs_url;
    if (words_name(set, TEXT("legacy_url")))
        part.legacy_url = row->legacy_url;
    return part;
}

/* Sets the fields of a row and checks it as a whole. */
static bool edit_row(struct set *set, struct text identifier, struct connection *row, struct error *error)
{
    const struct context *context = set->edit.context;
    if (!set_fields(set, row, error))
        return false;
    struct connection_problem problem;
    struct connection checked = checked_part(set, row);
    if (connection_check(&checked, &context->config->rules, &problem))
        return check_legacy(set, identifier, row, error);
    bool host = strcmp(problem.field, "acs_url") == 0 || strcmp(problem.field, "legacy_url") == 0;
    const char *hint =
        host && context->config_path == NULL ? "; without -c CONFIG, only Stytch's own hosts may be named" : "";
    return error_set(error, ERROR_INPUT, "%.*s: %s%s", TEXT_ARGS(identifier), problem.message, hint);
}

static bool is_like_field(struct text identifier)
{
    size_t size = 0;
    while (size < identifier.size &&
           ((identifier.at[size] >= 'a' && identifier.at[size] <= 'z') || identifier.at[size] == '_'))
        ++size;
    return size > 0 && size < identifier.size && identifier.at[size] == '=';
}

/* An unknown identifier is more likely a mistyped one, and among several one like NAME=VALUE a mistyped field. A
 * connection says that it is meant; a state alone says so only where there is nothing that it can have been meant for:
 * whoever takes a customer back must not be told that it was done while the customer's row is as it was. */
static bool may_add(const struct set *set, struct snapshot *snapshot, struct text identifier)
{
    if (words_name(set, TEXT("connection_id")))
        return set->names == 1 || !is_like_field(identifier);
    return set->names == 1 && words_name(set, TEXT("state")) && (snapshot == NULL || set->nothing_meant);
}

/* Puts the row as the words want it into `buffer`, from the one in the table if there is one. `snapshot` may be
 * NULL: no table yet. */
static int edited_row(struct set *set, struct snapshot *snapshot, struct text identifier,
                      struct connection_buffer *buffer, struct error *error)
{
    enum lookup_result result =
        snapshot != NULL ? snapshot_find(snapshot, set->edit.source, identifier, buffer, error) : LOOKUP_ABSENT;
    if (result == LOOKUP_FAILED)
        return error_exit_status(error);
    set->created = result != LOOKUP_FOUND;
    if (set->created && !may_add(set, snapshot, identifier))
        return snapshot != NULL ? edit_note_unknown(&set->edit, identifier) : STATUS_FAILED;
    if (set->created)
        buffer->row = (struct connection){.state = CONNECTION_STYTCH};
    return edit_row(set, identifier, &buffer->row, error) ? STATUS_DONE : error_exit_status(error);
}

/* -- warnings: what load would say of such a row in a file -- */

static void on_warning(void *context, const char *field, const char *message)
{
    const struct text *identifier = context;
    (void)field;
    log_warning("%.*s: %s", TEXT_ARGS(*identifier), message);
}

/* Whether the words touch what connection_warn() looks at. */
static bool words_warn(const struct set *set)
{
    return words_name(set, TEXT("connection_id")) || words_name(set, TEXT("acs_url")) ||
           words_name(set, TEXT("organization_id")) || words_name(set, TEXT("redirect"));
}

static void warn_of_row(struct set *set, struct text identifier, const struct connection *row)
{
    char text[ODDITY_TEXT_SIZE];
    const char *warning = set->created ? identifier_warning(identifier) : NULL;
    enum oddity oddity = audit_row(&set->audit, set->edit.source, identifier, row);
    if (set->created || words_warn(set))
        connection_warn(row, &set->edit.context->config->rules, on_warning, &identifier);
    if (warning != NULL)
        log_warning("%.*s %s", TEXT_ARGS(identifier), warning);
    if (oddity == ODDITY_UNREACHED || ((oddity == ODDITY_ENCODED || oddity == ODDITY_CAPITALS) && set->created))
        log_warning("%s", oddity_text(oddity, set->edit.source, identifier, text));
}

static bool is_named(const void *context, struct text source, struct text identifier)
{
    const struct set *set = context;
    for (size_t i = 0; text_equal(source, set->edit.source) && i < set->names; ++i) {
        if (text_equal(identifier, text_of(set->edit.arguments->words[i])))
            return true;
    }
    return false;
}

static void warn_of_stage(const struct set *set, struct snapshot *snapshot, const struct connection *row)
{
    bool is_test;
    if (row->connection_id.size == 0 || !words_name(set, TEXT("connection_id")))
        return;
    if ((rows_stage(snapshot, set->edit.source, is_named, set, &is_test) ||
         rows_stage(snapshot, (struct text){0}, is_named, set, &is_test)) &&
        is_test != connection_id_is_test(row->connection_id))
        rows_warn_of_stage(!is_test);
}

/* -- the change -- */

static bool put_row(struct set *set, struct change *change, struct text identifier, const struct connection *row,
                    struct error *error)
{
    char key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
    size_t key_size = connection_key(set->edit.source, identifier, key);
    size_t record_size = connection_encode(row, record);
    return change_put(change, text_slice(key, key_size), text_slice(record, record_size), error);
}

static void say_how_to_add(const struct set *set)
{
    log_info("to make a row of that name all the same, %sgive connection_id=ID, or `ssoferry load --merge` a file with "
             "it",
             set->names > 1 ? "name it alone and " : "");
}

/* One of the names. A row that cannot be read or be as the words want it is told here, so that the others' turn comes;
 * *error is for what ends it all. */
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
    return put_row(set, change, identifier, &buffer.row, error) ? STATUS_DONE : STATUS_FAILED;
}

/* All or none; every name that cannot be is told, so that those who are in a hurry need not ask again for each. */
static int run_set(struct edit *edit, struct change *change, struct error *error)
{
    struct set *set = (struct set *)(void *)edit;
    int worst = STATUS_DONE;
    set->good = 0;
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
        log_info("nothing was changed; none of the %zu rows can be", set->names);
    else if (set->names > 1)
        log_info("nothing was changed; %zu of the %zu rows can be: leave out those named above", set->good, set->names);
    if (edit->unknown_count > 0)
        say_how_to_add(set);
}

/* -- the command -- */

/* With no store yet, what is asked for is checked before one is made. */
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
            say_how_to_add(set);
            log_error("there is no store at %s yet", context->store);
            return status;
        }
    }
    return context_open_table(context, TABLE_WRITE, &error) ? STATUS_DONE : complain(&error);
}

/* What is wrong with them whatever the table holds. */
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

/* Whether an unknown name can have been meant for another, told where it can: for may_add(), and before other writers
 * have to wait. */
static int look_for_meant(struct set *set)
{
    struct error error = {0};
    struct meant meant;
    struct snapshot *snapshot = NULL;
    struct connection_buffer buffer;
    struct text identifier = text_of(set->edit.arguments->words[0]);
    int status = STATUS_DONE;
    if (set->names > 1 || !words_name(set, TEXT("state")) || words_name(set, TEXT("connection_id")))
        return status;
    if (!snapshot_open(&snapshot, set->edit.context->table, &error))
        return complain(&error);
    enum lookup_result result = snapshot_find(snapshot, set->edit.source, identifier, &buffer, &error);
    if (result == LOOKUP_ABSENT || result == LOOKUP_NOT_LOADED) {
        set->nothing_meant = !rows_meant(snapshot, set->edit.source, identifier, true, &meant);
        if (!set->nothing_meant) {
            status = rows_complain_meant(snapshot, set->edit.source, identifier, &meant);
            say_how_to_add(set);
        }
    }
    snapshot_close(snapshot);
    return status;
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
                                                   : "is so already, nothing changed");
        return;
    }
    number_grouped(edit->counts.changed, changed);
    if (edit->counts.added > 0)
        printf("%s row%s changed, %s added\n", changed, plural(edit->counts.changed),
               number_grouped(edit->counts.added, added));
    else if (edit->counts.changed > 0)
        printf("%s row%s changed\n", changed, plural(edit->counts.changed));
    else
        printf("the rows are so already, nothing changed\n");
}

int cmd_set(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct set set = {0};
    if (!edit_start(&set.edit, context, arguments, &error))
        return complain(&error);
    set.edit.run = run_set;
    set.edit.on_refusal = on_refusal;
    set.audit.config = context->config;
    set.names = count_names(arguments);
    int status = check_words(&set);
    if (status == STATUS_DONE)
        status = open_for_set(&set);
    if (status == STATUS_DONE)
        status = look_for_meant(&set);
    if (status == STATUS_DONE)
        status = edit_run(&set.edit);
    if (status != STATUS_DONE)
        return status;
    if (arguments->json)
        edit_print_json(&set.edit);
    else
        print_text(&set);
    return STATUS_DONE;
}
