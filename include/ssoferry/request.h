/* A request as the gateway sees it: slices of what arrived, and no HTTP library. */
#ifndef SSOFERRY_REQUEST_H
#define SSOFERRY_REQUEST_H

#include "ssoferry/text.h"

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_OTHER };

/* All texts are borrowed from the caller and live as long as the request. */
struct request {
    enum method method;
    struct text host;  /* the Host field as sent, with its port if any; may be empty */
    struct text path;  /* raw, as on the request line, up to the '?' */
    struct text query; /* raw, behind the '?' */
    bool has_query;    /* there was a '?', maybe with nothing behind it */
    struct text content_type;
    struct text body;
};

/* Method names are case-sensitive (RFC 9110 9.1). */
enum method method_parse(struct text name);

#endif
