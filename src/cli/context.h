/* What a command works with: the configuration that was chosen, the store it names, and the table once it is open. */
#ifndef SSOFERRY_CLI_CONTEXT_H
#define SSOFERRY_CLI_CONTEXT_H

#include "command.h"
#include "ssoferry/config.h"
#include "ssoferry/pauses.h"
#include "ssoferry/table.h"

#define CONTEXT_DEFAULT_CONFIG "/etc/ssoferry/ssoferryd.yaml"

struct context {
    const struct command *command;
    struct config *config;   /* never NULL from NEEDS_RULES on */
    const char *config_path; /* NULL: the defaults, without a file */
    const char *store;       /* NULL below NEEDS_STORE */
    struct table *table;     /* NULL where it is not open */
    bool makes_store;        /* there was none when it was opened */
    struct pauses pauses;    /* from context_give_way() on */
};

/* Makes ready what the command needs. Prints what is wrong and returns the exit status; STATUS_DONE where all is well.
 * context_close() follows in any case. */
int context_open(struct context *context, const struct arguments *arguments);

/* Makes ready more than the command's table of itself says. As context_open() otherwise. */
int context_require(struct context *context, const struct arguments *arguments, enum needs needs);

void context_close(struct context *context);

/* Whether there is a file at the store's path. */
bool context_store_exists(const struct context *context);

/* Opens the table where it is not open yet. */
bool context_open_table(struct context *context, enum table_mode mode, struct error *error)
    __attribute__((warn_unused_result));

/* Says where a store was made, if one was; for a command that is done. */
void context_tell_of_new_store(const struct context *context);

/* From here on the command works on much of the table: it gives way to what else the machine has to do, and where
 * another process has the table open, a daemon mostly, it pauses too. Until context_close(). */
void context_give_way(struct context *context);

/* Whether a file may be written at `path`: not where it would take the place of the store, of what lies beside that, or
 * of the configuration. */
bool context_may_write(const struct context *context, const char *path, struct error *error)
    __attribute__((warn_unused_result));

/* Prints an error to standard error and returns the exit status it calls for. */
int complain(const struct error *error);

/* Whether the table, which is at `revision`, is at the one that --expect-revision names; true where that is not given.
 */
bool context_expects(const struct context *context, const struct arguments *arguments, uint64_t revision,
                     struct error *error) __attribute__((warn_unused_result));

/* What is written down about a revision: the command, --actor (else user@host) and --message, checked. Where it is
 * true, context_note_release() follows. */
bool context_note(struct revision_note *note, const char *command, const struct arguments *arguments,
                  struct error *error) __attribute__((warn_unused_result));
void context_note_release(struct revision_note *note);

#endif
