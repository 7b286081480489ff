/* What libyaml says of a syntax error, and what people are told. For yaml.c only. */
#ifndef SSOFERRY_BASE_YAML_WORDING_H
#define SSOFERRY_BASE_YAML_WORDING_H

#include <stdbool.h>

/* Our message for libyaml's words, of which either may be NULL; libyaml's own where there is none. *start: the fault is
 * shown where the thing began, not where it failed. Static, or `problem`. */
const char *yaml_wording(const char *problem, const char *context, bool *start);

/* libyaml has one word for every character that starts no value. */
bool yaml_wording_is_of_character(const char *problem);

/* Whether a byte was not the one that a UTF-8 sequence goes on with. */
bool yaml_wording_is_of_trailing_byte(const char *problem);

#endif
