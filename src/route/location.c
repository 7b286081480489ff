#include "location.h"

#include <string.h>

struct text location_join(struct text base, struct text query, struct memory memory)
{
    bool open = text_find(base, '?', 0) < base.size;
    bool joined = open && (query.size == 0 || base.at[base.size - 1] == '?' || base.at[base.size - 1] == '&');
    const struct text parts[] = {base, joined ? TEXT("") : open ? TEXT("&") : TEXT("?"), query};
    return text_join(parts, sizeof(parts) / sizeof(parts[0]), memory);
}

/* Whether a Location has this host, whatever its port. */
static bool names_host(struct text location, struct text host)
{
    size_t at = url_host_start(location);
    if (host.size == 0 || at >= location.size || text_lower(location.at[at]) != text_lower(host.at[0]))
        return false;
    const struct text name = url_host_alone(host);
    return location.size >= at + name.size && text_equal_fold(text_slice(location.at + at, name.size), name);
}

/* A quick check: usually the first bytes show that a Location has none of the gateway's names, without parsing. */
static inline bool names_gateway(const struct gateway_settings *settings, const struct request *request,
                                 struct text location)
{
    bool names = names_host(location, request->host);
    for (size_t i = 0; i < settings->own_host_count && !names; ++i)
        names = names_host(location, settings->own_hosts[i]);
    return names;
}

/* Whether a URL has the host that this request came to. Behind a load balancer the Host field has the balancer's port
 * or none, so default ports count as equal. */
static bool has_host_of_request(const struct url *url, const struct request *request)
{
    struct url own;
    const char *why = NULL;
    char source[HOST_SIZE_MAX + 32];
    const struct text host = request->host;
    if (host.size == 0 || host.size > HOST_SIZE_MAX)
        return false;
    memcpy(source, "http://", 7);
    memcpy(source + 7, host.at, host.size);
    if (!url_parse(text_slice(source, 7 + host.size), &own, &why) || !text_equal_fold(own.host, url->host))
        return false;
    bool default_ports = (own.port == 80 || own.port == 443) && (url->port == 80 || url->port == 443);
    return own.port == url->port || default_ports;
}

/* Where a Location leads, as far as it concerns the gateway. */
enum way { WAY_OUT, WAY_TO_REQUEST_HOST, WAY_BACK };

/* For a Location that names the gateway. Unless this is WAY_OUT, `url` is set to the Location without its query. */
static enum way way_of(const struct gateway_settings *settings, const struct request *request, struct text location,
                       struct url *url)
{
    const char *why = NULL;
    if (!url_parse(text_slice(location.at, text_find(location, '?', 0)), url, &why))
        return WAY_OUT;
    if (url_leads_to(url, settings->own_hosts, settings->own_host_count))
        return WAY_BACK;
    return has_host_of_request(url, request) ? WAY_TO_REQUEST_HOST : WAY_OUT;
}

/* Cuts at the path, because that may be the request's own and hold bytes that browsers send but url_parse() refuses. */
bool location_comes_here(const struct gateway_settings *settings, const struct request *request, struct text location)
{
    struct url url;
    return names_gateway(settings, request, location) &&
           way_of(settings, request, url_before_path(location), &url) != WAY_OUT;
}

static bool comes_round(const struct gateway_settings *settings, const struct request *request, struct text location,
                        struct memory memory)
{
    struct url url;
    enum way way = way_of(settings, request, location, &url);
    if (way != WAY_TO_REQUEST_HOST)
        return way == WAY_BACK;
    struct extraction extraction;
    struct request next = {.method = METHOD_GET, .host = request->host};
    size_t question = text_find(location, '?', 0);
    next.path = url.path.size > 0 ? url.path : TEXT("/");
    next.has_query = question < location.size;
    if (next.has_query)
        next.query = text_from(location, question + 1);
    extract_from_url(settings->routes, settings->route_count, &next, memory, NULL, &extraction);
    return extraction.route != NULL;
}

bool location_comes_round(const struct gateway_settings *settings, const struct request *request, struct text location,
                          struct memory memory)
{
    return names_gateway(settings, request, location) && comes_round(settings, request, location, memory);
}
