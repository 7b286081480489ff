/* Absolute http and https URLs, and the list of hosts a Location may name. The one rule of safety lives here: whatever
 * a table row or a configuration says, allowed_hosts_check() decides whether a browser may be sent there. */
#ifndef SSOFERRY_URL_H
#define SSOFERRY_URL_H

#include "ssoferry/error.h"
#include "ssoferry/text.h"

enum { URL_SIZE_MAX = 2048, HOST_SIZE_MAX = 253 };

/* Slices of the text it was parsed from. */
struct url {
    bool https;
    struct text host;      /* without port and brackets; as written */
    struct text authority; /* host and port as written */
    uint16_t port;         /* the scheme's own where none is written */
    struct text path;      /* starts with '/', or empty */
    struct text query;     /* without '?' */
    bool has_query;
};

/* Parses an absolute URL fit for a Location: scheme http or https, no user information, no fragment, only the
 * characters of RFC 3986 (so no space, control byte, backslash or quote), at most URL_SIZE_MAX bytes, a host of
 * letters, digits, '-', '_', '.', or an IP address. On false *why is a phrase such as "it has a fragment"; static. */
bool url_parse(struct text source, struct url *url, const char **why) __attribute__((warn_unused_result));

/* Of a URL that need not be good throughout: where its host begins, which is at its end or behind it where there is
 * none. */
static inline size_t url_host_start(struct text url)
{
    return text_find(url, '/', 0) + 2;
}

/* Of such a one: what stands before its path. That is scheme and host, and where it has no path the query, too. */
static inline struct text url_before_path(struct text url)
{
    return text_slice(url.at, text_find(url, '/', url_host_start(url)));
}

/* Whether the host is the local machine: localhost, 127.0.0.0/8 or [::1]. */
bool url_is_loopback(const struct url *url);

/* A list of host patterns: `login.example.com`, `login.example.com:8443`, `*.example.com` (exactly one label for the
 * star). */
struct allowed_hosts;

/* An empty list; never NULL (it ends the program when memory is out). Free with allowed_hosts_free(); NULL is fine. */
struct allowed_hosts *allowed_hosts_new(void);
void allowed_hosts_free(struct allowed_hosts *hosts);

/* Adds a pattern, copied. On false *why says what is wrong with it; static. */
bool allowed_hosts_add(struct allowed_hosts *hosts, struct text pattern, const char **why)
    __attribute__((warn_unused_result));

/* Adds Stytch's own hosts: api.stytch.com, test.stytch.com, *.customers.stytch.com, *.customers.stytch.dev. */
void allowed_hosts_add_stytch(struct allowed_hosts *hosts);

/* Whether a browser may be sent to `url`: its host matches a pattern (case folded), its port is the one written in the
 * pattern or else 443, and its scheme is https, or http to a loopback host that the list names with its port. */
bool allowed_hosts_check(const struct allowed_hosts *hosts, const struct url *url, const char **why)
    __attribute__((warn_unused_result));

/* Whether `url` leads to one of `hosts`: names such as sso.example.com, which stand for every port, or
 * sso.example.com:8443. Case is folded. */
bool url_leads_to(const struct url *url, const struct text *hosts, size_t count);

#endif
