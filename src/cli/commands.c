/* The table of commands, and each command's options. */
#include <string.h>

#include "command.h"
#include "context.h"

#define SOURCE_OPTION(help) OPTION_ROW_TEXT("source", '\0', "NAME", source, help)
#define JSON_OPTION         OPTION_ROW_FLAG("json", '\0', json, "print JSON, one object per line")
#define NOTE_OPTIONS                                                                                                   \
    OPTION_ROW_TEXT("message", 'm', "TEXT", message, "why you make this change; kept with the revision"),              \
        OPTION_ROW_TEXT("actor", '\0', "NAME", actor,                                                                  \
                        "who makes this change; kept with the revision (default: user@host)")
#define EXPECT_OPTION                                                                                                  \
    OPTION_ROW_NUMBER("expect-revision", '\0', "N", expect_revision, "fail if the table is not at revision N")

const struct option_row global_options[] = {
    OPTION_ROW_TEXT("config", 'c', "FILE", config,
                    "the daemon's configuration, which names the store and the hosts that rows may redirect to "
                    "(default: " CONTEXT_DEFAULT_CONFIG ", if it exists)"),
    OPTION_ROW_TEXT("store", '\0', "PATH", store, "the table's file; overrides the one in the configuration"),
    OPTION_ROW_FLAG("help", 'h', help, "print help and exit"),
    OPTION_ROW_FLAG("version", 'V', version, "print the version and exit"),
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
    OPTION_ROW_FLAG("merge", '\0', merge, "compare as load --merge does: nothing is removed"),
    OPTION_ROW_FLAG("all-sources", '\0', all_sources, "compare as load --all-sources does: the whole table"),
    OPTION_ROW_FLAG("exit-code", '\0', exit_code, "exit with 1 if there are differences"),
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row load_options[] = {
    OPTION_ROW_FLAG("merge", '\0', merge, "only add and change rows; remove none"),
    OPTION_ROW_FLAG("all-sources", '\0', all_sources,
                    "also remove the rows of sources that no file names, as when you restore an export"),
    OPTION_ROW_FLAG("dry-run", 'n', dry_run, "say what would happen, but write nothing"),
    OPTION_ROW_FLAG("allow-removals", '\0', allow_removals,
                    "load even if it removes more than a tenth of a source's rows"),
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
    OPTION_ROW_TEXT("match", '\0', "GLOB", match, "only identifiers that match this shell pattern: *, ? and [...]"),
    OPTION_ROW_NUMBER("limit", '\0', "N", limit, "show at most N rows"),
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row export_options[] = {
    SOURCE_OPTION("only rows of this source"),
    OPTION_ROW_TEXT("output", 'o', "FILE", output, "write to a file; an existing one is replaced as a whole"),
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
    OPTION_ROW_FLAG("all", '\0', all, "change every row instead of naming IDs: of --source, or of all sources"),
    OPTION_ROW_TEXT("state", '\0', "STATE", state,
                    "with --all: only rows in this state: stytch, legacy or disabled; required when you set the state"),
    OPTION_ROW_FLAG("keep-going", '\0', keep_going,
                    "with --all: change the rows that can be changed, report the others, and exit with 1"),
    OPTION_ROW_FLAG("dry-run", 'n', dry_run, "with --all: say what would happen, but write nothing"),
    SOURCE_OPTION("the identifiers' source (default: default)"),
    EXPECT_OPTION,
    NOTE_OPTIONS,
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row history_options[] = {
    OPTION_ROW_TEXT("id", '\0', "ID", id, "show the history of this identifier's row"),
    SOURCE_OPTION("the identifier's source (default: default)"),
    OPTION_ROW_NUMBER("show", '\0', "N", show, "show what revision N changed, row by row"),
    OPTION_ROW_NUMBER("limit", '\0', "N", limit, "show at most N revisions or rows"),
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row rollback_options[] = {
    OPTION_ROW_FLAG("yes", 'y', yes, "do not show the changes and ask first"),
    EXPECT_OPTION,
    NOTE_OPTIONS,
    JSON_OPTION,
    OPTION_ROW_END,
};

static const struct option_row report_options[] = {
    SOURCE_OPTION("only rows and unknown identifiers of this source"),
    OPTION_ROW_TEXT("state", '\0', "STATE", state, "only rows in this state: stytch, legacy or disabled"),
    OPTION_ROW_FLAG("silent", '\0', silent, "only rows that nobody has used lately: the list to retire"),
    OPTION_ROW_TEXT("idle", '\0', "TIME", idle, "how long \"lately\" is, such as 90d or 12h (default: 30d)"),
    OPTION_ROW_TEXT("sort", '\0', "ORDER", sort, "sort by hits, failed, last_seen or identifier (default: identifier)"),
    OPTION_ROW_NUMBER("limit", '\0', "N", limit, "show at most N rows, and unknown identifiers (default: 20 of these)"),
    JSON_OPTION,
    OPTION_ROW_FLAG("csv", '\0', csv, "print CSV with a header line"),
    OPTION_ROW_END,
};

static const struct option_row explain_options[] = {
    OPTION_ROW_TEXT("method", '\0', "M", method, "the method: GET, HEAD or POST (default: POST with a body, else GET)"),
    OPTION_ROW_TEXT("host", '\0', "NAME", host, "the Host field (default: the URL's)"),
    OPTION_ROW_TEXT("body", '\0', "FILE", body, "post this file as the body; - reads standard input"),
    OPTION_ROW_TEXT("content-type", '\0', "TYPE", content_type,
                    "the type of the body (default: application/x-www-form-urlencoded)"),
    OPTION_ROW_TEXT("issuer", '\0', "ENTITYID", issuer, "post a sign-in from the IdP with this entity id"),
    OPTION_ROW_TEXT("relay-state", '\0', "VALUE", relay_state, "post a sign-in with this RelayState"),
    JSON_OPTION,
    OPTION_ROW_END,
};

const struct command commands[] = {
    {
        .name = "check",
        .arguments = "FILE...",
        .help = "find errors in mapping files, or in the table",
        .details =
            "Reads mapping files as load does and reports everything that is wrong with them. A FILE of - is standard "
            "input. The table is neither read nor written. With --table and no FILE, checks the rows of the table "
            "against the daemon's configuration, for example before a reload: rows that it sends nowhere are errors.",
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
        .details = "Shows what loading these files would add (+), change (~) and remove (-), one row per line. "
                   "Writes nothing.",
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
        .details =
            "Makes the table equal to the files, in one step. In every source that the files name, rows that the "
            "files do not have are removed; other sources are left alone. If a file has an error, nothing is "
            "written. The daemon's next request sees the change; `rollback` undoes it.",
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
        .details =
            "Writes the table, or one source of it, as a mapping file. Loading that file gives the same rows again.",
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
            "Sets the same fields of one or more rows, as one revision: of all rows named, or of none. An empty value "
            "unsets a field. Fields: connection_id, acs_url, redirect, state, legacy_url, organization_id, label. A "
            "row that does not exist yet is added if you give its connection_id, or if you give a state and name "
            "only this row and cannot have meant another one. With --all and no ID, sets the fields of every row: "
            "`ssoferry set --all --state stytch state=legacy` sends everybody back.",
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
        .details = "Removes rows, as one revision: all rows named, or none.",
        .options = edit_options,
        .words_least = 1,
        .words_most = SIZE_MAX,
        .needs = NEEDS_WRITE,
        .run = cmd_remove,
    },
    {
        .name = "history",
        .arguments = "",
        .help = "show what was changed, when and by whom",
        .details =
            "Lists the revisions of the table, newest first: when each was made, by whom, by which command, why, "
            "and how many rows it changed.",
        .options = history_options,
        .words_least = 0,
        .words_most = 0,
        .needs = NEEDS_READ,
        .run = cmd_history,
    },
    {
        .name = "rollback",
        .arguments = "REVISION",
        .help = "go back to an earlier revision",
        .details = "Makes the table what it was after that revision, as a new revision. First shows what would change, "
                   "and asks.",
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
        .details =
            "Shows the rows with their state, how often and when each was used, and on a terminal the hits of the "
            "last 14 days. Then shows how many rows are cut over, still legacy, and silent. Then shows "
            "identifiers that were asked for but have no row, with what may have been meant. The daemon does "
            "the counting, but need not be running now.",
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
            "Shows which route takes a request, why the routes before it do not, the identifier, its row and the "
            "answer. URL may be a whole URL or just a path. If the route identifies by Issuer or RelayState, --issuer "
            "and --relay-state make up a sign-in to post.",
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
        .details = "Lists the presets that a route of the configuration can name instead of a URL template.",
        .options = json_only,
        .words_least = 0,
        .words_most = 0,
        .needs = NEEDS_NOTHING,
        .run = cmd_presets,
    },
    {
        .name = "stat",
        .arguments = "",
        .help = "show the store's sizes, revision and readers",
        .details =
            "Shows the store's file sizes, its revision, how many rows are in each state, and how many readers it has.",
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
        .details =
            "Writes a consistent, compacted copy of the store to a file that must not exist yet. The daemon keeps "
            "serving.",
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
