/* One head read by our parser and by libh2o's own, which the dynamic linker has for us behind ours. */
#ifndef SSOFERRY_TESTS_HEAD_PAIR_H
#define SSOFERRY_TESTS_HEAD_PAIR_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

static inline bool same_fields(const struct phr_header *a, const struct phr_header *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool is_field(const struct phr_header *field, const char *name)
{
    return field->name != NULL && field->name_len == strlen(name) &&
           strncasecmp(field->name, name, field->name_len) == 0;
}

/* Whether somebody needs it; a folded line is as good as the field before it. */
static inline bool somebody_reads(const struct phr_header *field)
{
    static const char *const names[] = {"accept",          "connection",   "content-length", "content-type",
                                        "expect",          "host",         "if-none-match",  "transfer-encoding",
                                        "x-forwarded-for", "x-request-id", "upgrade"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i)
        if (is_field(field, names[i]))
            return true;
    return field->name == NULL;
}

/* Whether they have the same fields in the same order, though we may leave out those that nobody reads, and leave out
 * what old HTTP does not know. */
static inline bool same_fields_that_matter(const struct parsed_head *ours, const struct parsed_head *theirs)
{
    size_t seen = 0;
    for (size_t i = 0; i < theirs->count; ++i) {
        if (theirs->minor_version == 0 && is_field(&theirs->fields[i], "expect"))
            continue;
        if (seen < ours->count && same_fields(&ours->fields[seen], &theirs->fields[i]))
            ++seen;
        else if (somebody_reads(&theirs->fields[i]))
            return false;
    }
    return seen == ours->count;
}

static inline bool same_heads(const struct parsed_head *ours, const struct parsed_head *theirs)
{
    if (ours->size < 0 || theirs->size < 0)
        return ours->size == theirs->size;
    return ours->size == theirs->size && ours->method.at == theirs->method.at &&
           ours->method.size == theirs->method.size && ours->target.at == theirs->target.at &&
           ours->target.size == theirs->target.size && ours->minor_version == theirs->minor_version &&
           same_fields_that_matter(ours, theirs);
}

/* Whether both take or refuse the head alike, and *ours is what our parser made of it. It is read from memory of its
 * very size, so that a sanitizer sees who reads on. */
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
