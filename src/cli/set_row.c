/* Applies the words of set to a row. */
#include "set_row.h"

#include "nearest.h"
#include "rows.h"
#include "ssoferry/log.h"

enum { ROW_NAME_SIZE = CONNECTION_KEY_SIZE_MAX + 16 };

/* -- the words -- */

static bool split_field(struct text whole, struct text *name, struct text *value)
{
    size_t equals = text_find(whole, '=', 0);
    *name = text_slice(whole.at, equals);
    *value = equals < whole.size ? text_from(whole, equals + 1) : (struct text){0};
    return equals < whole.size;
}

static void find_field(struct nearest *nearest, struct text name)
{
    const char *field;
    nearest_start(nearest, name);
    for (size_t i = 0; (field = connection_field_name(i)) != NULL; ++i)
        nearest_offer(nearest, text_of(field));
}

/* Whether a word is NAME=VALUE with the name of a field, or one similar enough to be meant as one. Identifiers from
 * URLs and RelayStates may contain '=' too. */
static bool is_assignment(const char *word)
{
    struct nearest nearest;
    struct text name, value;
    if (!split_field(text_of(word), &name, &value))
        return false;
    find_field(&nearest, name);
    return nearest.count > 0;
}

size_t set_count_names(const struct arguments *arguments)
{
    size_t names = 1;
    while (names + 1 < arguments->word_count && !is_assignment(arguments->words[names]))
        ++names;
    return names;
}

/* Whether the field is among the words after the last identifier and before `end`. */
static bool stands_before(const struct set *set, size_t end, struct text field)
{
    const struct arguments *arguments = set->edit.arguments;
    for (size_t i = set->names; i < end; ++i) {
        struct text name, value;
        if (split_field(text_of(arguments->words[i]), &name, &value) && text_equal(name, field))
            return true;
    }
    return false;
}

bool set_names_field(const struct set *set, struct text field)
{
    return stands_before(set, set->edit.arguments->word_count, field);
}

static bool refuse_field(struct text name, const char *why, struct error *error)
{
    struct nearest nearest;
    find_field(&nearest, name);
    bool known = nearest.count > 0 && nearest.found[0].distance == 0;
    bool mistyped = nearest.count > 0 && !known;
    return error_set(error, ERROR_INPUT, "%.*s %s%s%s%s", TEXT_ARGS(name), why, mistyped ? "; did you mean " : "",
                     mistyped ? nearest.found[0].name : "", mistyped ? "?" : "");
}

bool set_fields(const struct set *set, struct connection *row, struct error *error)
{
    const struct arguments *arguments = set->edit.arguments;
    for (size_t i = set->names; i < arguments->word_count; ++i) {
        struct text name, value;
        const char *why;
        if (!split_field(text_of(arguments->words[i]), &name, &value))
            return error_set(error, ERROR_INPUT,
                             "'%s' is not FIELD=VALUE, such as state=legacy; identifiers come first",
                             arguments->words[i]);
        if (!connection_set_field(row, name, value, &why))
            return refuse_field(name, why, error);
        if (stands_before(set, i, name))
            return error_set(error, ERROR_INPUT, "%.*s is given twice: leave one of them out", TEXT_ARGS(name));
    }
    return true;
}

/* -- one row -- */

/* The row's name for messages: with its source if the words do not say which rows they are about. */
static const char *row_name(const struct set *set, struct text identifier, char name[ROW_NAME_SIZE])
{
    if (set->edit.arguments->all)
        snprintf(name, ROW_NAME_SIZE, "%.*s (source %.*s)", TEXT_ARGS(identifier), TEXT_ARGS(set->source));
    else
        snprintf(name, ROW_NAME_SIZE, "%.*s", TEXT_ARGS(identifier));
    return name;
}

/* Refuses a row that was just sent to the old system and would get 503 there: this is the way back. */
static bool check_legacy(struct set *set, struct text identifier, const struct connection *row, struct error *error)
{
    bool meant = set->created || set_names_field(set, TEXT("state")) || set_names_field(set, TEXT("legacy_url"));
    if (!meant || audit_row(&set->audit, set->source, identifier, row) != ODDITY_NO_LEGACY_URL)
        return true;
    return error_set(error, ERROR_INPUT,
                     "%.*s cannot be legacy: neither it nor a route of source %.*s has a legacy_url, so its sign-ins "
                     "would get 503. Give it one (legacy_url=URL), or give the route one in the daemon's configuration",
                     TEXT_ARGS(identifier), TEXT_ARGS(set->source));
}

/* Refuses a row made from a state alone that no sign-in would ever ask for: the customer's real row is another, and
 * would stay unchanged. */
