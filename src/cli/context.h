/* What a command works with: the configuration that was chosen, the store it names, and the table once it is open. */
#ifndef SSOFERRY_CLI_CONTEXT_H
#define SSOFERRY_CLI_CONTEXT_H

#include "command.h"
#include "ssoferry/config.h"
#include "ssoferry/table.h"

#define CONTEXT_DEFAULT_CONFIG "/etc/ssoferry/ssoferryd.yaml"

struct context {
    const struct command *command;
    struct config *config;   /* never NULL from NEEDS_RULES on */
    const char *config_path; /* NULL: the defaults, without a file */
    const char *store;       /* NULL below NEEDS_STORE */
    struct table *table;     /* NULL where it is not open */
};

/* Makes ready what the command needs. Prints what is wrong and returns the exit status; STATUS_DONE where all is well.
 * context_close() follows in any case. */
int context_open(struct context *context, const struct arguments *arguments);
void context_close(struct context *context);

/* Whether there is a file at the store's path. */
bool context_store_exists(const struct context *context);

/* Opens the table where it is not open yet. */
bool context_open_table(struct context *context, enum table_mode mode, struct error *error)
    __attribute__((warn_unused_result));

/* Prints an error to standard error and returns the exit status it calls for. */
int complain(const struct error *error);

/* The actor of a revision: --actor, else user@host. To be freed with free(). NULL, with *error set, where --actor is
 * unfit. */
char *context_actor(const struct arguments *arguments, struct error *error);

#endif
