/* Splits a request's head into its parts for libh2o, three times as fast as libh2o's own parser.
 *
 * libh2o 2.2.5 contains picohttpparser, whose phr_ functions it exports; Debian's build of it, for any x86-64, reads a
 * byte at a time. The dynamic linker resolves libh2o's call to a function of that name in the program if there is one
 * (ELF lookup order), so this one replaces it; it is linked into ssoferryd, not into the library serve. It accepts and
 * refuses exactly what picohttpparser does: tests compare the two. But it passes on only the header fields that
 * somebody reads; head_parser.c lists them, and code that reads another must add it there. libh2o lower-cases, looks up
 * and twice copies every field it gets, which is a third of what a request costs outside the kernel, and most of a
 * browser's fields are of no use to us. Nor does it pass on the Expect of an HTTP/1.0 request, which libh2o would heed.
 *
 * If a build of libh2o does not export these names, or calls its own in spite of them as Ubuntu's does, its own parser
 * is used: a request then costs more, and that Expect is heeded. Refusing more than a parser must is the job of
 * framing.h. */
#ifndef SSOFERRY_HEAD_PARSER_H
#define SSOFERRY_HEAD_PARSER_H

#include <stddef.h>

/* One header field. A folded line (RFC 9112 5.2) has no name: NULL, 0. Points into the head. */
struct phr_header {
    const char *name;
    size_t name_len;
    const char *value; /* leading blanks are cut off, trailing ones are not */
    size_t value_len;
};

enum { HEAD_PARSER_BAD = -1, HEAD_PARSER_PARTIAL = -2 };

/* Parses the request line and the fields after it (RFC 9112 2.1) at the start of `bytes`, which may extend beyond the
 * head. An empty line before the request line is skipped, and a bare line feed ends a line (2.2). *num_headers is the
 * number of fields allowed and returns how many are in `headers`; *minor_version is the digit after "HTTP/1.".
 * `last_size` is how many bytes there were at the last call if the head was incomplete then: until it is complete, only
 * newer bytes are looked at.
 *
 * Returns the head's size in bytes including its empty last line, HEAD_PARSER_BAD if it is invalid or has too many
 * fields, or HEAD_PARSER_PARTIAL if its end has not arrived yet. In the last two cases the outputs have no meaning. */
int phr_parse_request(const char *bytes, size_t size, const char **method, size_t *method_size, const char **target,
                      size_t *target_size, int *minor_version, struct phr_header *headers, size_t *num_headers,
                      size_t last_size);

#endif
