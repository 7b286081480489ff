/* One head read by our parser and by libh2o's own, which the dynamic linker has for us behind ours. */
#ifndef SSOFERRY_TESTS_HEAD_PAIR_H
#define SSOFERRY_TESTS_HEAD_PAIR_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ssoferry/head_parser.h"
#include "ssoferry/text.h"

enum { HEAD_FIELDS_MAX = 100 }; /* libh2o's own */

struct parsed_head {
    int size; /* or what is wrong */
    struct text method, target;
    int minor_version;
    size_t count;
    struct phr_header fields[HEAD_FIELDS_MAX];
};

typedef int head_parser(const char *bytes, size_t size, const char **method, size_t *method_size, const char **target,
                        size_t *target_size, int *minor_version, struct phr_header *headers, size_t *num_headers,
                        size_t last_size);

/* NULL where libh2o keeps it to itself. */
static inline head_parser *head_parser_of_libh2o(void)
{
    void *symbol = dlsym(RTLD_NEXT, "phr_parse_request");
    head_parser *parser = NULL;
    memcpy(&parser, &symbol, sizeof(parser));
    return parser;
}

static inline void parse_head(head_parser *parser, struct text head, size_t room, size_t last_size,
                              struct parsed_head *parsed)
{
    memset(parsed, 0, sizeof(*parsed));
    parsed->count = room;
    parsed->size = parser(head.at, head.size, &parsed->method.at, &parsed->method.size, &parsed->target.at,
                          &parsed->target.size, &parsed->minor_version, parsed->fields, &parsed->count, last_size);
}

/* Folded lines' names and sizes of nothing are compared, too. */
static inline bool same_heads(const struct parsed_head *a, const struct parsed_head *b)
{
    if (a->size < 0 || b->size < 0)
        return a->size == b->size;
    return a->size == b->size && a->method.at == b->method.at && a->method.size == b->method.size &&
           a->target.at == b->target.at && a->target.size == b->target.size && a->minor_version == b->minor_version &&
           a->count == b->count && memcmp(a->fields, b->fields, a->count * sizeof(a->fields[0])) == 0;
}

/* Whether both take or refuse the head alike, and *ours is what ours made of it. It is read from memory of its very
 * size, so that a sanitizer sees who reads on. */
static inline bool both_read_alike(struct text head, size_t room, size_t last_size, struct parsed_head *ours)
{
    struct parsed_head theirs;
    char *copy = malloc(head.size + 1);
    if (copy == NULL)
        abort();
    char *bytes = memcpy(copy + 1, head.at, head.size);
    parse_head(phr_parse_request, text_slice(bytes, head.size), room, last_size, ours);
    parse_head(head_parser_of_libh2o(), text_slice(bytes, head.size), room, last_size, &theirs);
    bool same = same_heads(ours, &theirs);
    free(copy);
    return same;
}

#endif
