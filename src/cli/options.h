/* Parses the command line: tables of options in, struct arguments out. */
#ifndef SSOFERRY_CLI_OPTIONS_H
#define SSOFERRY_CLI_OPTIONS_H

#include "command.h"
#include "ssoferry/error.h"

enum { OPTION_TABLES = 2 };

/* Reads argv from *at on, and sets *at to the first argument not read. Options are looked up in `tables`, the second of
 * which may be NULL. With `stop_at_word` it stops before the first word that is not an option. Otherwise words are
 * collected in arguments->words, which must have room for all of them, and after "--" everything is a word. False with
 * ERROR_INPUT for an unknown option, a missing or unwanted argument, or an invalid number. */
bool options_parse(const struct option_row *const tables[OPTION_TABLES], int argc, char **argv, int *at,
                   bool stop_at_word, struct arguments *arguments, struct error *error)
    __attribute__((warn_unused_result));

/* The option with that long name; NULL if the table has none. */
const struct option_row *option_find(const struct option_row *table, const char *name, size_t size);

#endif
