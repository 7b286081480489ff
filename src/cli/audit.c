#include "audit.h"

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

enum oddity audit_row(struct audit *audit, struct text source, struct text identifier, const struct connection *row)
{
    bool encoded = identifier_looks_encoded(identifier);
    if (audit->config->gateway.route_count == 0 || source.size > SOURCE_SIZE_MAX)
        return encoded ? ODDITY_ENCODED : ODDITY_NONE;
    const struct source_routes *routes = audit_routes(audit, source);
    if (routes->count == 0)
        return ODDITY_UNREACHED;
    if (row->state == CONNECTION_LEGACY && row->legacy_url.size == 0 && !routes->legacy_url)
        return ODDITY_NO_LEGACY_URL;
    if (encoded && routes->in_url)
        return ODDITY_ENCODED;
    return routes->all_fold_case && identifier_has_capitals(identifier) ? ODDITY_CAPITALS : ODDITY_NONE;
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
                 "no route has source %.*s, so its rows are never looked up: give a route `source: %.*s`",
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
