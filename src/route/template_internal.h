/* A compiled template. Private to template*.c. */
#ifndef SSOFERRY_ROUTE_TEMPLATE_INTERNAL_H
#define SSOFERRY_ROUTE_TEMPLATE_INTERNAL_H

#include "encoded.h"
#include "ssoferry/template.h"

/* Kinds of segments, and the fields they use. All texts are decoded and point into the template's own bytes. */

enum segment_kind {
    SEGMENT_LITERAL, /* `before` */
    SEGMENT_ANY,     /* one segment, not empty */
    SEGMENT_AFFIXED, /* `before`, anything, `after`; at least one of the two is not empty */
    SEGMENT_SPREAD,  /* one or more segments */
};

struct segment {
    enum segment_kind kind;
    enum encoded_rule rule; /* for a path; with the folded rule, the texts are in lower case */
    struct text before, after;
};

enum host_kind {
    HOST_UNSAID,
    HOST_LITERAL, /* `before` */
    HOST_LABEL, /* `before` up to and including a dot, one label, `after` from a dot on; one of the two is not empty */
    HOST_WHOLE, /* any host */
};

struct host_pattern {
    enum host_kind kind;
    struct text before, after; /* in lower case */
};

enum value_kind {
    VALUE_ANY,     /* with or without a value, even an empty one */
    VALUE_SOME,    /* not empty */
    VALUE_LITERAL, /* `value` */
};

struct parameter {
    struct text name;
    enum value_kind kind;
    struct text value;
};

struct template
{
    struct text lead;     /* the start of the plainest matching paths: see look_at_lead() */
    size_t lead_segments; /* number of leading segments that it stands for */
    struct text source;
    enum template_place place;
    bool floating; /* starts with `**`, which is not among the segments */
    bool spread;   /* the identifier's segment is SEGMENT_SPREAD */
    bool folded;   /* all segments are compared with the folded rule, and the lead is in lower case */
    size_t segment_count;
    size_t identifier_segment; /* segment_count if it is elsewhere */
    size_t parameter_count;
    size_t identifier_parameter; /* parameter_count if it is elsewhere */
    struct host_pattern host;
    struct segment segments[TEMPLATE_SEGMENTS_MAX];
    struct parameter parameters[TEMPLATE_PARAMETERS_MAX];
    char bytes[]; /* the source, then the literals */
};

/* Whether a host, without port and final dot, matches the pattern. *label gets the text of the variable part. */
bool host_pattern_matches(const struct host_pattern *pattern, struct text host, struct text *label);

#endif
