#include "audit_name.h"

/* Splits an http or https URL into its host and the rest; false if it is not one. */
static bool split_address(struct text address, struct text *host, struct text *rest)
{
    static const struct text schemes[] = {{"https://", 8}, {"http://", 7}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); ++i) {
        const size_t size = schemes[i].size;
        if (address.size <= size || !text_equal_fold(text_slice(address.at, size), schemes[i]))
            continue;
        const struct text behind = text_from(address, size);
        const size_t slash = text_find(behind, '/', 0);
        *host = text_slice(behind.at, slash);
        *rest = text_from(behind, slash);
        return true;
    }
    return false;
}

static bool is_own_host(const struct config *config, struct text host)
{
    const struct text name = url_host_alone(host);
    for (size_t i = 0; i < config->rules.own_host_count; ++i) {
        const struct text own = config->rules.own_hosts[i];
        if (text_equal_fold(own, host) || text_equal_fold(own, name))
            return true;
    }
    return false;
}

/* A catch-all takes every URL, including those that are an IdP's entity ID. */
static bool is_taken(const struct config *config, struct text source, struct text host, struct text target)
{
    const size_t question = text_find(target, '?', 0);
    const bool has_query = question < target.size;
    const struct request request = {
        .method = METHOD_POST,
        .host = host,
        .path = question > 0 ? text_slice(target.at, question) : TEXT("/"),
        .has_query = has_query,
        .query = has_query ? text_from(target, question + 1) : (struct text){0},
    };
    struct template_capture capture;
    for (size_t i = 0; i < config->gateway.route_count; ++i) {
        const struct route *route = &config->gateway.routes[i];
        if (text_equal(route->source, source) && !template_begins_anyhow(route->template) &&
            template_match(route->template, &request, &capture) == TEMPLATE_MATCHES)
            return true;
    }
    return false;
}

/* An Issuer is often an http URL, but not one of ours. */
static bool is_address(const struct config *config, struct text source, struct text identifier)
{
    struct text host = {0}, target = identifier;
    if (identifier.at[0] != '/' && (!split_address(identifier, &host, &target) ||
                                    (config->rules.own_host_count > 0 && !is_own_host(config, host))))
        return false;
    return is_taken(config, source, host, target);
}

enum oddity audit_name(const struct config *config, const struct source_routes *routes, struct text source,
                       struct text identifier)
{
    if (identifier.size == 0)
        return ODDITY_NONE;
    const char first = identifier.at[0];
    if ((first == '/' || first == 'h' || first == 'H') && is_address(config, source, identifier))
        return ODDITY_ADDRESS;
    if (routes->in_segment && text_find(identifier, '/', 0) < identifier.size)
        return ODDITY_SLASH;
    return routes->by_issuer && text_find(identifier, ':', 0) == identifier.size ? ODDITY_NO_ENTITY : ODDITY_NONE;
}
