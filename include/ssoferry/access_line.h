/* A line of the request log: one JSON object (RFC 8259), whose members ssoferryd(8) lists. */
#ifndef SSOFERRY_ACCESS_LINE_H
#define SSOFERRY_ACCESS_LINE_H

#include <time.h>

#include "ssoferry/access_log.h"

enum { LINE_SIZE_MAX = 8192 };

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
