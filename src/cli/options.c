#include "options.h"

#include "nearest.h"
#include "ssoferry/text.h"

const struct option_row *option_find(const struct option_row *table, const char *name, size_t size)
{
    for (const struct option_row *row = table; row != NULL && row->name != NULL; ++row) {
        if (text_equal(text_of(row->name), text_slice(name, size)))
            return row;
    }
    return NULL;
}

static const struct option_row *find_letter(const struct option_row *table, char letter)
{
    for (const struct option_row *row = table; row != NULL && row->name != NULL; ++row) {
        if (row->letter != '\0' && row->letter == letter)
            return row;
    }
    return NULL;
}

static bool store(const struct option_row *row, const char *value, struct arguments *arguments, struct error *error)
{
    char *member = (char *)arguments + row->offset;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)(void *)member = true;
        return true;
    case OPTION_TEXT:
        if (value[0] == '\0')
            return error_set(error, ERROR_INPUT, "--%s: %s must not be empty", row->name, row->argument);
        *(const char **)(void *)member = value;
        return true;
    case OPTION_NUMBER: {
        struct option_number *number = (void *)member;
        if (!text_to_number(text_of(value), INT64_MAX, &number->value))
            return error_set(error, ERROR_INPUT, "--%s: '%s' is not a whole number", row->name, value);
        number->given = true;
        return true;
    }
    }
    return false;
}

static bool unknown_long(const struct option_row *const tables[OPTION_TABLES], struct text name, struct error *error)
{
    struct nearest nearest;
    nearest_start(&nearest, name);
    for (size_t i = 0; i < OPTION_TABLES; ++i) {
        for (const struct option_row *row = tables[i]; row != NULL && row->name != NULL; ++row)
            nearest_offer(&nearest, text_of(row->name));
    }
    if (nearest.count > 0)
        return error_set(error, ERROR_INPUT, "there is no option --%.*s; did you mean --%s?", TEXT_ARGS(name),
                         nearest.found[0].name);

    for (const struct command *command = commands; command->name != NULL; ++command) {
        if (option_find(command->options, name.at, name.size) != NULL)
            return error_set(error, ERROR_INPUT,
                             tables[1] == NULL
                                 ? "--%.*s is not an option of every command; put it after a command that has it"
                                 : "this command has no option --%.*s, as others have",
                             TEXT_ARGS(name));
    }
    return error_set(error, ERROR_INPUT, "there is no option --%.*s", TEXT_ARGS(name));
}

/* --name, --name=value or --name value. */
static bool parse_long(const struct option_row *const tables[OPTION_TABLES], int argc, char **argv, int *at,
                       struct arguments *arguments, struct error *error)
{
    const char *start = argv[*at] + 2;
    /* Not text_of(), after which clang's analyzer assumes that a null text can have a size. */
    struct text word = text_slice(start, strlen(start));
    size_t equals = text_find(word, '=', 0);
    struct text name = text_slice(word.at, equals);

    const struct option_row *row = option_find(tables[0], name.at, name.size);
    if (row == NULL)
        row = option_find(tables[1], name.at, name.size);
    if (row == NULL)
        return unknown_long(tables, name, error);

    const char *value = equals < word.size ? word.at + equals + 1 : NULL;
    if (row->kind == OPTION_FLAG) {
        if (value != NULL)
            return error_set(error, ERROR_INPUT, "--%s takes no value", row->name);
    } else if (value == NULL) {
        if (*at + 1 >= argc)
            return error_set(error, ERROR_INPUT, "--%s needs its %s after it", row->name, row->argument);
        value = argv[++*at];
    }
    ++*at;
    return store(row, value, arguments, error);
}

/* -m value, -mvalue, or several flags together: -hV. */
static bool parse_letters(const struct option_row *const tables[OPTION_TABLES], int argc, char **argv, int *at,
                          struct arguments *arguments, struct error *error)
{
    for (const char *letter = argv[*at] + 1; *letter != '\0'; ++letter) {
        const struct option_row *row = find_letter(tables[0], *letter);
        if (row == NULL)
            row = find_letter(tables[1], *letter);
        if (row == NULL)
            return error_set(error, ERROR_INPUT, "there is no option -%c", *letter);
        if (row->kind == OPTION_FLAG) {
            if (!store(row, NULL, arguments, error))
                return false;
            continue;
        }
        const char *value = letter + 1;
        if (*value == '\0') {
            if (*at + 1 >= argc)
                return error_set(error, ERROR_INPUT, "-%c needs its %s after it", *letter, row->argument);
            value = argv[++*at];
        }
        ++*at;
        return store(row, value, arguments, error);
    }
    ++*at;
    return true;
}

bool options_parse(const struct option_row *const tables[OPTION_TABLES], int argc, char **argv, int *at,
                   bool stop_at_word, struct arguments *arguments, struct error *error)
{
    bool words_only = false;
    while (*at < argc) {
        const char *word = argv[*at];
        bool option = !words_only && word[0] == '-' && word[1] != '\0'; /* "-" alone is standard input */
        if (!option) {
            if (stop_at_word)
                return true;
            arguments->words[arguments->word_count++] = argv[(*at)++];
        } else if (strcmp(word, "--") == 0) {
            words_only = true;
            ++*at;
        } else if (word[1] == '-') {
            if (!parse_long(tables, argc, argv, at, arguments, error))
                return false;
        } else if (!parse_letters(tables, argc, argv, at, arguments, error)) {
            return false;
        }
    }
    return true;
}
