/* check: reports what is wrong with mapping files, or with the table. Writes nothing. */
#include "files.h"
#include "output.h"
#include "rows.h"
#include "ssoferry/audit.h"
#include "ssoferry/json_value.h"
#include "ssoferry/log.h"

/* -- files -- */

static void print_fault(void *context, const struct fault_seen *fault)
{
    (void)context;
    json_t *object = json_object();
    json_object_set_new(object, "severity", json_string(fault->severity == FAULT_ERROR ? "error" : "warning"));
    json_object_set_new(object, "file", fault->path != NULL ? json_text(text_of(fault->path)) : json_null());
    json_object_set_new(object, "line", fault->line > 0 ? json_integer(fault->line) : json_null());
    json_object_set_new(object, "column", fault->line > 0 ? json_integer(fault->column) : json_null());
    json_object_set_new(object, "message", json_text(text_of(fault->message)));
    output_json(object);
}

/* Prints as JSON everything that goes to standard error. */
static void print_faults(const struct files *files, bool test_only)
{
    for (size_t i = 0; i < files->unread_count; ++i)
        print_fault(NULL, &(struct fault_seen){.severity = FAULT_ERROR,
                                               .path = files->unread[i].path,
                                               .message = files->unread[i].error.message});
    faults_each(files->faults, print_fault, NULL);
    if (test_only)
        print_fault(NULL, &(struct fault_seen){.severity = FAULT_WARNING, .message = MAPPING_TEST_ONLY});
}

static int check_files(struct context *context, const struct arguments *arguments)
{
    struct files files;
    context_give_way(context);
    int status = files_read(&files, context, arguments, &context->progress, "");
    bool test_only = status == STATUS_DONE && mapping_stage(files.mapping) == STAGE_TEST;
    if (arguments->json) {
        print_faults(&files, test_only);
    } else if (status == STATUS_DONE) {
        char rows[NUMBER_SIZE];
        uint64_t count = rowset_count(mapping_rows(files.mapping));
        printf("%s row%s of ", number_grouped(count, rows), plural(count));
        files_print_sources(&files, stdout);
        printf(": no errors\n");
    }
    if (test_only)
        log_warning(MAPPING_TEST_ONLY);
    files_close(&files);
    return status;
}

/* -- the table -- */

#define NEVER_LOADED "the table has no mapping yet: `ssoferry load` gives it one"

struct table_check {
    struct context *context;
    bool json;
    struct audit audit;
    struct faults *faults;
    unsigned file; /* the store's number in `faults` */
    struct text source, identifier;
    uint64_t rows;
    uint64_t stages[2];                  /* rows of live projects and of test projects */
    char unreached[SOURCE_SIZE_MAX + 1]; /* the last source reported as unreached */
};

/* `identifier` is empty if the message is about the whole source or the whole table. */
static void say(const struct table_check *check, enum fault_severity severity, const char *problem,
                struct text identifier, const char *message, const char *json_message)
{
    faults_add(check->faults, severity, check->file, 0, 0, 0, "%s", message);
    if (!check->json)
        return;
    progress_erase(&check->context->progress);
    json_t *object = json_object();
    json_object_set_new(object, "severity", json_string(severity == FAULT_ERROR ? "error" : "warning"));
    json_object_set_new(object, "problem", json_string(problem));
    json_object_set_new(object, "source", json_text_or_null(check->source));
    json_object_set_new(object, "identifier", json_text_or_null(identifier));
    json_object_set_new(object, "message", json_text(text_of(json_message)));
    output_json(object);
}

/* Reports a problem of the current row; `message` does not name the row. */
static void say_of_row(const struct table_check *check, enum fault_severity severity, const char *problem,
                       const char *message)
{
    char text[ERROR_MESSAGE_SIZE + CONNECTION_KEY_SIZE_MAX + 32];
    if (text_equal(check->source, TEXT("default")))
        snprintf(text, sizeof(text), "%.*s: %s", TEXT_ARGS(check->identifier), message);
    else
        snprintf(text, sizeof(text), "%.*s (source %.*s): %s", TEXT_ARGS(check->identifier), TEXT_ARGS(check->source),
                 message);
    say(check, severity, problem, check->identifier, text, message);
}

static void on_warning(void *context, const char *field, const char *message)
{
    say_of_row(context, FAULT_WARNING, field, message);
}

static void check_oddity(struct table_check *check, const struct connection *row)
{
    char text[ODDITY_TEXT_SIZE];
    enum oddity oddity = audit_row(&check->audit, check->source, check->identifier, row);
    if (oddity == ODDITY_NONE)
        return;
    bool of_source = oddity == ODDITY_UNREACHED;
    if (of_source && text_equal(check->source, text_of(check->unreached)))
        return;
    if (of_source)
        snprintf(check->unreached, sizeof(check->unreached), "%.*s", TEXT_ARGS(check->source));
    oddity_text(oddity, check->source, check->identifier, text);
    say(check, oddity == ODDITY_NO_LEGACY_URL ? FAULT_ERROR : FAULT_WARNING, oddity_code(oddity),
        text_slice(check->identifier.at, of_source ? 0 : check->identifier.size), text, text);
}

