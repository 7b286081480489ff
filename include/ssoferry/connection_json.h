/* Rows, and how many there are of them, as JSON. */
#ifndef SSOFERRY_CONNECTION_JSON_H
#define SSOFERRY_CONNECTION_JSON_H

#include "ssoferry/json_value.h"
#include "ssoferry/table.h"

/* The members of a row in the order of the file format; null where a field is unset. */
json_t *json_row(struct text source, struct text identifier, const struct connection *row);

/* A row's fields alone; null where `row` is NULL. */
json_t *json_fields(const struct connection *row);

/* How many rows are in each state: {"stytch": 3, ...}. */
json_t *json_states(const uint64_t counts[CONNECTION_STATES]);

/* What a command that writes has come to: the table's revision, what became of rows, and how many there are now. */
json_t *json_change(uint64_t revision, struct change_counts counts, uint64_t rows);

#endif
