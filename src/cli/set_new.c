#include "set_new.h"

#include <stdlib.h>

#include "address.h"
#include "meant.h"
#include "output.h"
#include "rows.h"
#include "ssoferry/log.h"
#include "ssoferry/shell_word.h"

/* Among several words, such a name is probably a mistyped field. */
static bool is_like_field(struct text identifier)
{
    size_t size = 0;
    while (size < identifier.size &&
           ((identifier.at[size] >= 'a' && identifier.at[size] <= 'z') || identifier.at[size] == '_'))
        ++size;
    return size > 0 && size < identifier.size && identifier.at[size] == '=';
}

/* Giving a connection shows that a new row is intended. Giving only a state shows that only if there is a table and the
 * name resembles nothing else in it: somebody taking a customer back must not be told it was done while the customer's
 * row is unchanged. */
bool set_new_allowed(const struct set *set, struct snapshot *snapshot, struct text identifier)
{
    if (set_names_field(set, TEXT("connection_id")))
        return set->names == 1 || !is_like_field(identifier);
    return set->names == 1 && set_names_field(set, TEXT("state")) && snapshot != NULL && set->nothing_meant;
}

void set_new_tell_how(const struct set *set)
{
    log_info(
        "to add a row with that name all the same, %sgive connection_id=ID, or `ssoferry load --merge` a file with "
        "it",
        set->names > 1 ? "name it alone and " : "");
}

/* Whether another row may have been meant by an unknown name, which is then reported. */
static int look_for_meant(struct set *set, struct snapshot *snapshot, struct text identifier)
{
    struct meant meant;
    struct address_row row;
    const struct gateway_settings *routes = &set->edit.context->config->gateway;
    const bool found = meant_find_typed(snapshot, set->source, identifier, &meant) ||
                       address_find_row(routes, snapshot, identifier, &row);
    const bool is_address = address_is_taken(routes, identifier);
    const bool was_removed = meant.removed_by > 0 && meant.elsewhere[0] == '\0' && !is_address;
    set->nothing_meant = was_removed || (!found && !is_address && rows_are_compared(snapshot));
    if (was_removed) {
        meant_find_nearest(snapshot, set->source, identifier, &meant.nearest);
        set->removed = meant;
    }
    if (set->nothing_meant)
        return STATUS_DONE;
    int status = STATUS_FAILED;
    if (found || is_address)
        status = meant_complain(routes, snapshot, set->source, identifier, &meant);
    else
        log_error("there is no %.*s in source %.*s, and the table is too large to look for a name like it",
                  TEXT_ARGS(identifier), TEXT_ARGS(set->source));
    set_new_tell_how(set);
    return status;
}

int set_new_look(struct set *set)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct connection_buffer buffer;
    struct text identifier = text_of(set->edit.arguments->words[0]);
    int status = STATUS_DONE;
    if (set->names > 1 || !set_names_field(set, TEXT("state")) || set_names_field(set, TEXT("connection_id")))
        return status;
    if (!snapshot_open(&snapshot, set->edit.context->table, &error))
        return complain(&error);
    enum lookup_result result = snapshot_find(snapshot, set->source, identifier, &buffer, &error);
    if (result == LOOKUP_ABSENT || result == LOOKUP_NOT_LOADED)
        status = look_for_meant(set, snapshot, identifier);
    snapshot_close(snapshot);
    return status;
}

void set_new_note(struct set *set, struct text identifier)
{
    if (set->added.count < SET_ADDED_TOLD)
        set->added.names[set->added.count++] = identifier;
}

/* Such a row may be waiting for the connection that the new row has got. */
static bool has_none(const void *context, struct text record)
{
    (void)context;
    return connection_record_id(record).size == 0;
}

/* Rows of the same connection are other names of the customer, and the new row itself. */
static bool has_another(const void *context, struct text record)
{
    const struct text *id = context;
    return !text_equal(connection_record_id(record), *id);
}

static void tell_of_added(const struct set *set, struct snapshot *snapshot, struct text identifier, struct text id)
{
    struct meant meant = {0};
    char names[MEANT_NAMES_SIZE];
    const unsigned long long before = (unsigned long long)set->edit.revision - 1;
    meant_find_nearest_of(snapshot, set->source, identifier, has_none, NULL, &meant.nearest);
    const bool waits = meant.nearest.count > 0;
    if (!waits)
        meant_find_nearest_of(snapshot, set->source, identifier, has_another, &id, &meant.nearest);
    meant_names(&meant, names);
    if (waits)
        log_warning("%.*s had no row and got a new one. Was %s meant, which has no connection_id? Then `ssoferry "
                    "rollback %llu` undoes this",
                    TEXT_ARGS(identifier), names, before);
    else if (meant.nearest.count > 0)
        log_info("%.*s had no row and got a new one. Was %s meant? Then `ssoferry rollback %llu` undoes this",
                 TEXT_ARGS(identifier), names, before);
    else if (set->edit.counts.added < set->names)
        log_info("%.*s had no row and got a new one", TEXT_ARGS(identifier));
}

/* A row that was removed may be wanted back at once, by its state alone. But its customer may have another name by now,
 * or its name may have been the mistake that was taken back. */
static void warn_of_removal(const struct set *set)
{
    char names[MEANT_NAMES_SIZE], hint[MEANT_NAMES_SIZE + 96] = "";
    meant_names(&set->removed, names);
    if (names[0] != '\0')
        snprintf(hint, sizeof(hint), ". Was %s meant? Then `ssoferry rollback %llu` undoes this", names,
                 (unsigned long long)set->edit.revision - 1);
    log_warning("there was no %s any more: %s; the new row has only the fields given here%s",
                set->edit.arguments->words[0], set->removed.removed, hint);
}

void set_new_tell_refused(const struct set *set)
{
    const struct arguments *arguments = set->edit.arguments;
    const bool is_named = arguments->source != NULL;
    if (set->edit.unknown_count > 0)
        set_new_tell_how(set);
    if (set->removed.removed_by == 0)
        return;
    char *word = shell_word(text_of(arguments->words[0]));
    log_info("%s had a row until %s: `ssoferry history --id %s%s%s` shows what it was, and `ssoferry rollback %llu` "
             "brings back the table before that, without all changes since",
             arguments->words[0], set->removed.removed, word, is_named ? " --source " : "",
             is_named ? arguments->source : "", (unsigned long long)set->removed.removed_by - 1);
    free(word);
}

static void tell_all_added(const struct set *set)
{
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct connection row = {0}; /* all names have got the same fields */
    char record[CONNECTION_RECORD_SIZE_MAX], more[NUMBER_SIZE];
    const uint64_t added = set->edit.counts.added;
    if (!set_fields(set, &row, &error) || row.connection_id.size == 0 ||
        !snapshot_open(&snapshot, set->edit.context->table, &error))
        return; /* the command itself succeeded; this is only a hint */
    const struct text id = connection_record_id(text_slice(record, connection_encode(&row, record)));
    for (size_t i = 0; i < set->added.count; ++i)
        tell_of_added(set, snapshot, set->added.names[i], id);
    snapshot_close(snapshot);
    if (added < set->names && added > set->added.count)
        log_info("and %s more new row%s: `ssoferry history --show %llu` shows them",
                 number_grouped(added - set->added.count, more), plural(added - set->added.count),
                 (unsigned long long)set->edit.revision);
}

void set_new_tell(const struct set *set)
{
    if (set->edit.counts.added == 0)
        return;
    if (set->removed.removed_by > 0)
        warn_of_removal(set);
    tell_all_added(set);
}
