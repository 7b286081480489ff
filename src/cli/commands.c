/* The table of commands, and of each command's options. */
#include <string.h>

#include "command.h"
#include "context.h"

#define SOURCE_OPTION(help) OPTION_ROW_TEXT("source", '\0', "NAME", source, help)
#define JSON_OPTION         OPTION_ROW_FLAG("json", '\0', json, "print JSON, one object a line")
#define NOTE_OPTIONS                                                                                                   \
    OPTION_ROW_TEXT("message", 'm', "TEXT", message, "why; kept with the revision"),                                   \
        OPTION_ROW_TEXT("actor", '\0', "NAME", actor, "who; kept with the revision (default: user@host)")
#define EXPECT_OPTION                                                                                                  \
    OPTION_ROW_NUMBER("expect-revision", '\0', "N", expect_revision, "fail if the table is at another revision")

const struct option_row global_options[] = {
    OPTION_ROW_TEXT(
        "config", 'c', "FILE", config,
        "the daemon's configuration: names the store and the hosts that rows may name (default: " CONTEXT_DEFAULT_CONFIG
        ", where it is there)"),
    OPTION_ROW_TEXT("store", '\0', "PATH", store, "the table's file; goes before the configuration's"),
    OPTION_ROW_FLAG("help", 'h', help, "print help and end"),
    OPTION_ROW_FLAG("version", 'V', version, "print the version and end"),
    OPTION_ROW_END,
};

static const struct option_row no_options[] = {OPTION_ROW_END};

static const struct option_row json_only[] = {JSON_OPTION, OPTION_ROW_END};

