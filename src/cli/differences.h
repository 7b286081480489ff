/* Differences between two states of a row, as shown by diff, rollback and history. */
#ifndef SSOFERRY_CLI_DIFFERENCES_H
#define SSOFERRY_CLI_DIFFERENCES_H

#include <jansson.h>

#include "ssoferry/table.h"

struct difference_style {
    bool json;
    bool coloured;
};

/* One difference as an object with `change`, `source`, `identifier`, `before` and `after`. The caller owns the
 * reference. */
json_t *difference_json(const struct difference *difference);

/* Prints one difference to standard output; nothing for DIFFERENCE_NONE:
 *     + acme -> saml-connection-live-...
 *     ~ globex redirect: 307 -> 303
 *     - initech
 * or as difference_json(). */
void difference_print(const struct difference *difference, const struct difference_style *style);

#endif
