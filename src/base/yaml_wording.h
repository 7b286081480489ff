/* Our wording for libyaml's syntax errors. For yaml.c only. */
#ifndef SSOFERRY_BASE_YAML_WORDING_H
#define SSOFERRY_BASE_YAML_WORDING_H

#include <stdbool.h>

/* Our message for libyaml's `problem` and `context`, either of which may be NULL; `problem` itself if we have none.
 * *start says to report the fault where the construct began instead of where it failed. Static, or `problem`. */
const char *yaml_wording(const char *problem, const char *context, bool *start);

/* Whether it is libyaml's general message for a character that cannot start a value. */
bool yaml_wording_is_of_character(const char *problem);

/* Whether it means that a byte does not continue a UTF-8 sequence. */
bool yaml_wording_is_of_trailing_byte(const char *problem);

#endif
