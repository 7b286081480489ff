/* Usage and help, printed from the tables of commands and options. */
#ifndef SSOFERRY_CLI_HELP_H
#define SSOFERRY_CLI_HELP_H

#include <stdio.h>

#include "command.h"

/* Lists all commands, one per line, and the global options. */
void help_program(FILE *out);

/* Describes one command: its usage line, what it does, its own options and the global ones. */
void help_command(FILE *out, const struct command *command);

/* "usage: ssoferry [-c CONFIG | --store PATH] load [options] FILE..." */
void help_line(FILE *out, const struct command *command);

/* Prints that there is no such command, and which ones may have been meant. */
void help_unknown_command(const char *name);

#endif
