/* Absolute http and https URLs, and the list of hosts that a Location may name. The one rule of safety is enforced
 * here: whatever a row or a configuration says, allowed_hosts_check() decides whether a browser may be sent there. */
#ifndef SSOFERRY_URL_H
#define SSOFERRY_URL_H

#include "ssoferry/error.h"
#include "ssoferry/text.h"

enum { URL_SIZE_MAX = 2048, HOST_SIZE_MAX = 253 };

/* A parsed URL: slices of the text it came from. */
struct url {
    bool https;
    struct text host;      /* as written, without port and brackets */
    struct text authority; /* host and port as written */
    uint16_t port;         /* the scheme's default if none is written */
    struct text path;      /* starts with '/', or is empty */
    struct text query;     /* without '?' */
    bool has_query;
};

/* Parses an absolute URL fit for a Location: scheme http or https, no user information, no fragment, only RFC 3986's
 * characters (so no space, control byte, backslash or quote), at most URL_SIZE_MAX bytes; the host is an IP address or
 * consists of letters, digits, '-', '_' and '.'. On false, *why is a static phrase such as "it has a fragment". */
bool url_parse(struct text source, struct url *url, const char **why) __attribute__((warn_unused_result));

/* The index where a URL's host begins. The URL may be invalid; without a host this is its end or beyond. */
static inline size_t url_host_start(struct text url)
{
    return text_find(url, '/', 0) + 2;
}

/* The part of such a URL before its path: scheme and host, plus the query if there is no path. */
static inline struct text url_before_path(struct text url)
{
    return text_slice(url.at, text_find(url, '/', url_host_start(url)));
}

/* The host of HOST[:PORT], an IPv6 address with its brackets. */
static inline struct text url_host_alone(struct text host)
{
    const size_t start = host.size > 0 && host.at[0] == '[' ? text_find(host, ']', 0) : 0;
    return text_slice(host.at, text_find(host, ':', start));
}

/* Whether the host is the local machine: localhost, 127.0.0.0/8 or [::1]. */
bool url_is_loopback(const struct url *url);

/* A list of host patterns: `login.example.com`, `login.example.com:8443`, or `*.example.com` (the star is one label).
 */
struct allowed_hosts;

/* Creates an empty list; never NULL (out of memory ends the program). Free with allowed_hosts_free(); NULL is fine. */
struct allowed_hosts *allowed_hosts_new(void);
void allowed_hosts_free(struct allowed_hosts *hosts);

/* Adds a copy of a pattern. On false, *why says what is wrong with it; static. */
bool allowed_hosts_add(struct allowed_hosts *hosts, struct text pattern, const char **why)
    __attribute__((warn_unused_result));

/* Adds Stytch's own hosts: api.stytch.com, test.stytch.com, *.customers.stytch.com, *.customers.stytch.dev. */
void allowed_hosts_add_stytch(struct allowed_hosts *hosts);

/* Whether a browser may be sent to `url`: its host matches a pattern (case folded); its port is the pattern's, or 443
 * if the pattern has none; and its scheme is https, or http to a loopback host that is listed with its port. On false,
 * *why is a static phrase. */
bool allowed_hosts_check(const struct allowed_hosts *hosts, const struct url *url, const char **why)
    __attribute__((warn_unused_result));

/* Whether `url` leads to one of `hosts`: names such as sso.example.com, which match every port, or
 * sso.example.com:8443. Case is folded. */
bool url_leads_to(const struct url *url, const struct text *hosts, size_t count);

#endif
