/* A connection id taken apart, once for everything that a load needs of it. For this folder only. */
#ifndef SSOFERRY_TABLE_CONNECTION_ID_H
#define SSOFERRY_TABLE_CONNECTION_ID_H

#include "ssoferry/connection.h"

enum { SHORT_ID_PREFIXES = 6, UUID_SIZE = 16, UUID_TEXT_SIZE = 36 };

/* An id made of a known prefix and a whole UUID. */
struct short_id {
    unsigned prefix; /* 2 * kind + test: kind is 0 saml, 1 oidc, 2 external; test is 0 live, 1 test */
    unsigned char uuid[UUID_SIZE];
};

/* False if `id` has another form. An id for which this is true has no connection_id_problem(). */
bool short_id_parse(struct text id, struct short_id *parsed);

static inline bool short_id_is_test(const struct short_id *id)
{
    return id->prefix % 2 == 1;
}

/* Writes the id to `at`, which has room for CONNECTION_ID_SIZE_MAX bytes; returns the end. */
char *short_id_write(const struct short_id *id, char *at);

/* Encodes the record of a connection that has nothing but its id. `out` and result as for connection_encode(). */
size_t short_id_encode(const struct short_id *id, char *out);

#endif
