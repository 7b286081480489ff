/* The command line: tables of options in, struct arguments out. */
#ifndef SSOFERRY_CLI_OPTIONS_H
#define SSOFERRY_CLI_OPTIONS_H

#include "command.h"
#include "ssoferry/error.h"

enum { OPTION_TABLES = 2 };

/* Reads argv[*at] onward. Options are looked for in the tables given, the second of which may be NULL. With
 * `stop_at_word` it ends before the first word that is no option; else words are collected into arguments->words,
 * which must have room for all of them, and "--" makes the rest words. *at ends behind what was read. False, with
 * ERROR_INPUT, on an unknown option, a missing or needless argument, or a number that is none. */
bool options_parse(const struct option_row *const tables[OPTION_TABLES], int argc, char **argv, int *at,
                   bool stop_at_word, struct arguments *arguments, struct error *error)
    __attribute__((warn_unused_result));

/* The option of that long name in a table; NULL where there is none. */
const struct option_row *option_find(const struct option_row *table, const char *name, size_t size);

#endif
