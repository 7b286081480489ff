/* A line of the request log: one JSON object (RFC 8259), whose members ssoferryd(8) lists. */
#ifndef SSOFERRY_ACCESS_LINE_H
#define SSOFERRY_ACCESS_LINE_H

#include <time.h>

#include "ssoferry/decision.h"

enum { LINE_SIZE_MAX = 16384 };

/* What a line says. Texts are borrowed for the call. The request id, the peer and the client, as the decision's codes,
 * source and connection id, were checked or made by us: nothing in them needs escaping, and nothing is escaped. */
struct access_record {
    struct text request_id;
    struct text method; /* cut at 32 bytes; this and the next: empty where the head could not be read */
    struct text path;   /* printed only where no route took the request, and cut at 256 bytes; never with the query */
    struct text peer;
    struct text client; /* whom a trusted proxy names; empty where none does */
    const struct decision *decision;
    size_t body_size;     /* bytes */
    uint64_t duration_us; /* since the request's first byte arrived */
    int64_t now;          /* microseconds UTC */
};

/* A line being put together. Every piece is bounded, and LINE_SIZE_MAX covers their sum. */
struct access_line {
    size_t size;
    char bytes[LINE_SIZE_MAX];
};

/* The second that was formatted last: most lines are of the same. `second` is -1 at first. */
struct access_stamp {
    time_t second;
    size_t size;
    char text[24];
};

/* Makes the line of a record, its newline included. */
void access_line_format(struct access_line *line, struct access_stamp *stamp, const struct access_record *record);

#endif
