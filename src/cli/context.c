#include "context.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssoferry/background.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"
#include "ssoferry/shell_word.h"

enum { ACTOR_SIZE_MAX = 256, MESSAGE_SIZE_MAX = 1024 };

int complain(const struct error *error)
{
    log_error("%s", error->message);
    return error_exit_status(error);
}

static const char *choose_config(const struct arguments *arguments)
{
    if (arguments->config != NULL)
        return arguments->config;
    if (arguments->store == NULL && access(CONTEXT_DEFAULT_CONFIG, F_OK) == 0)
        return CONTEXT_DEFAULT_CONFIG;
    return NULL;
}

/* Whoever takes a customer back while somebody edits the file needs another way. */
static void tell_of_store(const struct context *context)
{
    const enum needs needs = context->command->needs;
    if (needs >= NEEDS_STORE && needs != NEEDS_ROUTES)
        log_info("if it is urgent: `ssoferry --store PATH %s ...` goes without the configuration",
                 context->command->name);
}

static int read_config(struct context *context)
{
    if (context->config_path == NULL) {
        context->config = config_defaults();
        return STATUS_DONE;
    }
    struct error error = {0};
    struct faults *faults = faults_new();
    int status = STATUS_DONE;
    if (!config_read(&context->config, context->config_path, faults, &error)) {
        faults_log(faults);
        status = complain(&error);
        if (faults_errors(faults) > 0)
            tell_of_store(context);
    }
    /* Warnings about the configuration are left to the daemon; here they would precede every answer. */
    faults_free(faults);
    return status;
}

static int choose_store(struct context *context, const struct arguments *arguments)
{
    context->store = arguments->store != NULL ? arguments->store : context->config->store;
    if (context->store != NULL && context->store[0] != '\0')
        return STATUS_DONE;
    log_error(
        "which store? Give -c CONFIG (the daemon's configuration) or --store PATH; there is no " CONTEXT_DEFAULT_CONFIG
        " here");
    return STATUS_USAGE;
}

static int open_for(struct context *context, enum needs needs)
{
    if (needs == NEEDS_ROUTES && context->config->gateway.route_count == 0) {
        log_error("%s needs the routes of the daemon's configuration: give -c CONFIG", context->command->name);
        return STATUS_USAGE;
    }
    struct error error = {0};
    bool write = needs == NEEDS_WRITE;
    if (write && !context_store_exists(context)) {
        /* Opening it for writing would create an empty one, perhaps at a mistyped path. */
        log_error("there is no store at %s; `ssoferry load` makes it", context->store);
        return STATUS_FAILED;
    }
    return context_open_table(context, write ? TABLE_WRITE : TABLE_READ, &error) ? STATUS_DONE : complain(&error);
}

int context_require(struct context *context, const struct arguments *arguments, enum needs needs)
{
    int status = STATUS_DONE;
    if (needs == NEEDS_NOTHING)
        return status;
    if (context->config == NULL) {
        context->config_path = choose_config(arguments);
        status = read_config(context);
    }
    if (status == STATUS_DONE && needs >= NEEDS_STORE)
        status = choose_store(context, arguments);
    if (status == STATUS_DONE && needs >= NEEDS_READ)
        status = open_for(context, needs);
    return status;
}

int context_open(struct context *context, const struct arguments *arguments)
{
    return context_require(context, arguments, context->command->needs);
}

void context_close(struct context *context)
{
    table_close(context->table);
    config_free(context->config);
    pauses_end(&context->pauses);
    context->table = NULL;
    context->config = NULL;
}

bool context_store_exists(const struct context *context)
{
    struct stat facts;
    return stat(context->store, &facts) == 0 || errno != ENOENT;
}

static void tell_of_waiting(const char *path)
{
    char *word = shell_word(text_of(path));
    log_info("waiting for another ssoferry to finish its change (`fuser -v %s` shows it); Ctrl-C gives up", word);
    free(word);
}

bool context_open_table(struct context *context, enum table_mode mode, struct error *error)
{
    if (context->table != NULL)
        return true;
    struct table_options options = {.mode = mode, .on_wait = tell_of_waiting};
    context->makes_store = mode == TABLE_WRITE && !context_store_exists(context);
    if (!table_open(&context->table, context->store, &options, error))
        return false;
    if (mode == TABLE_WRITE && table_name_problem(context->table) != NULL)
        log_warning(TABLE_NAME_WARNING, context->store, table_name_problem(context->table));
    return true;
}

/* A daemon creates its store if there is none. So a store that only a command created is probably not the one a running
 * daemon uses: the path is mistyped, or relative to another directory. */
