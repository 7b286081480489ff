#include "ssoferry/url.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "ssoferry/memory.h"
#include "ssoferry/network.h"

/* RFC 3986's unreserved and reserved characters and '%', except '[', ']' (only for hosts) and '#' (fragments). */
static bool is_url_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~:/?@!$&'()*+,;=%", c) != NULL);
}

static bool all_url_bytes(struct text t)
{
    for (size_t i = 0; i < t.size; ++i) {
        if (!is_url_byte(t.at[i]))
            return false;
    }
    return true;
}

static bool is_name(struct text host)
{
    char previous = '.';
    for (size_t i = 0; i < host.size; ++i) {
        char c = host.at[i];
        bool letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!letter && (c != '.' || previous == '.'))
            return false;
        previous = c;
    }
    return previous != '.' && host.size > 0 && host.size <= HOST_SIZE_MAX;
}

static bool is_ipv6(struct text host)
{
    struct ip ip;
    return text_find(host, ':', 0) < host.size && ip_parse(host, &ip);
}

/* Splits host[:port] into url->host and url->port. */
static bool parse_authority(struct text authority, struct url *url, const char **why)
{
    size_t end;
    bool bracketed = authority.size > 0 && authority.at[0] == '[';
    if (bracketed) {
        end = text_find(authority, ']', 0);
        *why = "its [ has no ]";
        if (end == authority.size)
            return false;
        url->host = text_slice(authority.at + 1, end - 1);
        ++end;
    } else {
        end = text_find(authority, ':', 0);
        url->host = text_slice(authority.at, end);
    }
    *why = "its host is not a host name or address";
    if (bracketed ? !is_ipv6(url->host) : !is_name(url->host))
        return false;
    if (end == authority.size)
        return true;

    uint64_t port = 0;
    *why = "its port is not a number from 1 to 65535";
    if (authority.at[end] != ':' || !text_to_number(text_from(authority, end + 1), 65535, &port) || port == 0)
        return false;
    url->port = (uint16_t)port;
    return true;
}

/* Includes "://"; 0 if the scheme is neither http nor https. */
static size_t size_of_scheme(struct text source)
{
    if (source.size >= 8 && text_equal_fold(text_slice(source.at, 8), TEXT("https://")))
        return 8;
    return source.size >= 7 && text_equal_fold(text_slice(source.at, 7), TEXT("http://")) ? 7 : 0;
}

bool url_parse(struct text source, struct url *url, const char **why)
{
    *url = (struct url){0};
    *why = "it is longer than 2048 bytes";
    if (source.size > URL_SIZE_MAX)
        return false;

    *why = "it does not start with https:// or http://";
    size_t scheme = size_of_scheme(source);
    if (scheme == 0)
        return false;
    url->https = scheme == 8;
    url->port = url->https ? 443 : 80;

    size_t end = scheme;
    while (end < source.size && source.at[end] != '/' && source.at[end] != '?' && source.at[end] != '#')
        ++end;
    url->authority = text_slice(source.at + scheme, end - scheme);
    *why = "it has a user name in it";
    if (text_find(url->authority, '@', 0) < url->authority.size)
        return false;
    if (!parse_authority(url->authority, url, why))
        return false;

    struct text rest = text_from(source, end);
    *why = "it has a fragment (#)";
    if (text_find(rest, '#', 0) < rest.size)
        return false;
    *why = "it has a character that must be percent-encoded";
    if (!all_url_bytes(rest))
        return false;
    size_t question = text_find(rest, '?', 0);
    url->path = text_slice(rest.at, question);
    url->has_query = question < rest.size;
    if (url->has_query)
        url->query = text_from(rest, question + 1);
    return true;
}

bool url_is_loopback(const struct url *url)
{
    char copy[INET6_ADDRSTRLEN];
    struct in_addr address;
    if (text_equal_fold(url->host, TEXT("localhost")) || text_equal(url->host, TEXT("::1")))
        return true;
    if (url->host.size >= sizeof(copy))
        return false;
    memcpy(copy, url->host.at, url->host.size);
    copy[url->host.size] = '\0';
    return inet_pton(AF_INET, copy, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

bool url_leads_to(const struct url *url, const struct text *hosts, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        struct url host = {.port = 0};
        const char *why = NULL;
        if (parse_authority(hosts[i], &host, &why) && text_equal_fold(host.host, url->host) &&
            (host.port == 0 || host.port == url->port))
            return true;
    }
    return false;
}

struct host_pattern {
    char *host; /* lower case; without "*." where `star` */
    bool star;
    uint16_t port; /* 0: 443 */
};

struct allowed_hosts {
    struct host_pattern *patterns;
    size_t count;
};

struct allowed_hosts *allowed_hosts_new(void)
{
    return memory_zeroed(1, sizeof(struct allowed_hosts));
}

void allowed_hosts_free(struct allowed_hosts *hosts)
{
    if (hosts == NULL)
        return;
    for (size_t i = 0; i < hosts->count; ++i)
        free(hosts->patterns[i].host);
    free(hosts->patterns);
    free(hosts);
}

bool allowed_hosts_add(struct allowed_hosts *hosts, struct text pattern, const char **why)
{
    struct url parsed = {.port = 0};
    bool star = text_starts(pattern, TEXT("*."));
    if (star)
        pattern = text_from(pattern, 2);
    if (!parse_authority(pattern, &parsed, why)) {
        *why = "it is not a host such as login.example.com, login.example.com:8443 or *.example.com";
        return false;
    }
    *why = "a star needs at least two labels after it, as in *.example.com";
    if (star && text_find(parsed.host, '.', 0) == parsed.host.size)
        return false;

    hosts->patterns = memory_resize(hosts->patterns, (hosts->count + 1) * sizeof(*hosts->patterns));
    struct host_pattern *added = &hosts->patterns[hosts->count++];
    *added = (struct host_pattern){memory_string(parsed.host), star, parsed.port};
    text_fold(parsed.host, added->host);
    return true;
}

void allowed_hosts_add_stytch(struct allowed_hosts *hosts)
{
    static const char *const stytch[] = {"api.stytch.com", "test.stytch.com", "*.customers.stytch.com",
                                         "*.customers.stytch.dev"};
    for (size_t i = 0; i < sizeof(stytch) / sizeof(stytch[0]); ++i) {
        const char *why = NULL;
        if (!allowed_hosts_add(hosts, text_of(stytch[i]), &why))
            abort();
    }
}

static bool pattern_matches(const struct host_pattern *pattern, const struct url *url)
{
    struct text host = url->host;
    if (pattern->star) {
        size_t dot = text_find(host, '.', 0);
        if (dot == 0 || dot == host.size)
            return false;
        host = text_from(host, dot + 1);
    }
    bool port = pattern->port != 0 ? pattern->port == url->port : url->https && url->port == 443;
    return port && text_equal_fold(host, text_of(pattern->host));
}

bool allowed_hosts_check(const struct allowed_hosts *hosts, const struct url *url, const char **why)
{
    *why = "plain http is only for this machine itself; write https";
    if (!url->https && !url_is_loopback(url))
        return false;
    *why = "its host is not among the allowed hosts";
    for (size_t i = 0; i < hosts->count; ++i) {
        if (pattern_matches(&hosts->patterns[i], url))
            return true;
    }
    return false;
}