static const struct option_row check_options[] = {
    OPTION_ROW_FLAG("table", '\0', table, "check the rows of the table instead of files"),
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row diff_options[] = {
    OPTION_ROW_FLAG("merge", '\0', merge, "as load --merge: nothing is removed"),
    OPTION_ROW_FLAG("all-sources", '\0', all_sources, "as load --all-sources: the whole table becomes the files"),
    OPTION_ROW_FLAG("exit-code", '\0', exit_code, "exit 1 where there are differences"),
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row load_options[] = {
    OPTION_ROW_FLAG("merge", '\0', merge, "only add and change rows; remove none"),
    OPTION_ROW_FLAG("all-sources", '\0', all_sources,
                    "empty sources that the files do not name, as a restore wants it"),
    OPTION_ROW_FLAG("dry-run", 'n', dry_run, "say what would happen; write nothing"),
    OPTION_ROW_FLAG("allow-removals", '\0', allow_removals, "even if more than a tenth of a source's rows would go"),
    EXPECT_OPTION,
    NOTE_OPTIONS,
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row get_options[] = {
    SOURCE_OPTION("the identifier's source (default: default)"),
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row list_options[] = {
    SOURCE_OPTION("only rows of this source"),
    OPTION_ROW_TEXT("state", '\0', "STATE", state, "only rows in this state: stytch, legacy or disabled"),
    OPTION_ROW_TEXT("match", '\0', "GLOB", match, "only identifiers that match, as a shell does: *, ? and [...]"),
    OPTION_ROW_NUMBER("limit", '\0', "N", limit, "at most so many rows"),
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row export_options[] = {
    SOURCE_OPTION("only rows of this source"),
    OPTION_ROW_TEXT("output", 'o', "FILE", output, "write to a file, which is replaced as a whole"),
    OPTION_ROW_END,
};

static const struct option_row edit_options[] = {
    SOURCE_OPTION("the identifiers' source (default: default)"),
    EXPECT_OPTION,
    NOTE_OPTIONS,
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row set_options[] = {
    OPTION_ROW_FLAG("all", '\0', all, "every row, in place of IDs; of all sources but for --source"),
    OPTION_ROW_TEXT("state", '\0', "STATE", state,
                    "with --all: only rows in this state: stytch, legacy or disabled; has to be said where the state "
                    "is what is set"),
    OPTION_ROW_FLAG("keep-going", '\0', keep_going,
                    "with --all: change the rows that can be, name those that cannot, and end with 1"),
    OPTION_ROW_FLAG("dry-run", 'n', dry_run, "with --all: say what would happen; write nothing"),
    SOURCE_OPTION("the identifiers' source (default: default)"),
    EXPECT_OPTION,
    NOTE_OPTIONS,
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row history_options[] = {
    OPTION_ROW_TEXT("id", '\0', "ID", id, "what became of the row of this identifier"),
    SOURCE_OPTION("the identifier's source (default: default)"),
    OPTION_ROW_NUMBER("show", '\0', "N", show, "what revision N changed, row by row"),
    OPTION_ROW_NUMBER("limit", '\0', "N", limit, "at most so many revisions or rows"),
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row rollback_options[] = {
    OPTION_ROW_FLAG("yes", 'y', yes, "do not ask"), EXPECT_OPTION, NOTE_OPTIONS, JSON_OPTION, OPTION_ROW_END,
};

static const struct option_row report_options[] = {
    SOURCE_OPTION("only rows and unknown identifiers of this source"),
    OPTION_ROW_TEXT("state", '\0', "STATE", state, "only rows in this state: stytch, legacy or disabled"),
    OPTION_ROW_FLAG("silent", '\0', silent, "only rows that nobody used lately: the list to retire"),
    OPTION_ROW_TEXT("idle", '\0', "TIME", idle, "how long is lately, such as 90d or 12h (default: 30d)"),
    OPTION_ROW_TEXT("sort", '\0', "ORDER", sort, "hits, failed, last_seen or identifier (default: identifier)"),
    OPTION_ROW_NUMBER("limit", '\0', "N", limit, "at most so many rows"),
    JSON_OPTION,
    OPTION_ROW_FLAG("csv", '\0', csv, "print CSV, with a header"),
    OPTION_ROW_END,
};

static const struct option_row explain_options[] = {
    OPTION_ROW_TEXT("method", '\0', "M", method, "GET, HEAD or POST (default: POST with a body, else GET)"),
    OPTION_ROW_TEXT("host", '\0', "NAME", host, "the Host field (default: the URL's)"),
    OPTION_ROW_TEXT("body", '\0', "FILE", body, "the body that is posted; - reads standard input"),
    OPTION_ROW_TEXT("content-type", '\0', "TYPE", content_type,
                    "of the body (default: application/x-www-form-urlencoded)"),
    OPTION_ROW_TEXT("issuer", '\0', "ENTITYID", issuer, "post a sign-in of the IdP of this entity id"),
    OPTION_ROW_TEXT("relay-state", '\0', "VALUE", relay_state, "post a sign-in with this RelayState"),
    JSON_OPTION,
    OPTION_ROW_END,
};

const struct command commands[] = {
    {
        .name = "check",
        .arguments = "FILE...",
        .help = "say what is wrong with mapping files, or with the table",
        .details =
            "Reads mapping files as load does and reports everything that is wrong with them; - is standard "
            "input. The table is then neither read nor written. With --table and no file, compares the rows of the "
            "table with the daemon's configuration, before it is reloaded say: rows that it sends nowhere are "
            "errors.",
        .options = check_options,
        .words_least = 1,
        .words_most = SIZE_MAX,
        .needs = NEEDS_RULES,
        .run = cmd_check,
    },
    {
        .name = "diff",
        .arguments = "FILE...",
        .help = "show what load would change",
        .details = "Shows what `load` of these files would add (+), change (~) and remove (-), a row a line. Writes"
                   " nothing.",
        .options = diff_options,
        .words_least = 1,
        .words_most = SIZE_MAX,
        .needs = NEEDS_STORE,
        .run = cmd_diff,
    },
    {
        .name = "load",
        .arguments = "FILE...",
        .help = "make the table equal to mapping files",
        .details = "Makes the rows of the files' sources equal to the files, in one step that the daemon's next "
                   "request sees, and that `rollback` takes back. Rows that the files do not name are removed; "
                   "other sources are left alone. Where a file has an error, nothing is written.",
        .options = load_options,
        .words_least = 1,
        .words_most = SIZE_MAX,
        .needs = NEEDS_STORE,
        .run = cmd_load,
    },
    {
        .name = "get",
        .arguments = "ID",
        .help = "show one row",
        .details = "Shows the row of one identifier.",
        .options = get_options,
        .words_least = 1,
        .words_most = 1,
        .needs = NEEDS_READ,
        .run = cmd_get,
    },
    {
        .name = "list",
        .arguments = "",
        .help = "list rows",
        .details = "Lists rows, ordered by source and identifier.",
        .options = list_options,
        .words_least = 0,
        .words_most = 0,
        .needs = NEEDS_READ,
        .run = cmd_list,
    },
    {
        .name = "export",
        .arguments = "",
        .help = "write the table as a mapping file",
        .details = "Writes the table, or one source of it, as a mapping file that loads back to the same rows.",
        .options = export_options,
        .words_least = 0,
        .words_most = 0,
        .needs = NEEDS_READ,
        .run = cmd_export,
    },
    {
        .name = "set",
        .arguments = "ID... FIELD=VALUE...",
        .help = "change rows, or add one",
        .details =
            "Sets the same fields of rows, as one revision: all of those named, or none. An empty value unsets "
            "a field. Fields: connection_id, acs_url, redirect, state, legacy_url, organization_id, label. A row "
            "that is not there yet is added where connection_id is among them; with state alone, where it is "
            "the only one named and no other row can have been meant. With --all and no ID, the fields are set of "
            "every row: `ssoferry set --all --state stytch state=legacy` takes everybody back.",
        .options = set_options,
        .words_least = 2,
        .words_most = SIZE_MAX,
        .needs = NEEDS_STORE,
        .run = cmd_set,
    },
    {
        .name = "remove",
        .arguments = "ID...",
        .help = "remove rows",
        .details = "Removes rows, as one revision: all of those named, or none.",
        .options = edit_options,
        .words_least = 1,
        .words_most = SIZE_MAX,
        .needs = NEEDS_WRITE,
        .run = cmd_remove,
    },
    {
        .name = "history",
        .arguments = "",
        .help = "show what changed when, and by whom",
        .details = "Lists the revisions of the table, the newest first: when, by whom, with what command, why, and "
                   "how many rows changed.",
        .options = history_options,
        .words_least = 0,
        .words_most = 0,
        .needs = NEEDS_READ,
        .run = cmd_history,
    },
    {
        .name = "rollback",
        .arguments = "REVISION",
        .help = "make the table as it was at a revision",
        .details = "Makes the table as it was after that revision, as a new revision. Shows what that changes, and "
                   "asks first.",
        .options = rollback_options,
        .words_least = 1,
        .words_most = 1,
        .needs = NEEDS_WRITE,
        .run = cmd_rollback,
    },
    {
        .name = "report",
        .arguments = "",
        .help = "show who still uses the old addresses",
        .details = "Shows rows with their state, how often and when they were used, and their hits of the last 14 days "
                   "on a terminal; then how many are cut over, still legacy and silent; then identifiers that were "
                   "asked for and have no row, with what they may have meant. The daemon counts them; it need not "
                   "run now.",
        .options = report_options,
        .words_least = 0,
        .words_most = 0,
        .needs = NEEDS_READ,
        .run = cmd_report,
    },
    {
        .name = "explain",
        .arguments = "URL",
        .help = "show how a request would be answered, and why",
        .details =
            "Shows which route takes a request, why those before it do not, the identifier, its row and the "
            "answer. The URL may be whole or just a path. Where the route goes by Issuer or RelayState, --issuer "
            "and --relay-state make up the sign-in that is posted.",
        .options = explain_options,
        .words_least = 1,
        .words_most = 1,
        .needs = NEEDS_ROUTES,
        .run = cmd_explain,
    },
    {
        .name = "presets",
        .arguments = "",
        .help = "list the legacy systems known by name",
        .details = "Lists the presets that a route of the configuration can name in place of a URL template.",
        .options = json_only,
        .words_least = 0,
        .words_most = 0,
        .needs = NEEDS_NOTHING,
        .run = cmd_presets,
    },
    {
        .name = "stat",
        .arguments = "",
        .help = "show sizes, revision and readers",
        .details = "Shows facts about the store.",
        .options = json_only,
        .words_least = 0,
        .words_most = 0,
        .needs = NEEDS_READ,
        .run = cmd_stat,
    },
    {
        .name = "backup",
        .arguments = "FILE",
        .help = "copy the store while it is in use",
        .details = "Writes a consistent, compacted copy of the store to a file that must not be there yet. The "
                   "daemon goes on serving.",
        .options = no_options,
        .words_least = 1,
        .words_most = 1,
        .needs = NEEDS_READ,
        .run = cmd_backup,
    },
    {
        .name = "help",
        .arguments = "[COMMAND]",
        .help = "print help",
        .details = "Prints help on all commands, or on one.",
        .options = no_options,
        .words_least = 0,
        .words_most = 1,
        .needs = NEEDS_NOTHING,
        .run = NULL,
    },
    {.name = NULL},
};

const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name != NULL; ++command) {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}
