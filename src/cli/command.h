/* What a subcommand is: one row of the table in commands.c, from which parsing, usage and help all come. */
#ifndef SSOFERRY_CLI_COMMAND_H
#define SSOFERRY_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct context;

struct option_number {
    bool given;
    uint64_t value;
};

/* Everything a command line can say; each command's table of options names the members it uses. Borrowed from argv,
 * but for `words` itself. */
struct arguments {
    bool help, version;
    const char *config, *store;

    bool json, csv, merge, all_sources, exit_code, dry_run, allow_removals, yes, silent, table, all, keep_going;
    const char *message, *actor;
    const char *source, *state, *match, *idle, *sort;
    const char *output;
    const char *method, *host, *body, *content_type, *issuer, *relay_state, *id;
    struct option_number limit, show, expect_revision;

    char **words; /* what is neither an option nor the command */
    size_t word_count;
};

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_NUMBER };

struct option_row {
    const char *name;     /* without dashes; NULL ends a table */
    char letter;          /* '\0': none */
    const char *argument; /* "FILE"; NULL for a flag */
    const char *help;
    enum option_kind kind;
    size_t offset; /* of its member of struct arguments */
};

#define OPTION_ROW_FLAG(name, letter, member, help)                                                                    \
    {                                                                                                                  \
        name, letter, NULL, help, OPTION_FLAG, offsetof(struct arguments, member)                                      \
    }
#define OPTION_ROW_TEXT(name, letter, argument, member, help)                                                          \
    {                                                                                                                  \
        name, letter, argument, help, OPTION_TEXT, offsetof(struct arguments, member)                                  \
    }
#define OPTION_ROW_NUMBER(name, letter, argument, member, help)                                                        \
    {                                                                                                                  \
        name, letter, argument, help, OPTION_NUMBER, offsetof(struct arguments, member)                                \
    }
#define OPTION_ROW_END                                                                                                 \
    {                                                                                                                  \
        NULL, '\0', NULL, NULL, OPTION_FLAG, 0                                                                         \
    }

/* What stands ready in the context when a command runs. Each includes those before it. */
enum needs {
    NEEDS_NOTHING,
    NEEDS_RULES,  /* the hosts that rows may name */
    NEEDS_STORE,  /* the path of the store; the command opens it itself */
    NEEDS_READ,   /* the table, to read */
    NEEDS_ROUTES, /* as NEEDS_READ, and a configuration with routes */
    NEEDS_WRITE,  /* the table, which must be there, to change */
};

struct command {
    const char *name;      /* NULL ends the table */
    const char *arguments; /* "FILE...", as usage shows it */
    const char *help;      /* one line, no full stop */
    const char *details;   /* for --help: paragraphs, wrapped; may be "" */
    const struct option_row *options;
    size_t words_least, words_most;
    enum needs needs;
    /* Returns the exit status. NULL for `help`, which is the program's own. */
    int (*run)(struct context *context, const struct arguments *arguments);
};

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

extern const struct command commands[];
extern const struct option_row global_options[];

/* NULL where there is none of that name. */
const struct command *command_find(const char *name);

int cmd_check(struct context *context, const struct arguments *arguments);
int cmd_diff(struct context *context, const struct arguments *arguments);
int cmd_load(struct context *context, const struct arguments *arguments);
int cmd_get(struct context *context, const struct arguments *arguments);
int cmd_list(struct context *context, const struct arguments *arguments);
int cmd_export(struct context *context, const struct arguments *arguments);
int cmd_set(struct context *context, const struct arguments *arguments);
int cmd_remove(struct context *context, const struct arguments *arguments);
int cmd_history(struct context *context, const struct arguments *arguments);
int cmd_rollback(struct context *context, const struct arguments *arguments);
int cmd_report(struct context *context, const struct arguments *arguments);
int cmd_explain(struct context *context, const struct arguments *arguments);
int cmd_presets(struct context *context, const struct arguments *arguments);
int cmd_stat(struct context *context, const struct arguments *arguments);
int cmd_backup(struct context *context, const struct arguments *arguments);

#endif