void context_tell_of_new_store(const struct context *context)
{
    char whole[PATH_MAX];
    if (context->makes_store)
        log_info("made a new store at %s; if a daemon is running already, it uses another one",
                 realpath(context->store, whole) != NULL ? whole : context->store);
}

void context_give_way(struct context *context)
{
    background_step_back();
    progress_start(&context->progress);
    if (context->table != NULL && table_is_shared(context->table))
        pauses_begin(&context->pauses);
}

/* Whether both paths name the same file or, if either is missing, the same place. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat first, second;
    char directory[PATH_MAX];
    bool have_first = stat(a, &first) == 0, have_second = stat(b, &second) == 0;
    if (have_first && have_second)
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
    const char *a_slash = strrchr(a, '/'), *b_slash = strrchr(b, '/');
    if (strcmp(a_slash != NULL ? a_slash + 1 : a, b_slash != NULL ? b_slash + 1 : b) != 0)
        return false;
    snprintf(directory, sizeof(directory), "%.*s", TEXT_ARGS(text_directory(a)));
    if (stat(directory, &first) != 0)
        return false;
    snprintf(directory, sizeof(directory), "%.*s", TEXT_ARGS(text_directory(b)));
    return stat(directory, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

bool context_may_write(const struct context *context, const char *path, struct error *error)
{
    static const struct {
        const char *suffix, *what;
    } beside[] = {
        {"", "the store itself"},
        {"-lock", "the store's lock"},
        {".usage", "what the daemon counts"},
        {".usage-lock", "the lock of what the daemon counts"},
    };
    if (context->config_path != NULL && is_same_file(path, context->config_path))
        return error_set(error, ERROR_INPUT, "%s is the daemon's configuration: name another file", path);
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); ++i) {
        char name[PATH_MAX];
        snprintf(name, sizeof(name), "%s%s", context->store, beside[i].suffix);
        if (is_same_file(path, name))
            return error_set(error, ERROR_INPUT, "%s is %s: name another file", path, beside[i].what);
    }
    return true;
}

bool context_expects(const struct context *context, const struct arguments *arguments, uint64_t revision,
                     struct error *error)
{
    const struct option_number *expected = &arguments->expect_revision;
    const char *command = context->command->name;
    if (!expected->given || expected->value == revision)
        return true;
    if (revision == 0)
        return error_set(error, ERROR_CONFLICT,
                         "the table is at revision 0, not %llu: %s was never loaded. Is that the right store? If so, "
                         "%s without --expect-revision",
                         (unsigned long long)expected->value, context->store, command);
    return error_set(error, ERROR_CONFLICT,
                     "the table is at revision %llu, not %llu: somebody changed it meanwhile. See `ssoferry history` "
                     "and `ssoferry diff`, then "
                     "%s with --expect-revision %llu",
                     (unsigned long long)revision, (unsigned long long)expected->value, command,
                     (unsigned long long)revision);
}

/* Under sudo, the table was changed by the person, not by root. */
static const char *user_name(void)
{
    const char *sudo = getenv("SUDO_USER");
    if (getuid() == 0 && sudo != NULL && sudo[0] != '\0')
        return sudo;
    const struct passwd *entry = getpwuid(getuid());
    return entry != NULL ? entry->pw_name : "unknown";
}

/* Limited to the size allowed for --actor, since the environment may hold more. */
static char *default_actor(void)
{
    char host[256] = "", actor[ACTOR_SIZE_MAX + 2];
    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    const int wanted = snprintf(actor, sizeof(actor), "%s@%s", user_name(), host);
    return memory_string(text_cut(text_of(wanted > 0 ? actor : ""), ACTOR_SIZE_MAX));
}

/* What a line of the history shows. */
static bool check_line(const char *option, const char *value, size_t most, struct error *error)
{
    struct text line = text_of(value);
    if (line.size > most)
        return error_set(error, ERROR_INPUT, "--%s is longer than %zu bytes", option, most);
    if (!text_is_utf8(line))
        return error_set(error, ERROR_INPUT, "--%s is not valid UTF-8", option);
    if (text_has_control(line))
        return error_set(error, ERROR_INPUT, "--%s holds a line break or another control character: write one line",
                         option);
    return true;
}

bool context_note(struct revision_note *note, const char *command, const struct arguments *arguments,
                  struct error *error)
{
    const char *actor = arguments->actor, *message = arguments->message;
    if (actor != NULL && !check_line("actor", actor, ACTOR_SIZE_MAX, error))
        return false;
    if (message != NULL && !check_line("message", message, MESSAGE_SIZE_MAX, error))
        return false;
    *note = (struct revision_note){.command = command, .message = message};
    note->actor = actor != NULL ? memory_string(text_of(actor)) : default_actor();
    return true;
}

void context_note_release(struct revision_note *note)
{
    free((char *)note->actor);
}