static void check_fields(struct table_check *check, const struct connection *row)
{
    struct connection_problem problem;
    if (!audit_fields(&check->audit, check->source, row, &problem)) {
        say_of_row(check, FAULT_ERROR, problem.field, problem.message);
    } else if (!connection_check(row, &check->context->config->rules, &problem)) {
        char text[sizeof problem.message + 96];
        snprintf(text, sizeof text, "%s; its state does not use it, but a file with this row would be refused",
                 problem.message);
        say_of_row(check, FAULT_WARNING, problem.field, text);
    }
}

/* False if the name is not valid: then no request reaches its row, whatever the row says. */
static bool check_name(const struct table_check *check)
{
    char text[256];
    const char *of_source = source_problem(check->source);
    const char *problem = identifier_problem(check->identifier);
    const char *warning = problem == NULL ? identifier_warning(check->identifier) : NULL;
    if (of_source != NULL) {
        snprintf(text, sizeof(text), "the source %s, so no request finds this row: restore a backup", of_source);
        say_of_row(check, FAULT_ERROR, "source", text);
    } else if (problem != NULL) {
        snprintf(text, sizeof(text), "the identifier %s, so no request finds this row: load its source anew", problem);
        say_of_row(check, FAULT_ERROR, "identifier", text);
    } else if (warning != NULL) {
        snprintf(text, sizeof(text), "the identifier %s", warning);
        say_of_row(check, FAULT_WARNING, "identifier", text);
    }
    return of_source == NULL && problem == NULL;
}

/* A row is an error if, with this configuration, the daemon would answer its sign-ins only with 503 or 508. */
static void check_row(struct table_check *check, struct text record)
{
    struct error error = {0};
    struct connection_buffer buffer;
    if (!check_name(check))
        return;
    if (!connection_decode(record, &buffer, &error)) {
        say_of_row(check, FAULT_ERROR, "record", error.message);
        return;
    }
    check_fields(check, &buffer.row);
    check_oddity(check, &buffer.row);
    connection_warn(&buffer.row, &check->context->config->rules, on_warning, check);
    if (buffer.row.connection_id.size > 0)
        ++check->stages[connection_id_is_test(buffer.row.connection_id)];
}

static bool check_rows(struct table_check *check, struct snapshot *snapshot, struct error *error)
{
    struct table_row row;
    enum lookup_result result;
    struct progress *progress = &check->context->progress;
    progress_count(progress, "checking rows", table_state_total(snapshot_state(snapshot)));
    rows_seek(snapshot, (struct text){0});
    while ((result = rows_next(snapshot, (struct text){0}, &row, &check->source, &check->identifier, error)) ==
           LOOKUP_FOUND) {
        ++check->rows;
        check_row(check, row.record);
        progress_step(progress);
    }
    progress_erase(progress);
    return result == LOOKUP_ABSENT;
}

static void check_stages(struct table_check *check)
{
    char live[NUMBER_SIZE], test[NUMBER_SIZE], message[256];
    check->source = (struct text){0};
    if (check->stages[0] == 0 && check->stages[1] > 0)
        say(check, FAULT_WARNING, "test_only", check->source, MAPPING_TEST_ONLY, MAPPING_TEST_ONLY);
    if (check->stages[0] == 0 || check->stages[1] == 0)
        return;
    snprintf(message, sizeof(message),
             "%s row%s of a live project and %s of a test project: the sign-ins of one of them end at the wrong place",
             number_grouped(check->stages[0], live), plural(check->stages[0]), number_grouped(check->stages[1], test));
    say(check, FAULT_WARNING, "test_beside_live", (struct text){0}, message, message);
}

static int check_table(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    int status = context_require(context, arguments, NEEDS_ROUTES);
    if (status != STATUS_DONE)
        return status;
    context_give_way(context);
    if (!snapshot_open(&snapshot, context->table, &error))
        return complain(&error);
    struct table_check check = {.context = context, .json = arguments->json, .audit.config = context->config};
    check.audit.owners = owners_new();
    check.faults = faults_new();
    check.file = faults_file(check.faults, context->store, NULL);
    if (snapshot_state(snapshot)->revision == 0)
        say(&check, FAULT_ERROR, "not_loaded", check.source, NEVER_LOADED, NEVER_LOADED);
    if (check_rows(&check, snapshot, &error))
        check_stages(&check);
    else
        status = complain(&error);
    faults_log(check.faults);
    files_print_count(check.faults, "");
    if (status == STATUS_DONE && faults_errors(check.faults) > 0)
        status = STATUS_USAGE;
    char rows[NUMBER_SIZE];
    if (status == STATUS_DONE && !arguments->json)
        printf("%s row%s of revision %llu: no errors\n", number_grouped(check.rows, rows), plural(check.rows),
               (unsigned long long)snapshot_state(snapshot)->revision);
    faults_free(check.faults);
    owners_free(check.audit.owners);
    snapshot_close(snapshot);
    return status;
}

int cmd_check(struct context *context, const struct arguments *arguments)
{
    return arguments->table ? check_table(context, arguments) : check_files(context, arguments);
}
