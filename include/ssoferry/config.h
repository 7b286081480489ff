/* ssoferryd.yaml: read, checked as a whole, and prepared for the gateway. Both programs read it. See ssoferryd.yaml(5).
 */
#ifndef SSOFERRY_CONFIG_H
#define SSOFERRY_CONFIG_H

#include <stdio.h>

#include "ssoferry/faults.h"
#include "ssoferry/gateway.h"
#include "ssoferry/network.h"

enum { CONFIG_THREADS_MAX = 256, CONFIG_THREADS_AUTO = 0, CONFIG_ROUTES_MAX = 256 };

/* A place in the configuration file. Line and column count from 1; 0 means the value was not written there. */
struct place {
    unsigned line, column, length;
};

/* Where a listener listens. */
enum address_family { ADDRESS_IPV4, ADDRESS_IPV6, ADDRESS_UNIX };
struct address {
    enum address_family family;
    unsigned char ip[16]; /* network byte order; IPv4 in the first four */
    uint16_t port;
    const char *path; /* for a unix socket */
    const char *text; /* as written */
    struct place place;
};

/* A file that the configuration names. */
struct named_file {
    const char *path;
    struct place place;
};

/* PEM files of a certificate with its chain and of its private key. The configuration does not open them. */
struct certificate_files {
    struct named_file certificate;
    struct named_file key; /* the same file as the certificate, unless another was named */
};

/* A public listener. */
struct listener {
    struct address address;
    bool proxy_protocol;                          /* each connection begins with a PROXY header */
    const struct certificate_files *certificates; /* the first serves clients that name no host, or an unknown one */
    size_t certificate_count;                     /* 0: plain HTTP */
};

enum request_log { REQUEST_LOG_ALL, REQUEST_LOG_ERRORS, REQUEST_LOG_OFF };

struct config {
    const struct listener *listen;
    size_t listen_count;
    const struct network *trusted_proxies; /* proxies whose word about the client's address is believed */
    size_t trusted_proxy_count;
    bool trust_unix_proxies;     /* also believe peers that connect through a unix socket */
    const struct address *admin; /* NULL: no admin listener */
    const char *store;
    bool usage;       /* count who still uses the old addresses */
    unsigned threads; /* CONFIG_THREADS_AUTO: one per core */
    const char *user; /* user to switch to when started as root; NULL: do not switch */
    bool sandbox;     /* give up what serving does not need */
    const char *health_path;
    struct {
        uint64_t connections;     /* open at one time, all threads together */
        uint64_t head;            /* bytes: request line and header fields */
        uint64_t uri;             /* bytes: path and query */
        uint64_t body;            /* bytes */
        uint64_t memory;          /* bytes that requests under way, beyond 16 KiB each, and answers hold together */
        uint64_t request_time_ms; /* time for a whole request to arrive */
        uint64_t idle_time_ms;    /* time a connection may wait for its next request */
    } limits;
    struct {
        uint64_t delay_ms;   /* after SIGTERM: keep serving, but report not ready */
        uint64_t timeout_ms; /* after that delay: time for requests to finish */
    } drain;
    enum request_log request_log;
    struct text onward_sources;    /* where browsers are sent next: CSP sources, separated by spaces */
    struct connection_rules rules; /* what rows may contain */
    struct gateway_settings gateway;
};

/* Reads and checks a configuration. Problems in the file are added to `faults`, which need only outlive the call. False
 * if the file cannot be read or has errors; *config is then NULL, and error->kind is ERROR_INPUT if the file has
 * errors, does not exist, or may not be opened. Free *config with config_free(). */
bool config_read(struct config **config, const char *path, struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));

/* What the routes of one source have in common. */
struct source_routes {
    size_t count;          /* number of routes; 0: nothing looks this source up */
    size_t observing;      /* so many of them observe, whether or not they have a legacy URL */
    bool legacy_url;       /* at least one has a legacy URL */
    bool no_legacy_url;    /* at least one has none */
    bool all_fold_case;    /* all fold case */
    bool legacy_always;    /* at least one may send rows of any state to the legacy side: by RelayState or observing */
    bool rehearsed;        /* all observe, so they send everybody to the legacy side whatever the row's state */
    bool in_url;           /* at least one finds identifiers in the URL, which it decodes */
    bool in_segment;       /* all find identifiers where no slash can be (template_is_segment()) */
    bool by_issuer;        /* all find identifiers in the Issuer */
    struct text parameter; /* the query parameter that holds one route's identifier; empty: none */
};

/* Summarizes the routes that look identifiers up in `source`. `parameter` lives as long as the configuration. */
struct source_routes config_source_routes(const struct config *config, struct text source);

/* Whether the configuration says to rehearse (`observe: true`), but not all of these routes of a source do, since they
 * have no legacy URL: then a row in state `stytch` without a legacy URL of its own is cut over all the same. */
bool config_cuts_over(const struct config *config, const struct source_routes *routes);

/* Whether this is a health check of the daemon: GET or HEAD of `health_path`. No route sees it. */
bool config_is_health(const struct config *config, const struct request *request);

/* Calls `on_difference` for each key to which `after` gives another value than the one in force, in the file's order.
 * The value in force is that of `started`, which the daemon was started with, if only a restart changes the key or its
 * listener waits for one (`needs_restart`); otherwise that of `before`, which it loaded last. A key that is left out
 * has its default as its value, or "" if it has none or its item does not exist. A list's items are joined by ", ". The
 * texts are borrowed from the configurations. */
void config_differences(const struct config *started, const struct config *before, const struct config *after,
                        void (*on_difference)(void *context, struct text name, struct text before, struct text after,
                                              bool needs_restart),
                        void *context);

/* Returns a configuration of defaults, without a store or routes, for a loader that was given only a store's path.
 * Never NULL; free it with config_free(). */
struct config *config_defaults(void);

/* Frees the configuration and everything that was borrowed from it. NULL is fine. */
void config_free(struct config *config);

/* Writes the table of keys, one tab-separated line per key: name, type, default, help, and what a running daemon needs
 * to take a new value, "reload" or "restart". */
void config_write_keys(FILE *out);

/* Parses "127.0.0.1:8080", "[::1]:8080", "localhost:8080" or "unix:/path". `text` is NUL-terminated, and *address
 * borrows it. Returns NULL if it is valid, otherwise a static phrase that fits after "address ". */
const char *address_parse(const char *text, struct address *address);

/* Whether only this machine can reach the address: 127.0.0.0/8, ::1 or a unix socket. */
bool address_is_local(const struct address *address);

#endif
