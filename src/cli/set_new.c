#include "set_new.h"

#include "address.h"
#include "meant.h"
#include "rows.h"
#include "ssoferry/log.h"

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

/* A row that was removed may be wanted back at once, by its state alone. But its customer may have another name by now,
 * or its name may have been the mistake that was taken back. */
static void warn_of_removal(const struct set *set, struct snapshot *snapshot, struct text identifier,
                            struct meant *meant)
{
    char names[MEANT_NAMES_SIZE];
    meant_find_nearest(snapshot, set->source, identifier, &meant->nearest);
    meant_names(meant, names);
    log_warning("there was no %.*s any more: %s; the new row has only the fields given here%s%s%s",
                TEXT_ARGS(identifier), meant->removed, names[0] == '\0' ? "" : ". Was ", names,
                names[0] == '\0' ? "" : " meant? Then `ssoferry rollback` undoes this");
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
    if (was_removed)
        warn_of_removal(set, snapshot, identifier, &meant);
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
