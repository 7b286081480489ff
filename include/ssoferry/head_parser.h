/* A request's head, cut into its parts for libh2o: what somebody reads of it, and three times as fast.
 *
 * libh2o 2.2.5 has picohttpparser within it, whose names (phr_) are public, and Debian builds it for every x86-64: a
 * byte at a time. The dynamic linker gives libh2o the program's own function of that name where there is one (ELF's
 * order of lookup), and this is it: linked into ssoferryd, not into the library serve. It takes and refuses exactly
 * what picohttpparser does: tests compare the two. But of the fields it hands on only those that somebody reads (the
 * list is in head_parser.c; who reads one more has to add it there). For libh2o puts each into lower case, looks its
 * name up and copies it twice, a third of what a request costs outside the kernel, and most of a browser's fields are
 * none of ours.
 *
 * Where a build of libh2o keeps its names to itself, its own parser goes on, and nothing else changes. What is more
 * than a parser's to refuse is for framing.h. */
#ifndef SSOFERRY_HEAD_PARSER_H
#define SSOFERRY_HEAD_PARSER_H

#include <stddef.h>

/* A header field's line. A folded line (RFC 9112 5.2) has no name: NULL, 0. Points into the head. */
struct phr_header {
    const char *name;
    size_t name_len;
    const char *value; /* without blanks before it, and with those behind it */
    size_t value_len;
};

enum { HEAD_PARSER_BAD = -1, HEAD_PARSER_PARTIAL = -2 };

/* Parses the request line and the fields behind it (RFC 9112 2.1) at the start of `bytes`, which may go on behind the
 * head. An empty line before it is passed over, a bare line feed taken as a line's end (2.2). *num_headers is how many
 * fields there may be, and gets how many of them are in `headers`; *minor_version gets the digit behind "HTTP/1.". With
 * `last_size`, the bytes that were there when the head was not whole yet, only what came since is looked at until it is
 * whole.
 *
 * Returns the head's size in bytes, its empty last line included; HEAD_PARSER_BAD where it is none, or has more fields
 * than there may be; HEAD_PARSER_PARTIAL where its end is not there yet. What was written by then is of no use in the
 * latter two. */
int phr_parse_request(const char *bytes, size_t size, const char **method, size_t *method_size, const char **target,
                      size_t *target_size, int *minor_version, struct phr_header *headers, size_t *num_headers,
                      size_t last_size);

#endif
