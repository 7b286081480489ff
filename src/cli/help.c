#include "help.h"

#include "nearest.h"
#include "ssoferry/log.h"

enum { LINE_WIDTH = 80, HELP_COLUMN = 28 };

static const char *store_part(const struct command *command)
{
    switch (command->needs) {
    case NEEDS_NOTHING:
        return "";
    case NEEDS_RULES:
        return " [-c CONFIG]";
    case NEEDS_ROUTES:
        return " -c CONFIG";
    case NEEDS_STORE:
    case NEEDS_READ:
    case NEEDS_WRITE:
        return " [-c CONFIG | --store PATH]";
    }
    return "";
}

void help_line(FILE *out, const struct command *command)
{
    if (command == NULL) {
        fprintf(out, "usage: ssoferry [-c CONFIG | --store PATH] COMMAND [options] ...\n");
        return;
    }
    bool has_options = command->options->name != NULL;
    fprintf(out, "usage: ssoferry%s %s%s%s%s\n", store_part(command), command->name, has_options ? " [options]" : "",
            command->arguments[0] != '\0' ? " " : "", command->arguments);
}

/* Prints text in lines of LINE_WIDTH, indented to column `indent`, where the cursor already is. "\n" starts a new line.
 */
static void print_wrapped(FILE *out, const char *text, int indent)
{
    int column = indent;
    while (*text != '\0') {
        if (*text == '\n') {
            fprintf(out, "\n%*s", text[1] == '\n' ? 0 : indent, "");
            column = indent;
            ++text;
            continue;
        }
        text += strspn(text, " ");
        int size = (int)strcspn(text, " \n");
        if (column > indent && column + 1 + size > LINE_WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        }
        column += fprintf(out, "%s%.*s", column > indent ? " " : "", size, text);
        text += size;
    }
    putc('\n', out);
}

static void print_option(FILE *out, const struct option_row *row)
{
    int column = row->letter != '\0' ? fprintf(out, "  -%c, --%s", row->letter, row->name)
                                     : fprintf(out, "      --%s", row->name);
    if (row->argument != NULL)
        column += fprintf(out, " %s", row->argument);
    if (column + 2 > HELP_COLUMN) {
        putc('\n', out);
        column = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - column, "");
    print_wrapped(out, row->help, HELP_COLUMN);
}

static void print_options(FILE *out, const struct option_row *table)
{
    for (const struct option_row *row = table; row->name != NULL; ++row)
        print_option(out, row);
}

void help_program(FILE *out)
{
    help_line(out, NULL);
    fprintf(out, "\nManages the table of SSO connections that ssoferryd uses to redirect sign-ins:\n"
                 "loads it from YAML files, shows it, changes it, and undoes changes.\n\nCommands:\n");
    for (const struct command *command = commands; command->name != NULL; ++command)
        fprintf(out, "  %-10s%s\n", command->name, command->help);
    fprintf(out, "\nOptions, before or after the command:\n");
    print_options(out, global_options);
    fprintf(out, "\nFor more, see `ssoferry COMMAND --help` and ssoferry(1).\n");
}

void help_command(FILE *out, const struct command *command)
{
    help_line(out, command);
    putc('\n', out);
    print_wrapped(out, command->details, 0);
    if (command->options->name != NULL) {
        fprintf(out, "\nOptions:\n");
        print_options(out, command->options);
    }
    fprintf(out, "\nOptions for every command:\n");
    print_options(out, global_options);
}

void help_unknown_command(const char *name)
{
    struct nearest nearest;
    nearest_start(&nearest, text_of(name));
    for (const struct command *command = commands; command->name != NULL; ++command)
        nearest_offer(&nearest, text_of(command->name));
    if (nearest.count > 0)
        log_error("there is no command '%s'; did you mean %s?", name, nearest.found[0].name);
    else
        log_error("there is no command '%s'; `ssoferry help` lists them", name);
}
