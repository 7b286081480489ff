#include "command.h"
#include "help.h"

int cmd_help(struct context *context, const struct arguments *arguments)
{
    (void)context;
    if (arguments->word_count == 0) {
        help_program(stdout);
        return STATUS_DONE;
    }
    const struct command *command = command_find(arguments->words[0]);
    if (command == NULL) {
        help_unknown_command(arguments->words[0]);
        return STATUS_USAGE;
    }
    help_command(stdout, command);
    return STATUS_DONE;
}
