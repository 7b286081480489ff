/* Rows, counts of rows, and revisions as JSON. json_value.h says who owns the values. */
#ifndef SSOFERRY_CONNECTION_JSON_H
#define SSOFERRY_CONNECTION_JSON_H

#include "ssoferry/json_value.h"
#include "ssoferry/revision.h"
#include "ssoferry/table.h"

/* A row's members in the order of the file format; a field that is unset is null. */
json_t *json_row(struct text source, struct text identifier, const struct connection *row);

/* A row's fields only, as json_row() has them; null if `row` is NULL. */
json_t *json_fields(const struct connection *row);

/* The number of rows in each state: {"stytch": 3, ...}. */
json_t *json_states(const uint64_t counts[CONNECTION_STATES]);

/* The result of a command that writes: the table's revision, how many rows were added, changed and removed, and how
 * many there are now. */
json_t *json_change(uint64_t revision, struct change_counts counts, uint64_t rows);

/* A revision's note, without the files. Its time is the member `time_name`. */
json_t *json_revision(const struct revision *revision, const char *time_name);

#endif
