/* A request as the gateway sees it: slices of what arrived, independent of any HTTP library. */
#ifndef SSOFERRY_REQUEST_H
#define SSOFERRY_REQUEST_H

#include "ssoferry/text.h"

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_OTHER };

/* All texts are borrowed from the caller and live as long as the request. */
struct request {
    enum method method;
    struct text host;  /* the Host field as sent, with any port; may be empty */
    struct text path;  /* raw, as in the request line, up to the '?' */
    struct text query; /* raw, after the '?' */
    bool has_query;    /* there was a '?', even if nothing follows it */
    struct text content_type;
    struct text body;
};

/* Parses a method name, which is case-sensitive (RFC 9110 9.1). */
enum method method_parse(struct text name);

#endif
