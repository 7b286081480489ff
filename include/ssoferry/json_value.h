/* JSON values (RFC 8259) for jansson, made from our own types. The caller owns each, and releases it with json_decref()
 * or by handing it to the value it becomes a member of. */
#ifndef SSOFERRY_JSON_VALUE_H
#define SSOFERRY_JSON_VALUE_H

#include <jansson.h>

#include "ssoferry/text.h"

/* A string. If `t` is not UTF-8, each byte that is not printable ASCII is written as \xNN. */
json_t *json_text(struct text t);

/* Like json_text(), but null for an empty text. */
json_t *json_text_or_null(struct text t);

/* A number. */
json_t *json_number(uint64_t number);

/* A time formatted by time_text(); null for 0, which means never. `time` is microseconds UTC. */
json_t *json_time(int64_t time);

#endif
