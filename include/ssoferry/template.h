/* URL templates: where in a URL the old identifier stands.
 *
 *     [http[s]://HOST]/PATH[?QUERY]
 *
 * HOST: a name, in any case; one label or the whole host may be `{identifier}` or `*`, as in
 * `{identifier}.sso.example.com`. Without a host, any host matches. Ports, in the template or the request, are ignored.
 *
 * PATH: segments. `*` is any one segment. `{identifier}` is one segment, optionally with text around it, as in
 * `acs-{identifier}.do`; `{identifier...}` is one or more whole segments, slashes included. `**`, as the first segment
 * only, is any number of segments, including none.
 *
 * QUERY: parameters that must be present, in any order and among others: `name={identifier}`, `name=*` (not empty),
 * `name=value`, or a bare `name` (with or without a value). If a request has several of one name, the first counts.
 *
 * `{identifier}` occurs at most once. Segments are cut on the raw path and then decoded exactly once, so `%2F` is data
 * and `..` has no meaning. Repeated and trailing slashes are forgiven. Literals are compared decoded, and
 * case-sensitively unless template_fold_path() was called. A literal '*', '{', '}' or '%' must be percent-encoded in
 * the template.
 *
 * An identifier that is a whole segment may be empty, so that a damaged address gets an error that says so:
 * `/saml/{identifier}/acs` matches `/saml//acs`, and `/saml/{identifier}` matches `/saml/` but not `/saml`. A route
 * takes such a request only if no later route without an identifier in its path does, since that one may see just its
 * own bare address with a slash too many. */
#ifndef SSOFERRY_TEMPLATE_H
#define SSOFERRY_TEMPLATE_H

#include "ssoferry/form.h"
#include "ssoferry/request.h"

struct template;

enum { TEMPLATE_SIZE_MAX = 1024, TEMPLATE_SEGMENTS_MAX = 32, TEMPLATE_PARAMETERS_MAX = 16 };

/* Compiles a template; the source is copied. Free it with template_free(). On false, `why` (256 bytes) says what is
 * wrong, and *at, which may be NULL, is the byte offset of the problem. */
bool template_parse(struct template **template, struct text source, char *why, size_t *at)
    __attribute__((warn_unused_result));
void template_free(struct template *template); /* NULL is fine */

/* Makes the path's literals match regardless of ASCII case, as in IIS. Host, query and identifier are unaffected. */
void template_fold_path(struct template *template);
bool template_folds_path(const struct template *template);

/* The template as written. Lives as long as the template. */
struct text template_source(const struct template *template);

/* Whether it contains {identifier}. */
bool template_has_identifier(const struct template *template);

/* The only host it matches, lower-case and without port; empty if it matches several. Lives as long as the template. */
struct text template_host(const struct template *template);

/* Whether its paths may begin with any segment: `**`, `*` or a whole {identifier} comes first. */
bool template_begins_anyhow(const struct template *template);

/* Where a template has its identifier. */
enum template_place { TEMPLATE_NOWHERE, TEMPLATE_IN_PATH, TEMPLATE_IN_QUERY, TEMPLATE_IN_HOST };

/* Whether the identifier is within one segment of the path, where a slash is %2F, or in the host, which has none. */
bool template_is_segment(const struct template *template);

/* Whether the identifier is {identifier...}: whole segments, with the slashes between them. */
bool template_is_spread(const struct template *template);

/* The query parameter that holds the identifier; empty if it is elsewhere. Lives as long as the template. */
struct text template_parameter(const struct template *template);

enum template_result {
    TEMPLATE_MATCHES,
    TEMPLATE_HOST_DIFFERS,
    TEMPLATE_PATH_DIFFERS,
    TEMPLATE_QUERY_LACKS, /* a required parameter is missing or has another value */
    TEMPLATE_QUERY_TWICE, /* matches, but the identifier's parameter occurs twice */
};

/* The identifier of a match, raw. How to decode it depends on its place: in a path '+' is a plus, in a query a space;
 * in a host it is folded, not decoded. An {identifier...} may contain repeated slashes. */
struct template_capture {
    enum template_place place;
    struct text raw;            /* slice of the request; may be empty */
    bool empty_segment;         /* `raw` is empty, and is a whole segment of the path */
    struct form_pair parameter; /* TEMPLATE_IN_QUERY: for form_without() */
};

/* Matches a request without allocating. If host and path both differ, either may be reported. The capture is set on
 * TEMPLATE_MATCHES and on TEMPLATE_QUERY_TWICE (to the first of the two). */
enum template_result template_match(const struct template *template, const struct request *request,
                                    struct template_capture *capture);

/* How the sets of URLs that two templates match relate. */
enum template_relation {
    TEMPLATE_DISJOINT, /* no URL matches both */
    TEMPLATE_WITHIN,   /* all of the first's also match the second, but not the reverse */
    TEMPLATE_COVERS,   /* all of the second's also match the first: equal or more */
    TEMPLATE_OVERLAPS, /* some match both, but each has others */
};

/* Exact for URLs with a host and without repeated or trailing slashes. An empty identifier in a path is no match here.
 */
enum template_relation template_relation(const struct template *first, const struct template *second);

/* Fills in a legacy URL: replaces `{identifier}` by the identifier, with all but RFC 3986's unreserved characters
 * percent-encoded, or a final `{path}` by the unchanged path. The result comes from `memory`, or is `pattern` if there
 * is nothing to replace. */
struct text template_expand(struct text pattern, struct text identifier, struct text path, struct memory memory);

/* Whether a legacy URL ends in `{path}`. It then has no `{identifier}`; the configuration ensures that. */
bool template_keeps_path(struct text pattern);

#endif
