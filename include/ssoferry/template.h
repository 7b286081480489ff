/* URL templates: where in a URL the old identifier stands.
 *
 *     [http[s]://HOST]/PATH[?QUERY]
 *
 * HOST: a name, in any case; one label or the whole host may be `{identifier}` or `*`, as in
 * `{identifier}.sso.example.com`. Without it any host matches. A port in the template or the request does not count.
 *
 * PATH: segments. `*` is any one segment. `{identifier}` is one segment, maybe with text around it, as in
 * `acs-{identifier}.do`; `{identifier...}` is one or more whole segments, slashes included. `**`, as the first segment
 * only, is any number of segments, none included.
 *
 * QUERY: parameters that must be there, in any order among others: `name={identifier}`, `name=*` (not empty),
 * `name=value`, or a bare `name` (with or without a value). Of equally named ones in a request the first counts.
 *
 * `{identifier}` stands at most once. Segments are cut on the raw path, then decoded exactly once, so that `%2F` is
 * data and `..` has no meaning; repeated slashes and trailing ones are forgiven; literals are compared decoded, case
 * kept unless template_fold_path() was called. A '*', '{', '}' or '%' that is meant literally is percent-encoded in the
 * template.
 *
 * An identifier that is a whole segment may be empty, so that a damaged address is met with a word about that:
 * `/saml/{identifier}/acs` matches `/saml//acs`, and `/saml/{identifier}` matches `/saml/` but not `/saml`. A route
 * takes such a request only where no later one without an identifier in its path does, to which it may be the bare
 * address with a slash too many. */
#ifndef SSOFERRY_TEMPLATE_H
#define SSOFERRY_TEMPLATE_H

#include "ssoferry/form.h"
#include "ssoferry/request.h"

struct template;

enum { TEMPLATE_SIZE_MAX = 1024, TEMPLATE_SEGMENTS_MAX = 32, TEMPLATE_PARAMETERS_MAX = 16 };

/* Compiles a template; the source is copied. On false `why` (256 bytes) says what is wrong and *at, which may be NULL,
 * is the byte offset of the trouble. */
bool template_parse(struct template **template, struct text source, char *why, size_t *at)
    __attribute__((warn_unused_result));
void template_free(struct template *template); /* NULL is fine */

/* From now on the literals of the path are compared without regard to the case of ASCII letters, as IIS does. Host,
 * query and identifier are as before. */
void template_fold_path(struct template *template);
bool template_folds_path(const struct template *template);

/* As it was written. Lives as long as the template. */
struct text template_source(const struct template *template);

/* Whether {identifier} stands in it. */
bool template_has_identifier(const struct template *template);

/* The one host that it matches, in lower case and without a port; empty where it matches more than one. */
struct text template_host(const struct template *template);

/* Whether its paths may begin with any segment: `**`, `*` or a whole {identifier} comes first. */
bool template_begins_anyhow(const struct template *template);

/* Where the identifier of a template stands. */
enum template_place { TEMPLATE_NOWHERE, TEMPLATE_IN_PATH, TEMPLATE_IN_QUERY, TEMPLATE_IN_HOST };

/* Whether that is within one segment of the path, where a slash is %2F, or the host, where there is none. */
bool template_is_segment(const struct template *template);

/* Whether it is {identifier...}: segments, with the slashes between them. */
bool template_is_spread(const struct template *template);

/* The name of the query's parameter that it is; empty where it stands elsewhere. Lives as long as the template. */
struct text template_parameter(const struct template *template);

enum template_result {
    TEMPLATE_MATCHES,
    TEMPLATE_HOST_DIFFERS,
    TEMPLATE_PATH_DIFFERS,
    TEMPLATE_QUERY_LACKS, /* a parameter that must be there is not, or has another value */
    TEMPLATE_QUERY_TWICE, /* matches, but the identifier's parameter stands twice */
};

/* A match's identifier: raw, to be decoded by its place (a path: '+' is a plus; a query: '+' is a space; a host:
 * folded, not decoded). That of an {identifier...} may hold repeated slashes. */
struct template_capture {
    enum template_place place;
    struct text raw;            /* slice of the request; may be empty */
    bool empty_segment;         /* `raw` is empty and would be a whole segment of the path */
    struct form_pair parameter; /* TEMPLATE_IN_QUERY: what form_without() takes out */
};

/* Never allocates. Where host and path differ, either may be what is said. The capture is set on TEMPLATE_MATCHES and
 * TEMPLATE_QUERY_TWICE (of the first of the two). */
enum template_result template_match(const struct template *template, const struct request *request,
                                    struct template_capture *capture);

/* How the sets of URLs that two templates match lie to each other. */
enum template_relation {
    TEMPLATE_DISJOINT, /* no URL matches both */
    TEMPLATE_WITHIN,   /* all of the first's also match the second, and not the other way round */
    TEMPLATE_COVERS,   /* all of the second's also match the first: equal or more */
    TEMPLATE_OVERLAPS, /* some match both, and each has others */
};

/* Exact for URLs with a host and without repeated or trailing slashes; an empty identifier in a path does not count as
 * a match here. */
enum template_relation template_relation(const struct template *first, const struct template *second);

/* Fills a legacy URL: `{identifier}` in `pattern` is replaced by the identifier, percent-encoded but for RFC 3986's
 * unreserved characters, and `{path}` at its end by the path as it is. The result comes from `memory`. */
struct text template_expand(struct text pattern, struct text identifier, struct text path, struct memory memory);

/* Whether `{path}` stands at the end of a legacy URL. It then has no `{identifier}`; the configuration sees to that. */
bool template_keeps_path(struct text pattern);

#endif
