/* The loader's main program: runs the command that the command line names. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "context.h"
#include "help.h"
#include "options.h"
#include "output.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"
#include "ssoferry/standard_files.h"

static int misused(const struct command *command, const char *message)
{
    log_error("%s", message);
    help_line(stderr, command);
    fprintf(stderr, "see `ssoferry %s%s--help`\n", command != NULL ? command->name : "", command != NULL ? " " : "");
    return STATUS_USAGE;
}

static int check_words(const struct command *command, const struct arguments *arguments)
{
    char message[256];
    if (arguments->table) { /* instead of words */
        if (arguments->word_count == 0)
            return STATUS_DONE;
        snprintf(message, sizeof(message), "%s takes %s or --table, not both: leave out '%.100s'", command->name,
                 command->arguments, arguments->words[0]);
        return misused(command, message);
    }
    if (arguments->word_count + arguments->all < command->words_least) { /* --all counts as one word */
        snprintf(message, sizeof(message), "%s needs %s%s", command->name,
                 arguments->all ? "FIELD=VALUE..." : command->arguments,
                 option_find(command->options, "table", 5) != NULL ? ", or --table" : "");
        return misused(command, message);
    }
    if (arguments->word_count > command->words_most) {
        snprintf(message, sizeof(message),
                 option_find(command->options, "show", 4) != NULL
                     ? "%s takes %s%s: '%.100s' needs --id or --show before it"
                     : "%s takes %s%s: leave out '%.100s'",
                 command->name, command->words_most == 0 ? "options only" : "only one ", command->arguments,
                 arguments->words[command->words_most]);
        return misused(command, message);
    }
    return STATUS_DONE;
}

static int unknown_command(const char *name)
{
    help_unknown_command(name);
    return STATUS_USAGE;
}

/* `help` is handled here: it describes the commands, so their table cannot refer to it. */
static int run_help(const struct arguments *arguments)
{
    const struct command *command = arguments->word_count > 0 ? command_find(arguments->words[0]) : NULL;
    if (arguments->word_count > 0 && command == NULL)
        return unknown_command(arguments->words[0]);
    if (command != NULL)
        help_command(stdout, command);
    else
        help_program(stdout);
    return STATUS_DONE;
}

static int run_command(const struct command *command, const struct arguments *arguments)
{
    if (arguments->help || arguments->version) {
        if (arguments->help)
            help_command(stdout, command);
        else
            printf("ssoferry " SSOFERRY_VERSION "\n");
        return STATUS_DONE;
    }
    int status = check_words(command, arguments);
    if (status != STATUS_DONE)
        return status;
    if (command->run == NULL)
        return run_help(arguments);
    struct context context = {.command = command};
    status = context_open(&context, arguments);
    if (status == STATUS_DONE)
        status = command->run(&context, arguments);
    if (status == STATUS_DONE)
        context_tell_of_new_store(&context);
    context_close(&context);
    return status;
}

static int run(int argc, char **argv, struct arguments *arguments)
{
    struct error error = {0};
    int at = 1;
    if (!options_parse((const struct option_row *const[]){global_options, NULL}, argc, argv, &at, true, arguments,
                       &error))
        return misused(NULL, error.message);
    if (at == argc) {
        if (arguments->help)
            help_program(stdout);
        else if (arguments->version)
            printf("ssoferry " SSOFERRY_VERSION "\n");
        else
            return help_program(stderr), STATUS_USAGE;
        return STATUS_DONE;
    }
    const struct command *command = command_find(argv[at]);
    if (command == NULL)
        return unknown_command(argv[at]);
    ++at;
    if (!options_parse((const struct option_row *const[]){global_options, command->options}, argc, argv, &at, false,
                       arguments, &error))
        return misused(command, error.message);
    return run_command(command, arguments);
}

int main(int argc, char **argv)
{
    standard_files_hold();
    /* A reader that goes away, or a limit on file sizes, must appear as a failed write. Names are UTF-8 in every
     * locale. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    setlocale(LC_CTYPE, "C.UTF-8");
    json_set_alloc_funcs(memory_allocate, free); /* otherwise a line would lack what there was no memory for */

    struct arguments arguments = {0};
    arguments.words = memory_allocate((size_t)argc * sizeof(arguments.words[0]) + 1);
    int status = run(argc, argv, &arguments);
    if (!standard_files_finish())
        status = STATUS_FAILED;
    free(arguments.words);
    return status;
}
