/* What a connection may be: names of states and redirects, limits of fields, the check of a whole row. */
#include "ssoferry/connection.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const state_names[CONNECTION_STATES] = {"stytch", "legacy", "disabled"};
static const char *const redirect_names[] = {"", "307", "303", "form"};
enum { REDIRECT_KINDS = sizeof redirect_names / sizeof redirect_names[0] };

const char *connection_state_name(enum connection_state state)
{
    return state_names[state];
}

const char *redirect_kind_name(enum redirect_kind kind)
{
    return redirect_names[kind];
}

bool connection_state_parse(struct text name, enum connection_state *state)
{
    for (unsigned i = 0; i < CONNECTION_STATES; i++) {
        if (text_equal(name, text_of(state_names[i]))) {
            *state = (enum connection_state)i;
            return true;
        }
    }
    return false;
}

bool redirect_kind_parse(struct text name, enum redirect_kind *kind)
{
    for (unsigned i = REDIRECT_307; i < REDIRECT_KINDS; i++) {
        if (text_equal(name, text_of(redirect_names[i]))) {
            *kind = (enum redirect_kind)i;
            return true;
        }
    }
    return false;
}

/* -- single fields -- */

static const char *words_problem(struct text t)
{
    if (text_is_printable(t)) /* most are */
        return NULL;
    if (!text_is_utf8(t))
        return "is not valid UTF-8";
    if (text_has_control(t))
        return "holds a control character";
    return NULL;
}

const char *identifier_problem(struct text identifier)
{
    if (identifier.size == 0)
        return "is empty";
    if (identifier.size > IDENTIFIER_SIZE_MAX)
        return "is longer than 440 bytes";
    return words_problem(identifier);
}

