/* What a command works with: the configuration, the store it names, and the table once it is open. */
#ifndef SSOFERRY_CLI_CONTEXT_H
#define SSOFERRY_CLI_CONTEXT_H

#include "command.h"
#include "progress.h"
#include "ssoferry/config.h"
#include "ssoferry/pauses.h"
#include "ssoferry/table.h"

#define CONTEXT_DEFAULT_CONFIG "/etc/ssoferry/ssoferryd.yaml"

struct context {
    const struct command *command;
    struct config *config;    /* never NULL with NEEDS_RULES or more */
    const char *config_path;  /* NULL: defaults, without a file */
    const char *store;        /* NULL below NEEDS_STORE */
    struct table *table;      /* NULL: not open */
    bool makes_store;         /* there was no store when it was opened */
    struct pauses pauses;     /* set up by context_give_way(), */
    struct progress progress; /* and so is this */
};

/* Prepares what the command needs. Prints any problem and returns the exit status, STATUS_DONE if all is well. Call
 * context_close() in either case. */
int context_open(struct context *context, const struct arguments *arguments);

/* Prepares more than the command's row in commands.c asks for. Otherwise like context_open(). */
int context_require(struct context *context, const struct arguments *arguments, enum needs needs);

void context_close(struct context *context);

/* Whether a file exists at the store's path; true also if that cannot be told. */
bool context_store_exists(const struct context *context);

/* Opens the table, if it is not open yet. */
bool context_open_table(struct context *context, enum table_mode mode, struct error *error)
    __attribute__((warn_unused_result));

/* Call when a command is done: prints where a store was created, if one was. */
void context_tell_of_new_store(const struct context *context);

/* Call before working on much of the table. Until context_close() the command gives way to other programs on the
 * machine, and also pauses while another process, usually a daemon, has the table open; and its progress is shown. */
void context_give_way(struct context *context);

/* Whether a file may be written at `path`: false, with *error set, if it would replace the store, a file beside it, or
 * the configuration. */
bool context_may_write(const struct context *context, const char *path, struct error *error)
    __attribute__((warn_unused_result));

/* Prints an error to standard error and returns its exit status. */
int complain(const struct error *error);

/* Whether `revision`, the table's, is the one named by --expect-revision; true if that was not given. */
bool context_expects(const struct context *context, const struct arguments *arguments, uint64_t revision,
                     struct error *error) __attribute__((warn_unused_result));

/* Fills in what is recorded about a revision, after checking it: the command, --actor (otherwise user@host) and
 * --message. If it returns true, the caller releases the note with context_note_release(). */
bool context_note(struct revision_note *note, const char *command, const struct arguments *arguments,
                  struct error *error) __attribute__((warn_unused_result));
void context_note_release(struct revision_note *note);

#endif
