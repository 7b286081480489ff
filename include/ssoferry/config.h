/* ssoferryd.yaml: read, checked as a whole, and made ready for the gateway. Both programs read it; see
 * ssoferryd.yaml(5). */
#ifndef SSOFERRY_CONFIG_H
#define SSOFERRY_CONFIG_H

#include <stdio.h>

#include "ssoferry/faults.h"
#include "ssoferry/gateway.h"
#include "ssoferry/network.h"

enum { CONFIG_THREADS_MAX = 256, CONFIG_THREADS_AUTO = 0, CONFIG_ROUTES_MAX = 256 };

/* Where the configuration has it: line and column from 1, 0 where it was not written. */
struct place {
    unsigned line, column, length;
};

/* Where a listener listens. */
enum address_family { ADDRESS_IPV4, ADDRESS_IPV6, ADDRESS_UNIX };
struct address {
    enum address_family family;
    unsigned char ip[16]; /* network byte order; IPv4 in the first four */
    uint16_t port;
    const char *path; /* of a unix socket */
    const char *text; /* as written */
    struct place place;
};

/* A file that the configuration names. */
struct named_file {
    const char *path;
    struct place place;
};

/* A certificate with its chain, and its private key, in PEM. Nobody has looked into them yet. */
struct certificate_files {
    struct named_file certificate;
    struct named_file key; /* the certificate's, where no other was named */
};

/* A listener of the public side. */
struct listener {
    struct address address;
    bool proxy_protocol;                          /* each connection begins with a PROXY header */
    const struct certificate_files *certificates; /* the first is for clients that name no host, or an unknown one */
    size_t certificate_count;                     /* 0: plain HTTP */
};

enum request_log { REQUEST_LOG_ALL, REQUEST_LOG_ERRORS, REQUEST_LOG_OFF };

struct config {
    const struct listener *listen;
    size_t listen_count;
    const struct network *trusted_proxies; /* whose word about the client is believed */
    size_t trusted_proxy_count;
    bool trust_unix_proxies;     /* and that of whoever comes by a unix socket */
    const struct address *admin; /* NULL: no admin listener */
    const char *store;
    bool usage;       /* count who uses the old addresses */
    unsigned threads; /* CONFIG_THREADS_AUTO: one a core */
    const char *user; /* to become, when started as root; NULL: stay who it is */
    bool sandbox;     /* give up what serving does not need */
    const char *health_path;
    struct {
        uint64_t connections;     /* open at one time, all threads together */
        uint64_t head;            /* bytes: request line and fields */
        uint64_t uri;             /* bytes: path and query */
        uint64_t body;            /* bytes */
        uint64_t request_time_ms; /* for a whole request to arrive */
        uint64_t idle_time_ms;    /* a connection may wait for its next request */
    } limits;
    struct {
        uint64_t delay_ms;   /* after SIGTERM: still serving, not ready */
        uint64_t timeout_ms; /* for requests to end after that */
    } drain;
    enum request_log request_log;
    struct text onward_sources;    /* where Stytch sends browsers on to: CSP sources, spaces between */
    struct connection_rules rules; /* what rows may name */
    struct gateway_settings gateway;
};

/* Reads and checks a configuration. What is wrong with the file goes to `faults`, which must outlive the call only.
 * False where the file cannot be read or has errors; error->kind is ERROR_INPUT for the latter, and for a file that is
 * not there. */
bool config_read(struct config **config, const char *path, struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));

/* What routes have between them. */
struct source_routes {
    size_t count;          /* 0: nothing looks there */
    bool legacy_url;       /* one of them has one */
    bool all_fold_case;    /* none asks for capitals as they are alone */
    bool legacy_always;    /* one of them may send rows of any state to the legacy side: by RelayState, or observing */
    bool rehearsed;        /* all of them send everybody to the legacy side, whatever their state: they observe */
    bool in_url;           /* one of them finds identifiers in the URL, which it decodes */
    bool in_segment;       /* all of them find them where no slash is (template_is_segment()) */
    bool by_issuer;        /* all of them find them in the Issuer */
    struct text parameter; /* the name of the query's that is one's identifier; empty: none */
};

/* Of the routes that look identifiers up in `source`. */
struct source_routes config_source_routes(const struct config *config, struct text source);

/* Whether a request asks for the daemon's own state, at `health_path`: no route sees it. */
bool config_is_health(const struct config *config, const struct request *request);

/* Calls `on_difference` for each key that `after` sets to another value than is in force, in the file's order: that of
 * `started`, by which the daemon was started, where a reload cannot change the key, or it is of a listener that waits
 * itself (`needs_restart`), else that of `before`, which it has taken last. Where a key is left out, its value is its
 * default, "" for none and in an item that is not there. A list's items are joined by ", ". */
void config_differences(const struct config *started, const struct config *before, const struct config *after,
                        void (*on_difference)(void *context, struct text name, struct text before, struct text after,
                                              bool needs_restart),
                        void *context);

/* A configuration without a file: the defaults, for a loader that was given only a store. It has no routes and no
 * store. */
struct config *config_defaults(void);

/* Frees it, and all that it lends out. NULL is fine. */
void config_free(struct config *config);

/* Writes the table of keys, a line each: name, type, default, help, and what makes a running daemon take another value,
 * "reload" or "restart"; tabs between. */
void config_write_keys(FILE *out);

/* Reads "127.0.0.1:8080", "[::1]:8080", "localhost:8080" or "unix:/path" into *address, which borrows `text`,
 * NUL-terminated. NULL where it is good, else a phrase that fits behind "address "; static. */
const char *address_parse(const char *text, struct address *address);

/* Whether only this machine reaches it: 127.0.0.0/8, ::1 or a unix socket. */
bool address_is_local(const struct address *address);

#endif
