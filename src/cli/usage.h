/* Usage and help, printed from the tables of commands and options. */
#ifndef SSOFERRY_CLI_USAGE_H
#define SSOFERRY_CLI_USAGE_H

#include <stdio.h>

#include "command.h"

/* All commands, a line each, and the global options. */
void usage_program(FILE *out);

/* One command: its usage line, what it does, its options and the global ones. */
void usage_command(FILE *out, const struct command *command);

/* "usage: ssoferry [-c CONFIG | --store PATH] load [options] FILE..." */
void usage_line(FILE *out, const struct command *command);

/* Prints that there is no such command, and which may have been meant. */
void usage_unknown_command(const char *name);

#endif
