/* What the configuration's routes make of a row: whether it has somewhere to go, and whether anything asks for it. */
#ifndef SSOFERRY_CLI_AUDIT_H
#define SSOFERRY_CLI_AUDIT_H

#include "ssoferry/config.h"

enum oddity {
    ODDITY_NONE,
    ODDITY_UNREACHED,     /* no route has its source */
    ODDITY_NO_LEGACY_URL, /* it is legacy, and neither it nor a route of its source has a legacy URL */
    ODDITY_ENCODED,       /* it looks percent-encoded, and a route of its source decodes what it looks up */
    ODDITY_CAPITALS,      /* it has capitals, and every route of its source folds case */
    ODDITIES,
};

struct audit {
    const struct config *config;
    char source[SOURCE_SIZE_MAX + 1]; /* of the last row, and what there is to know of it */
    struct source_routes routes;
};

/* What the routes of a source, whose name is no longer than SOURCE_SIZE_MAX, have between them; good until the next
 * call. */
const struct source_routes *audit_routes(struct audit *audit, struct text source);

/* The worst that can be said of a row, in the order above. Rows of one source are best asked for one after the other.
 * With a configuration that has no routes nothing but ODDITY_ENCODED is said: any route may decode. */
enum oddity audit_row(struct audit *audit, struct text source, struct text identifier, const struct connection *row);

/* "no_legacy_url"; static. */
const char *oddity_code(enum oddity oddity);

/* A sentence about the row; ODDITY_UNREACHED speaks of the source alone. `out` holds ODDITY_TEXT_SIZE bytes;
 * returned. */
enum { ODDITY_TEXT_SIZE = 1024 };
const char *oddity_text(enum oddity oddity, struct text source, struct text identifier, char *out);

#endif
