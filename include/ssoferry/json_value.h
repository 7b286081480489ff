/* Values of JSON (RFC 8259) as jansson has them, made of ours. Whoever gets one gives it up with json_decref(), or to
 * what it becomes a member of. */
#ifndef SSOFERRY_JSON_VALUE_H
#define SSOFERRY_JSON_VALUE_H

#include <jansson.h>

#include "ssoferry/text.h"

/* A string. What is not UTF-8 comes out with \xNN for each byte that is not printable ASCII. */
json_t *json_text(struct text t);

/* As json_text(), but null where empty. */
json_t *json_text_or_null(struct text t);

/* A count. */
json_t *json_number(uint64_t number);

/* As time_text() has it; null for 0, which is never. `time` is microseconds UTC. */
json_t *json_time(int64_t time);

#endif