const char *label_problem(struct text label)
{
    if (label.size > LABEL_SIZE_MAX)
        return "is longer than 256 bytes";
    return words_problem(label);
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

const char *source_problem(struct text source)
{
    if (source.size == 0)
        return "is empty";
    if (source.size > SOURCE_SIZE_MAX)
        return "is longer than 64 bytes";
    if (!is_name_byte(source.at[0]))
        return "must start with a lower-case letter or a digit";
    for (size_t i = 1; i < source.size; i++) {
        char c = source.at[i];
        if (!is_name_byte(c) && c != '.' && c != '_' && c != '-')
            return "may only hold lower-case letters, digits, '.', '_' and '-'";
    }
    return NULL;
}

/* -- the whole row -- */

__attribute__((format(printf, 3, 4))) static bool refuse(struct connection_problem *problem, const char *field,
                                                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    problem->field = field;
    vsnprintf(problem->message, sizeof problem->message, format, arguments);
    va_end(arguments);
    return false;
}

/* Checks a URL that a browser may be sent to against the rules. */
static bool check_url(struct text value, const char *field, const struct connection_rules *rules, struct url *url,
                      struct connection_problem *problem)
{
    const bool acs = strcmp(field, "acs_url") == 0;
    const struct allowed_hosts *hosts = acs ? rules->stytch : rules->legacy;
    const char *why = NULL;
    if (!url_parse(value, url, &why))
        return refuse(problem, field, "%s cannot be used: %s", field, why);
    if (!allowed_hosts_check(hosts, url, &why)) {
        struct text shown = text_slice(url->authority.at, url->authority.size < 100 ? url->authority.size : 100);
        bool foreign = url->https || url_is_loopback(url);
        const char *key = !foreign ? "" : acs ? " (stytch.allowed_hosts)" : " (legacy.allowed_hosts)";
        return refuse(problem, field, "%s names %.*s: %s%s", field, TEXT_ARGS(shown), why, key);
    }
    if (url_leads_to(url, rules->own_hosts, rules->own_host_count))
        return refuse(problem, field,
                      "%s leads back to the gateway itself (hosts): sign-ins would go round in a circle", field);
    return true;
}

static bool check_acs_url(const struct connection *connection, const struct connection_rules *rules,
                          struct connection_problem *problem)
{
    struct url url;
    if (connection->acs_url.size == 0)
        return true;
    if (!check_url(connection->acs_url, "acs_url", rules, &url, problem))
        return false;
    if (connection->connection_id.size == 0)
        return refuse(problem, "acs_url", "acs_url needs a connection_id beside it");
    size_t before = url.path.size - connection->connection_id.size;
    if (url.has_query || !text_ends(url.path, connection->connection_id) || before == 0 ||
        url.path.at[before - 1] != '/')
        return refuse(problem, "acs_url", "acs_url must end in /%.*s", TEXT_ARGS(connection->connection_id));
    return true;
}

static bool check_ids(const struct connection *connection, struct connection_problem *problem)
{
    const char *why = NULL;
    if (connection->connection_id.size > 0 && (why = connection_id_problem(connection->connection_id)) != NULL)
        return refuse(problem, "connection_id", "connection_id %s", why);
    if (connection->organization_id.size > 0 && (why = organization_id_problem(connection->organization_id)) != NULL)
        return refuse(problem, "organization_id", "organization_id %s", why);
    return true;
}

static bool check_urls(const struct connection *connection, const struct connection_rules *rules,
                       struct connection_problem *problem)
{
    struct url url;
    return check_acs_url(connection, rules, problem) &&
           (connection->legacy_url.size == 0 || check_url(connection->legacy_url, "legacy_url", rules, &url, problem));
}

static bool check_presence(const struct connection *connection, struct connection_problem *problem)
{
    return connection->connection_id.size > 0 || connection->state != CONNECTION_STYTCH ||
           refuse(problem, "connection_id", "connection_id is missing, which state stytch needs");
}

bool connection_check_whole(const struct connection *connection, const struct connection_rules *rules,
                            struct connection_problem *problem)
{
    return check_presence(connection, problem) && check_urls(connection, rules, problem);
}

bool connection_check(const struct connection *connection, const struct connection_rules *rules,
                      struct connection_problem *problem)
{
    const char *why = label_problem(connection->label);
    if ((unsigned)connection->state >= CONNECTION_STATES)
        return refuse(problem, "state", "state must be stytch, legacy or disabled");
    if ((unsigned)connection->redirect >= REDIRECT_KINDS)
        return refuse(problem, "redirect", "redirect must be 307, 303 or form");
    if (!check_presence(connection, problem) || !check_ids(connection, problem) ||
        !check_urls(connection, rules, problem))
        return false;
    if (why != NULL)
        return refuse(problem, "label", "label %s", why);
    return true;
}

struct connection connection_in_use(const struct connection *connection)
{
    struct connection used = *connection;
    if (used.state != CONNECTION_STYTCH)
        used.acs_url = (struct text){0};
    if (used.state != CONNECTION_LEGACY)
        used.legacy_url = (struct text){0};
    return used;
}

/* -- fields by name -- */

static const char *set_connection_id(struct connection *connection, struct text value)
{
    connection->connection_id = value;
    return value.size == 0 ? NULL : connection_id_problem(value);
}

/* Only the size: connection_check() has more room to say whether it is a URL and may be used. */
static const char *url_problem(struct text value)
{
    return value.size > URL_SIZE_MAX ? "is longer than 2048 bytes" : NULL;
}

static const char *set_acs_url(struct connection *connection, struct text value)
{
    connection->acs_url = value;
    return url_problem(value);
}

static const char *set_redirect(struct connection *connection, struct text value)
{
    connection->redirect = REDIRECT_UNSET;
    return value.size == 0 || redirect_kind_parse(value, &connection->redirect) ? NULL : "must be 307, 303 or form";
}

static const char *set_state(struct connection *connection, struct text value)
{
    connection->state = CONNECTION_STYTCH;
    return connection_state_parse(value, &connection->state) ? NULL : "must be stytch, legacy or disabled";
}

static const char *set_legacy_url(struct connection *connection, struct text value)
{
    connection->legacy_url = value;
    return url_problem(value);
}

static const char *set_organization_id(struct connection *connection, struct text value)
{
    connection->organization_id = value;
    return value.size == 0 ? NULL : organization_id_problem(value);
}

static const char *set_label(struct connection *connection, struct text value)
{
    connection->label = value;
    return label_problem(value);
}

static const struct {
    struct text name;
    const char *(*set)(struct connection *connection, struct text value); /* returns a problem or NULL */
} fields[] = {
    {{"connection_id", 13}, set_connection_id},
    {{"acs_url", 7}, set_acs_url},
    {{"redirect", 8}, set_redirect},
    {{"state", 5}, set_state},
    {{"legacy_url", 10}, set_legacy_url},
    {{"organization_id", 15}, set_organization_id},
    {{"label", 5}, set_label},
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

size_t connection_field_index(struct text name)
{
    size_t index = 0;
    while (index < FIELDS && !text_equal(name, fields[index].name))
        index++;
    return index;
}

bool connection_set_field(struct connection *connection, struct text name, struct text value, const char **why)
{
    const size_t index = connection_field_index(name);
    *why = index < FIELDS ? fields[index].set(connection, value) : "is not a field of a connection";
    return *why == NULL;
}

const char *connection_field_name(size_t index)
{
    return index < FIELDS ? fields[index].name.at : NULL;
}
