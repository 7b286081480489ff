#include "yaml_wording.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *problem;
    const char *context; /* NULL: any */
    bool start;          /* report it where the construct began */
    const char *message;
} wordings[] = {
    {"found character that cannot start any token", NULL, false,
     "a value cannot start with this character: put the value in quotes"},
    {"could not find expected ':'", NULL, true, "this is not a key: a ':' and a space must follow it on the same line"},
    {"mapping values are not allowed in this context", NULL, false,
     "a ': ' cannot be here: check the indentation, or put the value in quotes"},
    {"mapping keys are not allowed in this context", NULL, false, "a key cannot be here: check the indentation"},
    {"block sequence entries are not allowed in this context", NULL, false,
     "a '- ' cannot be here: check the indentation"},
    {"did not find expected key", "while parsing a block mapping", false,
     "a key was expected here, indented like the keys before it"},
    {"did not find expected key", "while parsing a flow mapping", false, "a key is missing here"},
    {"did not find expected '-' indicator", NULL, false, "a '- ' is missing here, or the indentation is wrong"},
    {"did not find expected ',' or ']'", NULL, false, "a ',' or ']' is missing here"},
    {"did not find expected ',' or '}'", NULL, false, "a ',' or '}' is missing here"},
    {"did not find expected node content", NULL, false, "a value is missing here"},
    {"did not find expected <document start>", NULL, false,
     "the file is one mapping, and this is not part of it: check the indentation"},
    {"found unexpected end of stream", NULL, true, "the quotes that open here are never closed"},
    {"found unexpected document indicator", NULL, true,
     "the quotes that open here are not closed before the next '---' or '...'"},
    {"found unknown escape character", NULL, false,
     "there is no such escape: write '\\\\' for a backslash, or use single quotes"},
    {"did not find expected hexdecimal number", NULL, false,
     "this escape needs hexadecimal digits: 2 after \\x, 4 after \\u, 8 after \\U"},
    {"found invalid Unicode character escape code", NULL, false, "this escape stands for no character"},
    {"found a tab character that violates indentation", NULL, false, "a tab cannot indent: use spaces"},
    {"found a tab character where an indentation space is expected", NULL, false, "a tab cannot indent: use spaces"},
    {"found undefined tag handle", NULL, false, "tags are not supported: leave it out"},
    {"found incompatible YAML document", NULL, false, "YAML 1.1 and 1.2 are read, no other version"},
    {"invalid leading UTF-8 octet", NULL, false, "this is not UTF-8: save the file as UTF-8"},
    {"incomplete UTF-8 octet sequence", NULL, false, "this is not UTF-8: save the file as UTF-8"},
    {"invalid trailing UTF-8 octet", NULL, false, "this is not UTF-8: save the file as UTF-8"},
    {"invalid length of a UTF-8 sequence", NULL, false, "this is not UTF-8: save the file as UTF-8"},
    {"invalid Unicode character", NULL, false, "this is not UTF-8: save the file as UTF-8"},
    {"control characters are not allowed", NULL, false,
     "a control character is not allowed here: write it as an escape in double quotes"},
};

const char *yaml_wording(const char *problem, const char *context, bool *start)
{
    for (size_t i = 0; i < sizeof wordings / sizeof wordings[0]; i++) {
        if (problem != NULL && strcmp(problem, wordings[i].problem) == 0 &&
            (wordings[i].context == NULL || (context != NULL && strcmp(context, wordings[i].context) == 0))) {
            *start = wordings[i].start && context != NULL;
            return wordings[i].message;
        }
    }
    return problem != NULL ? problem : "this is not YAML";
}

bool yaml_wording_is_of_character(const char *problem)
{
    return problem != NULL && strcmp(problem, wordings[0].problem) == 0;
}

bool yaml_wording_is_of_trailing_byte(const char *problem)
{
    return strcmp(problem, "invalid trailing UTF-8 octet") == 0;
}
