#include "ssoferry/audit.h"

#include "audit_name.h"
#include "ssoferry/bytes.h"

#include <stdio.h>

const struct source_routes *audit_routes(struct audit *audit, struct text source)
{
    if (!text_equal(source, text_of(audit->source))) {
        memcpy(audit->source, source.at, source.size);
        audit->source[source.size] = '\0';
        audit->routes = config_source_routes(audit->config, source);
    }
    return &audit->routes;
}

static bool is_marked(uint64_t eight)
{
    return bytes_any_is(eight, '%') || bytes_any_is(eight, '/');
}

/* Whether it has a '%' or a '/'; almost every name without one is fine. Runs for each row of a load. */
static bool has_mark(struct text identifier)
{
    const size_t word = sizeof(uint64_t);
    if (identifier.size < word / 2)
        return text_find(identifier, '%', 0) < identifier.size || text_find(identifier, '/', 0) < identifier.size;
    if (identifier.size < word)
        return is_marked(bytes_load_some(identifier.at, identifier.size));
    for (size_t at = 0; at + word < identifier.size; at += word) {
        if (is_marked(bytes_load(identifier.at + at)))
            return true;
    }
    return is_marked(bytes_load(identifier.at + identifier.size - word));
}

/* Whether it looks like `name=...`, with the name of the query parameter. */
static bool is_parameter(struct text name, struct text identifier)
{
    return name.size > 0 && identifier.size > name.size && identifier.at[name.size] == '=' &&
           text_starts(identifier, name);
}

static enum oddity look_at_routes(struct audit *audit, struct text source, struct text identifier,
                                  const struct connection *row)
{
    const bool marked = has_mark(identifier), encoded = marked && identifier_looks_encoded(identifier);
    if (audit->config->gateway.route_count == 0 || source.size > SOURCE_SIZE_MAX)
        return encoded ? ODDITY_ENCODED : ODDITY_NONE;
    const struct source_routes *routes = audit_routes(audit, source);
    if (routes->count == 0)
        return ODDITY_UNREACHED;
    if (row->state == CONNECTION_LEGACY && row->legacy_url.size == 0 && routes->no_legacy_url)
        return routes->legacy_url ? ODDITY_SOME_ROUTES : ODDITY_NO_LEGACY_URL;
    enum oddity oddity = ODDITY_NONE;
    if (is_parameter(routes->parameter, identifier))
        oddity = ODDITY_ADDRESS;
    else if (marked || routes->by_issuer)
        oddity = audit_name(audit->config, routes, source, identifier);
    if (oddity != ODDITY_NONE)
        return oddity;
    if (encoded && routes->in_url)
        return ODDITY_ENCODED;
    return routes->all_fold_case && identifier_has_capitals(identifier) ? ODDITY_CAPITALS : ODDITY_NONE;
}

/* A label says less than an organization: people may write what they like. */
static enum oddity look_at_owner(struct owners *owners, const struct connection *row)
{
    if (row->organization_id.size > 0)
        return owners_contradict(owners, OWNER_ORGANIZATION, row->connection_id, row->organization_id)
                   ? ODDITY_ORGANIZATION
                   : ODDITY_NONE;
    return row->label.size > 0 && owners_contradict(owners, OWNER_LABEL, row->connection_id, row->label) ? ODDITY_LABEL
                                                                                                         : ODDITY_NONE;
}

enum oddity audit_row(struct audit *audit, struct text source, struct text identifier, const struct connection *row)
{
    const enum oddity oddity = look_at_routes(audit, source, identifier, row);
    return oddity == ODDITY_NONE && audit->owners != NULL && row->connection_id.size > 0
               ? look_at_owner(audit->owners, row)
               : oddity;
}

bool audit_fields(struct audit *audit, struct text source, const struct connection *row,
                  struct connection_problem *problem)
{
    struct connection used = connection_in_use(row);
    if (source.size <= SOURCE_SIZE_MAX && audit_routes(audit, source)->legacy_always)
        used.legacy_url = row->legacy_url;
    return connection_check(&used, &audit->config->rules, problem);
}

enum unusable audit_record(struct audit *audit, struct text source, struct text identifier, struct text record)
{
    struct error error;
    struct connection_buffer buffer;
    struct connection_problem problem;
    if (source.size > SOURCE_SIZE_MAX || identifier_problem(identifier) != NULL)
        return UNUSABLE_UNREACHED;
    if (!connection_decode(record, &buffer, &error))
        return UNUSABLE_RECORD;
    enum oddity oddity = audit_row(audit, source, identifier, &buffer.row);
    if (oddity == ODDITY_UNREACHED)
        return UNUSABLE_UNREACHED;
    if (!audit_fields(audit, source, &buffer.row, &problem))
        return text_ends(text_of(problem.field), TEXT("_url")) ? UNUSABLE_URL : UNUSABLE_RECORD;
    return oddity == ODDITY_NO_LEGACY_URL ? UNUSABLE_NO_LEGACY_URL : UNUSABLE_NOT;
}