static bool check_reached(struct set *set, struct text identifier, const struct connection *row, struct error *error)
{
    char text[ODDITY_TEXT_SIZE];
    if (!set->created || set_names_field(set, TEXT("connection_id")))
        return true;
    enum oddity oddity = audit_row(&set->audit, set->source, identifier, row);
    if (oddity != ODDITY_UNREACHED && oddity != ODDITY_ADDRESS && oddity != ODDITY_SLASH)
        return true;
    return error_set(error, ERROR_FAILED, "%s. Nothing was changed",
                     oddity_text(oddity, set->source, identifier, text));
}

/* Refuses a new row whose name was copied from where invisible characters are spelled out: the sign-ins have the
 * characters themselves. */
static bool check_spelling(const struct set *set, struct text identifier, struct error *error)
{
    char bytes[IDENTIFIER_SIZE_MAX];
    if (!set->created || identifier_unspelled(identifier, bytes).size == identifier.size)
        return true;
    return error_set(error, ERROR_INPUT,
                     "%.*s %s. If the letters are meant all the same, `ssoferry load --merge` a file with them",
                     TEXT_ARGS(identifier), identifier_warning(identifier));
}

/* Refuses a new row whose name is a good field: the identifier before it is missing, as when a script's variable is
 * empty, and the script would go on. */
static bool check_name(const struct set *set, struct text identifier, struct error *error)
{
    const char *why;
    struct connection any = {0};
    struct text name, value;
    if (!set->created || !split_field(identifier, &name, &value) || !connection_set_field(&any, name, value, &why))
        return true;
    return error_set(error, ERROR_INPUT,
                     "%.*s is a field and its value: write the identifier before it. If that is meant to be a name, "
                     "`ssoferry load --merge` a file with it",
                     TEXT_ARGS(identifier));
}

/* The row without any URL that neither the words name nor its state uses. A URL whose host is no longer allowed must
 * not prevent taking the customer back. Without a configuration nobody knows which hosts are allowed: the way back that
 * a row has was allowed when it came. */
static struct connection checked_part(const struct set *set, const struct connection *row)
{
    struct connection part = connection_in_use(row);
    if (set->edit.context->config_path == NULL && !set->created && set_names_field(set, TEXT("state")))
        part.legacy_url = TEXT("");
    if (set_names_field(set, TEXT("acs_url")) || set_names_field(set, TEXT("connection_id")))
        part.acs_url = row->acs_url;
    if (set_names_field(set, TEXT("legacy_url")))
        part.legacy_url = row->legacy_url;
    return part;
}

/* A row that is made `stytch` for the rehearsal's sake may really be cut over. */
static void note_cut_over(struct set *set, enum connection_state was, const struct connection *row)
{
    if (rows_is_cut_over(set->created ? NULL : &was, row))
        set->cut_over += config_cuts_over(set->audit.config, audit_routes(&set->audit, set->source));
}

bool set_edit_row(struct set *set, struct text identifier, struct connection *row, struct error *error)
{
    const struct context *context = set->edit.context;
    const enum connection_state was = row->state;
    if (!set_fields(set, row, error))
        return false;
    struct connection_problem problem;
    struct connection checked = checked_part(set, row);
    if (connection_check(&checked, &context->config->rules, &problem)) {
        if (!check_name(set, identifier, error) || !check_spelling(set, identifier, error) ||
            !check_reached(set, identifier, row, error) || !check_legacy(set, identifier, row, error))
            return false;
        note_cut_over(set, was, row);
        return true;
    }
    bool host = strcmp(problem.field, "acs_url") == 0 || strcmp(problem.field, "legacy_url") == 0;
    char name[ROW_NAME_SIZE];
    const char *hint =
        host && context->config_path == NULL ? "; without -c CONFIG, only Stytch's own hosts may be named" : "";
    return error_set(error, ERROR_INPUT, "%s: %s%s", row_name(set, identifier, name), problem.message, hint);
}

/* -- warnings: what load would print about such a row in a file -- */

static void on_warning(void *context, const char *field, const char *message)
{
    (void)field;
    log_warning("%s: %s", (const char *)context, message);
}

/* Whether the words change anything that connection_warn() checks. */
static bool words_warn(const struct set *set)
{
    return set_names_field(set, TEXT("connection_id")) || set_names_field(set, TEXT("acs_url")) ||
           set_names_field(set, TEXT("organization_id")) || set_names_field(set, TEXT("redirect"));
}

void set_warn(const struct set *set, struct text identifier, const struct connection *row)
{
    char name[ROW_NAME_SIZE];
    (void)row_name(set, identifier, name);
    if (set->created || words_warn(set))
        connection_warn(row, &set->edit.context->config->rules, on_warning, name);
}
