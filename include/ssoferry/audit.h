/* What the configuration's routes make of a row: whether it has somewhere to go, and whether anything asks for it. */
#ifndef SSOFERRY_AUDIT_H
#define SSOFERRY_AUDIT_H

#include "ssoferry/config.h"
#include "ssoferry/organizations.h"

enum oddity {
    ODDITY_NONE,
    ODDITY_UNREACHED,     /* no route has its source */
    ODDITY_NO_LEGACY_URL, /* it is legacy, and neither it nor a route of its source has a legacy URL */
    ODDITY_ADDRESS,       /* it is an address that a route of its source takes, or the query of one */
    ODDITY_SLASH,         /* it has a slash, and every route of its source looks where there is none */
    ODDITY_NO_ENTITY,     /* every route of its source goes by Issuer, and it is neither URL nor URN */
    ODDITY_ENCODED,       /* it looks percent-encoded, and a route of its source decodes what it looks up */
    ODDITY_CAPITALS,      /* it has capitals, and every route of its source folds case */
    ODDITY_ORGANIZATION,  /* its connection was seen with another organization before */
    ODDITIES,
};

struct audit {
    const struct config *config;
    struct organizations *organizations; /* of the rows so far; NULL: nobody asks */
    char source[SOURCE_SIZE_MAX + 1];    /* of the last row, and what there is to know of it */
    struct source_routes routes;
};

/* The worst that can be said of a row, in the order above. Rows of one source are best asked for one after the other.
 * With a configuration that has no routes nothing but ODDITY_ENCODED and ODDITY_ORGANIZATION is said: any route may
 * decode. */
enum oddity audit_row(struct audit *audit, struct text source, struct text identifier, const struct connection *row);

/* Whether a row's fields are good as far as this configuration uses them: a URL that nothing leads to is no error, for
 * nobody's sign-in fails by it. */
bool audit_fields(struct audit *audit, struct text source, const struct connection *row,
                  struct connection_problem *problem) __attribute__((warn_unused_result));

/* Why nobody signs in by a row, whoever asks for it. */
enum unusable {
    UNUSABLE_NOT,
    UNUSABLE_UNREACHED,     /* nothing looks it up: no route has its source, or its name is no identifier */
    UNUSABLE_NO_LEGACY_URL, /* ODDITY_NO_LEGACY_URL */
    UNUSABLE_URL,           /* the configuration does not allow its acs_url or legacy_url */
    UNUSABLE_RECORD,        /* it is damaged, or lacks what its state needs */
    UNUSABLES,
};

/* The first of these that holds of a row as it stands in the table. */
enum unusable audit_record(struct audit *audit, struct text source, struct text identifier, struct text record);

/* "no_legacy_url"; static. */
const char *unusable_code(enum unusable unusable);

/* The same of an oddity. */
const char *oddity_code(enum oddity oddity);

enum { ODDITY_TEXT_SIZE = 1024 };

/* A sentence about the row; ODDITY_UNREACHED speaks of the source alone. `out` holds ODDITY_TEXT_SIZE bytes, and is
 * what is returned. */
const char *oddity_text(enum oddity oddity, struct text source, struct text identifier, char *out);

#endif
