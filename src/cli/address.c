#include "address.h"

#include <stdio.h>

#include "ssoferry/memory.h"

/* The part behind http:// or https://; false if it begins otherwise. */
static bool skip_scheme(struct text address, struct text *rest)
{
    static const struct text schemes[] = {{"https://", 8}, {"http://", 7}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); ++i) {
        const size_t size = schemes[i].size;
        if (address.size >= size && text_equal_fold(text_slice(address.at, size), schemes[i])) {
            *rest = text_from(address, size);
            return true;
        }
    }
    return false;
}

bool address_looks_like(struct text word)
{
    struct text rest;
    return text_starts(word, TEXT("/")) || skip_scheme(word, &rest);
}

/* What browsers send as Host of an authority: neither a user name nor a password. */
static struct text host_of(struct text authority)
{
    size_t start = authority.size;
    while (start > 0 && authority.at[start - 1] != '@')
        --start;
    return text_from(authority, start);
}

bool address_split(struct text address, struct request *request)
{
    struct text host = {0}, rest = text_slice(address.at, text_find(address, '#', 0)); /* browsers do not send that */
    if (skip_scheme(rest, &rest)) {
        const size_t slash = text_find(rest, '/', 0), question = text_find(rest, '?', 0);
        const size_t end = slash < question ? slash : question;
        host = host_of(text_slice(rest.at, end));
        rest = text_from(rest, end);
    }
    if (host.size == 0 && !text_starts(rest, TEXT("/")))
        return false;
    const size_t question = text_find(rest, '?', 0);
    request->host = host;
    request->path = question > 0 ? text_slice(rest.at, question) : TEXT("/");
    request->has_query = question < rest.size;
    if (request->has_query)
        request->query = text_from(rest, question + 1);
    return true;
}

bool address_has_listed_host(const struct gateway_settings *settings, struct text host)
{
    struct text name = url_host_alone(host);
    if (name.size > 0 && name.at[name.size - 1] == '.') /* of the DNS's root */
        --name.size;
    for (size_t i = 0; i < settings->own_host_count; ++i) {
        if (text_equal_fold(name, url_host_alone(settings->own_hosts[i])))
            return true;
    }
    return false;
}

/* A route that begins with any segment takes the entity IDs of many IdPs, too. */
static bool is_elsewhere(const struct gateway_settings *settings, const struct route *route, struct text host)
{
    return template_begins_anyhow(route->template) && host.size > 0 && settings->own_host_count > 0 &&
           !address_has_listed_host(settings, host);
}

bool address_is_taken(const struct gateway_settings *settings, struct text address)
{
    struct request request = {.method = METHOD_POST};
    struct template_capture capture;
    if (!address_looks_like(address) || !address_split(address, &request) ||
        (request.host.size > 0 && settings->own_host_count > 0 && !address_has_listed_host(settings, request.host)))
        return false;
    const bool is_path = request.host.size == 0;
    for (size_t i = 0; i < settings->route_count; ++i) {
        const struct template *template = settings->routes[i].template;
        if (is_path)
            request.host = template_host(template);
        if (!template_begins_anyhow(template) && template_match(template, &request, &capture) == TEMPLATE_MATCHES)
            return true;
    }
    return false;
}

static bool has_row(struct snapshot *snapshot, struct text source, struct text identifier, struct address_row *row)
{
    struct error error;
    struct connection_buffer buffer;
    if (snapshot_find(snapshot, source, identifier, &buffer, &error) != LOOKUP_FOUND)
        return false;
    snprintf(row->source, sizeof(row->source), "%.*s", TEXT_ARGS(source));
    snprintf(row->identifier, sizeof(row->identifier), "%.*s", TEXT_ARGS(identifier));
    return true;
}

bool address_find_row(const struct gateway_settings *settings, struct snapshot *snapshot, struct text address,
                      struct address_row *row)
{
    char folded[IDENTIFIER_SIZE_MAX];
    struct extraction extraction;
    struct request request = {.method = METHOD_POST};
    if (!address_looks_like(address) || !address_split(address, &request))
        return false;
    struct arena *arena = arena_new();
    extract_from_url(settings->routes, settings->route_count, &request, arena_memory(arena), NULL, &extraction);
    bool found = false;
    if (extraction.route != NULL && extraction.identifier.size > 0 &&
        !is_elsewhere(settings, extraction.route, request.host)) {
        const struct text source = extraction.route->source, identifier = extraction.identifier;
        found = has_row(snapshot, source, identifier, row);
        if (!found && extraction.route->fold_case) {
            text_fold(identifier, folded);
            found = has_row(snapshot, source, text_slice(folded, identifier.size), row);
        }
    }
    arena_free(arena);
    return found;
}
