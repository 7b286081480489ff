/* What a record that is decoded is held against. */
#ifndef SSOFERRY_TESTS_SAME_CONNECTION_H
#define SSOFERRY_TESTS_SAME_CONNECTION_H

#include "ssoferry/connection.h"

/* Whether all fields are equal, byte for byte. */
static inline bool same_connection(const struct connection *a, const struct connection *b)
{
    return a->state == b->state && a->redirect == b->redirect && text_equal(a->connection_id, b->connection_id) &&
           text_equal(a->acs_url, b->acs_url) && text_equal(a->legacy_url, b->legacy_url) &&
           text_equal(a->organization_id, b->organization_id) && text_equal(a->label, b->label);
}

#endif
