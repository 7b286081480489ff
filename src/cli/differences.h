/* Differences between two states of a row, as diff, rollback and history show them. */
#ifndef SSOFERRY_CLI_DIFFERENCES_H
#define SSOFERRY_CLI_DIFFERENCES_H

#include "ssoferry/table.h"

struct difference_style {
    bool json;
    bool coloured;
};

/* Prints one difference to standard output; nothing for DIFFERENCE_NONE:
 *     + acme -> saml-connection-live-...
 *     ~ globex redirect: 307 -> 303
 *     - initech
 * or as a JSON object with `change`, `source`, `identifier`, `before` and `after`. */
void difference_print(const struct difference *difference, const struct difference_style *style);

#endif
