/* A subcommand: one row of the table in commands.c, which drives parsing, usage and help. */
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

/* Everything that a command line can say; each command's options name the members they set. The texts are borrowed from
 * argv; `words` itself is allocated. */
struct arguments {
    bool help, version;
    const char *config, *store;

    bool json, csv, merge, all_sources, exit_code, dry_run, allow_removals, yes, silent, table, all, keep_going;
    const char *message, *actor;
    const char *source, *state, *match, *idle, *sort;
    const char *output;
    const char *method, *host, *body, *content_type, *issuer, *relay_state, *id;
    struct option_number limit, show, expect_revision;

    char **words; /* arguments that are neither options nor the command */
    size_t word_count;
};

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_NUMBER };

struct option_row {
    const char *name;     /* without dashes; NULL ends a table */
    char letter;          /* '\0': no short form */
    const char *argument; /* "FILE"; NULL for a flag */
    const char *help;
    enum option_kind kind;
    size_t offset; /* offset of the member in struct arguments */
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

/* What context_open() prepares before a command runs. Each includes those before it, but NEEDS_WRITE needs no routes.
 */
enum needs {
    NEEDS_NOTHING,
    NEEDS_RULES,  /* which hosts rows may name */
    NEEDS_STORE,  /* the store's path; the command opens the store itself */
    NEEDS_READ,   /* the table, for reading */
    NEEDS_ROUTES, /* like NEEDS_READ, and a configuration with routes */
    NEEDS_WRITE,  /* the table, which must exist, for changing */
};

struct command {
    const char *name;      /* NULL ends the table */
    const char *arguments; /* "FILE...", as shown in the usage */
    const char *help;      /* one line, without a full stop */
    const char *details;   /* paragraphs for --help, which wraps them; may be "" */
    const struct option_row *options;
    size_t words_least, words_most;
    enum needs needs;
    /* Returns the exit status. NULL for `help`, which ssoferry.c handles itself. */
    int (*run)(struct context *context, const struct arguments *arguments);
};

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

extern const struct command commands[];
extern const struct option_row global_options[];

/* The command with that name; NULL if there is none. */
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
