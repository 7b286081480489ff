#include "ssoferry/audit.h"

#include <stdio.h>

/* What the routes of a source, whose name is no longer than SOURCE_SIZE_MAX, have between them; good until the next
 * call. */
static const struct source_routes *routes_of(struct audit *audit, struct text source)
{
    if (!text_equal(source, text_of(audit->source))) {
        memcpy(audit->source, source.at, source.size);
        audit->source[source.size] = '\0';
        audit->routes = config_source_routes(audit->config, source);
    }
    return &audit->routes;
}

enum oddity audit_row(struct audit *audit, struct text source, struct text identifier, const struct connection *row)
{
    bool encoded = identifier_looks_encoded(identifier);
    if (audit->config->gateway.route_count == 0 || source.size > SOURCE_SIZE_MAX)
        return encoded ? ODDITY_ENCODED : ODDITY_NONE;
    const struct source_routes *routes = routes_of(audit, source);
    if (routes->count == 0)
        return ODDITY_UNREACHED;
    if (row->state == CONNECTION_LEGACY && row->legacy_url.size == 0 && !routes->legacy_url)
        return ODDITY_NO_LEGACY_URL;
    if (encoded && routes->in_url)
        return ODDITY_ENCODED;
    return routes->all_fold_case && identifier_has_capitals(identifier) ? ODDITY_CAPITALS : ODDITY_NONE;
}

bool audit_fields(struct audit *audit, struct text source, const struct connection *row,
                  struct connection_problem *problem)
{
    struct connection used = connection_in_use(row);
    if (source.size <= SOURCE_SIZE_MAX && routes_of(audit, source)->legacy_always)
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

const char *oddity_code(enum oddity oddity)
{
    static const char *const codes[ODDITIES] = {
        [ODDITY_NONE] = "",
        [ODDITY_UNREACHED] = "unreached",
        [ODDITY_NO_LEGACY_URL] = "no_legacy_url",
        [ODDITY_ENCODED] = "identifier",
        [ODDITY_CAPITALS] = "capitals",
    };
    return codes[oddity];
}

const char *oddity_text(enum oddity oddity, struct text source, struct text identifier, char *out)
{
    out[0] = '\0';
    switch (oddity) {
    case ODDITY_UNREACHED:
        snprintf(out, ODDITY_TEXT_SIZE,
                 "no route has source %.*s, so its rows are never looked up: give a route `source: %.*s`, or the rows "
                 "a route's source",
                 TEXT_ARGS(source), TEXT_ARGS(source));
        break;
    case ODDITY_NO_LEGACY_URL:
        snprintf(out, ODDITY_TEXT_SIZE,
                 "%.*s is legacy, but neither it nor a route of source %.*s has a legacy_url: its sign-ins get 503",
                 TEXT_ARGS(identifier), TEXT_ARGS(source));
        break;
    case ODDITY_ENCODED:
        snprintf(
            out, ODDITY_TEXT_SIZE,
            "%.*s looks percent-encoded, and what a URL holds is decoded before it is looked up: write `acme corp`, "
            "not `acme%%20corp`, unless it is an Issuer or a RelayState",
            TEXT_ARGS(identifier));
        break;
    case ODDITY_CAPITALS:
        snprintf(out, ODDITY_TEXT_SIZE,
                 "%.*s has capitals, and every route of source %.*s has fold_case, which looks names up in lower case: "
                 "only who writes it just so is found",
                 TEXT_ARGS(identifier), TEXT_ARGS(source));
        break;
    case ODDITY_NONE:
    case ODDITIES:
        break;
    }
    return out;
}
