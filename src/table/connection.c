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

/* -- single fields -------------------------------------------------------------------------------------------------------- */

static const char *words_problem(struct text t)
{
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

/* What a byte may be part of. A table, since ids are checked for every row of a load. */
enum { ID = 1, HEX = 2 };
static const unsigned char classes[256] = {
    ['-'] = ID,       ['0'] = ID | HEX, ['1'] = ID | HEX, ['2'] = ID | HEX, ['3'] = ID | HEX, ['4'] = ID | HEX,
    ['5'] = ID | HEX, ['6'] = ID | HEX, ['7'] = ID | HEX, ['8'] = ID | HEX, ['9'] = ID | HEX, ['a'] = ID | HEX,
    ['b'] = ID | HEX, ['c'] = ID | HEX, ['d'] = ID | HEX, ['e'] = ID | HEX, ['f'] = ID | HEX, ['g'] = ID,
    ['h'] = ID,       ['i'] = ID,       ['j'] = ID,       ['k'] = ID,       ['l'] = ID,       ['m'] = ID,
    ['n'] = ID,       ['o'] = ID,       ['p'] = ID,       ['q'] = ID,       ['r'] = ID,       ['s'] = ID,
    ['t'] = ID,       ['u'] = ID,       ['v'] = ID,       ['w'] = ID,       ['x'] = ID,       ['y'] = ID,
    ['z'] = ID,
};

static unsigned class_of(char c)
{
    return classes[(unsigned char)c];
}

const char *source_problem(struct text source)
{
    if (source.size == 0)
        return "is empty";
    if (source.size > SOURCE_SIZE_MAX)
        return "is longer than 64 bytes";
    if (class_of(source.at[0]) == 0 || source.at[0] == '-')
        return "must start with a lower-case letter or a digit";
    for (size_t i = 1; i < source.size; i++) {
        char c = source.at[i];
        if (class_of(c) == 0 && c != '.' && c != '_')
            return "may only hold lower-case letters, digits, '.', '_' and '-'";
    }
    return NULL;
}

/* The ids' prefixes, by kind and stage. */
static const struct text connection_prefixes[] = {
    {"saml-connection-live-", 21}, {"saml-connection-test-", 21},     {"oidc-connection-live-", 21},
    {"oidc-connection-test-", 21}, {"external-connection-live-", 25}, {"external-connection-test-", 25},
};
enum { CONNECTION_PREFIXES = sizeof connection_prefixes / sizeof connection_prefixes[0] };

static const struct text organization_prefixes[] = {{"organization-live-", 18}, {"organization-test-", 18}};

/* The index of the prefix that `id` starts with, or `count`. Compares here, since this runs for every row of a load. */
static size_t prefix_of(struct text id, const struct text *prefixes, size_t count)
{
    size_t i = 0;
    while (i < count && !(id.size >= prefixes[i].size && memcmp(id.at, prefixes[i].at, prefixes[i].size) == 0))
        i++;
    return i;
}

/* What follows the first of `prefixes` that `id` starts with; a null text where it starts with none. */
static struct text behind_prefix(struct text id, const struct text *prefixes, size_t count)
{
    size_t i = prefix_of(id, prefixes, count);
    return i < count ? text_slice(id.at + prefixes[i].size, id.size - prefixes[i].size) : text_slice(NULL, 0);
}

static bool is_id_tail(struct text tail)
{
    unsigned all = ID;
    for (size_t i = 0; i < tail.size; i++)
        all &= class_of(tail.at[i]);
    return all != 0 && tail.size > 0;
}

const char *connection_id_problem(struct text id)
{
    if (id.size == 0)
        return "is empty";
    if (id.size > CONNECTION_ID_SIZE_MAX)
        return "is longer than 128 bytes";
    struct text tail = behind_prefix(id, connection_prefixes, CONNECTION_PREFIXES);
    if (tail.at == NULL)
        return "must start with {saml|oidc|external}-connection-{live|test}-";
    if (!is_id_tail(tail))
        return "may only hold lower-case letters, digits and '-', and some of them behind its prefix";
    return NULL;
}

const char *organization_id_problem(struct text id)
{
    if (id.size == 0)
        return "is empty";
    if (id.size > ORGANIZATION_ID_SIZE_MAX)
        return "is longer than 128 bytes";
    struct text tail = behind_prefix(id, organization_prefixes, 2);
    if (tail.at == NULL)
        return "must start with organization-{live|test}-";
    if (!is_id_tail(tail))
        return "may only hold lower-case letters, digits and '-', and some of them behind its prefix";
    return NULL;
}

bool connection_id_has_uuid(struct text id)
{
    struct text tail = behind_prefix(id, connection_prefixes, CONNECTION_PREFIXES);
    if (tail.size != 36 || tail.at[8] != '-' || tail.at[13] != '-' || tail.at[18] != '-' || tail.at[23] != '-')
        return false;
    unsigned digits = 0;
    for (size_t i = 0; i < 36; i++)
        digits += class_of(tail.at[i]) / HEX;
    return digits == 32;
}

bool connection_id_is_test(struct text id)
{
    return prefix_of(id, connection_prefixes, CONNECTION_PREFIXES) % 2 == 1;
}

/* -- the whole row -------------------------------------------------------------------------------------------------------- */

static bool __attribute__((format(printf, 3, 4)))
refuse(struct connection_problem *problem, const char *field, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    problem->field = field;
    vsnprintf(problem->message, sizeof problem->message, format, arguments);
    va_end(arguments);
    return false;
}

/* A URL that a browser may be sent to, by the rules. */
static bool check_url(struct text value, const char *field, const struct allowed_hosts *hosts, struct url *url,
                      struct connection_problem *problem)
{
    const char *why = NULL;
    if (!url_parse(value, url, &why))
        return refuse(problem, field, "%s cannot be used: %s", field, why);
    if (!allowed_hosts_check(hosts, url, &why)) {
        struct text shown = text_slice(url->authority.at, url->authority.size < 100 ? url->authority.size : 100);
        bool foreign = url->https || url_is_loopback(url);
        const char *key = !foreign                        ? ""
                          : strcmp(field, "acs_url") == 0 ? " (stytch.allowed_hosts)"
                                                          : " (legacy.allowed_hosts)";
        return refuse(problem, field, "%s names %.*s: %s%s", field, TEXT_ARGS(shown), why, key);
    }
    return true;
}

static bool check_acs_url(const struct connection *connection, const struct connection_rules *rules,
                          struct connection_problem *problem)
{
    struct url url;
    if (connection->acs_url.size == 0)
        return true;
    if (!check_url(connection->acs_url, "acs_url", rules->stytch, &url, problem))
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
    if (connection->connection_id.size == 0) {
        if (connection->state == CONNECTION_STYTCH)
            return refuse(problem, "connection_id", "connection_id is missing, which state stytch needs");
    } else if ((why = connection_id_problem(connection->connection_id)) != NULL) {
        return refuse(problem, "connection_id", "connection_id %s", why);
    }
    if (connection->organization_id.size > 0 && (why = organization_id_problem(connection->organization_id)) != NULL)
        return refuse(problem, "organization_id", "organization_id %s", why);
    return true;
}

bool connection_check(const struct connection *connection, const struct connection_rules *rules,
                      struct connection_problem *problem)
{
    struct url url;
    const char *why = label_problem(connection->label);
    if ((unsigned)connection->state >= CONNECTION_STATES)
        return refuse(problem, "state", "state must be stytch, legacy or disabled");
    if ((unsigned)connection->redirect >= REDIRECT_KINDS)
        return refuse(problem, "redirect", "redirect must be 307, 303 or form");
    if (!check_ids(connection, problem) || !check_acs_url(connection, rules, problem))
        return false;
    if (connection->legacy_url.size > 0 &&
        !check_url(connection->legacy_url, "legacy_url", rules->legacy, &url, problem))
        return false;
    if (connection->legacy_url.size > 0 && url_leads_to(&url, rules->own_hosts, rules->own_host_count))
        return refuse(problem, "legacy_url",
                      "legacy_url leads back to the gateway itself (hosts): sign-ins would go round in a circle");
    if (why != NULL)
        return refuse(problem, "label", "label %s", why);
    return true;
}

bool connection_equal(const struct connection *a, const struct connection *b)
{
    return a->state == b->state && a->redirect == b->redirect && text_equal(a->connection_id, b->connection_id) &&
           text_equal(a->acs_url, b->acs_url) && text_equal(a->legacy_url, b->legacy_url) &&
           text_equal(a->organization_id, b->organization_id) && text_equal(a->label, b->label);
}

/* -- fields by name ------------------------------------------------------------------------------------------------------- */

static const char *set_connection_id(struct connection *connection, struct text value)
{
    connection->connection_id = value;
    return value.size == 0 ? NULL : connection_id_problem(value);
}

/* Whether it is a URL at all, and one that may be used, connection_check() says in more words than are ready here. */
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
    const char *name;
    const char *(*set)(struct connection *connection, struct text value); /* returns a problem or NULL */
} fields[] = {
    {"connection_id", set_connection_id},
    {"acs_url", set_acs_url},
    {"redirect", set_redirect},
    {"state", set_state},
    {"legacy_url", set_legacy_url},
    {"organization_id", set_organization_id},
    {"label", set_label},
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

bool connection_set_field(struct connection *connection, struct text name, struct text value, const char **why)
{
    *why = "is not a field of a connection";
    for (size_t i = 0; i < FIELDS; i++) {
        if (text_equal(name, text_of(fields[i].name))) {
            *why = fields[i].set(connection, value);
            return *why == NULL;
        }
    }
    return false;
}

const char *connection_field_name(size_t index)
{
    return index < FIELDS ? fields[index].name : NULL;
}