const char *unusable_code(enum unusable unusable)
{
    static const char *const codes[UNUSABLES] = {
        [UNUSABLE_NOT] = "",    [UNUSABLE_UNREACHED] = "unreached", [UNUSABLE_NO_LEGACY_URL] = "no_legacy_url",
        [UNUSABLE_URL] = "url", [UNUSABLE_RECORD] = "record",
    };
    return codes[unusable];
}

const char *unusable_phrase(enum unusable unusable)
{
    static const char *const phrases[UNUSABLES] = {
        [UNUSABLE_NOT] = "",
        [UNUSABLE_UNREACHED] = "that no route looks up",
        [UNUSABLE_NO_LEGACY_URL] = "legacy without a legacy_url",
        [UNUSABLE_URL] = "with a URL that is not allowed",
        [UNUSABLE_RECORD] = "damaged or not whole",
    };
    return phrases[unusable];
}

const char *oddity_code(enum oddity oddity)
{
    static const char *const codes[ODDITIES] = {
        [ODDITY_NONE] = "",
        [ODDITY_UNREACHED] = "unreached",
        [ODDITY_NO_LEGACY_URL] = "no_legacy_url",
        [ODDITY_SOME_ROUTES] = "no_legacy_url",
        [ODDITY_ADDRESS] = "identifier",
        [ODDITY_SLASH] = "identifier",
        [ODDITY_NO_ENTITY] = "identifier",
        [ODDITY_ENCODED] = "identifier",
        [ODDITY_CAPITALS] = "capitals",
        [ODDITY_ORGANIZATION] = "organization_id",
        [ODDITY_LABEL] = "label",
    };
    return codes[oddity];
}

enum who { NOBODY, THE_SOURCE, THE_IDENTIFIER };

/* Sentences: what is said before, between and after the one or two names. */
static const struct {
    enum who first, second;
    const char *before, *between, *behind;
} sentences[ODDITIES] = {
    [ODDITY_NONE] = {NOBODY, NOBODY, "", "", ""},
    [ODDITY_UNREACHED] = {THE_SOURCE, THE_SOURCE, "no route has source ",
                          ", so its rows are never looked up: give a route `source: ",
                          "`, or give the rows the source of a route"},
    [ODDITY_NO_LEGACY_URL] = {THE_IDENTIFIER, THE_SOURCE, "", " is legacy, but neither it nor a route of source ",
                              " has a legacy_url: its sign-ins get 503"},
    [ODDITY_SOME_ROUTES] = {THE_IDENTIFIER, THE_SOURCE, "",
                            " is legacy without a legacy_url, and some routes of source ",
                            " have none either: its sign-ins by those get 503"},
    [ODDITY_ADDRESS] = {THE_IDENTIFIER, NOBODY, "",
                        " is an address that sign-ins come to, not an identifier: write only the part of it at "
                        "{identifier}, or, if a route goes by Issuer, the IdP's entity ID",
                        ""},
    [ODDITY_SLASH] = {THE_IDENTIFIER, THE_SOURCE, "", " has a slash, and the routes of source ",
                      " look in one segment of the path or in the host: write only the part at {identifier}, unless "
                      "there is a %2F in it"},
    [ODDITY_NO_ENTITY] = {THE_IDENTIFIER, THE_SOURCE, "", " is neither a URL nor a URN, and the routes of source ",
                          " go by Issuer: write the IdP's entity ID, unless it is exactly this"},
    [ODDITY_ENCODED] = {THE_IDENTIFIER, NOBODY, "",
                        " looks percent-encoded, but what a URL holds is decoded before it is looked up: write `acme "
                        "corp`, not `acme%20corp`, unless it is an Issuer or a RelayState",
                        ""},
    [ODDITY_CAPITALS] = {THE_IDENTIFIER, THE_SOURCE, "", " has capitals, and every route of source ",
                         " has fold_case, which looks names up in lower case: this row is found only by a request with "
                         "exactly these capitals"},
    [ODDITY_ORGANIZATION] =
        {THE_IDENTIFIER, NOBODY, "",
         " has a different organization_id than an earlier row with the same connection: one of the two is wrong", ""},
    [ODDITY_LABEL] = {THE_IDENTIFIER, NOBODY, "",
                      " has another label than an earlier row with the same connection: was its connection_id copied "
                      "along by mistake?",
                      ""},
};

const char *oddity_text(enum oddity oddity, struct text source, struct text identifier, char *out)
{
    const struct text names[] = {[NOBODY] = TEXT(""), [THE_SOURCE] = source, [THE_IDENTIFIER] = identifier};
    const struct text first = names[sentences[oddity].first], second = names[sentences[oddity].second];
    snprintf(out, ODDITY_TEXT_SIZE, "%s%.*s%s%.*s%s", sentences[oddity].before, TEXT_ARGS(first),
             sentences[oddity].between, TEXT_ARGS(second), sentences[oddity].behind);
    return out;
}
