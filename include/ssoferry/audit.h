/* Checks a row against the configuration's routes: does it have somewhere to go, and does any route look it up? */
#ifndef SSOFERRY_AUDIT_H
#define SSOFERRY_AUDIT_H

#include "ssoferry/config.h"
#include "ssoferry/owners.h"

enum oddity {
    ODDITY_NONE,
    ODDITY_UNREACHED,     /* no route has this source */
    ODDITY_NO_LEGACY_URL, /* the row is legacy, and neither it nor a route of its source has a legacy URL */
    ODDITY_SOME_ROUTES,   /* the same, but only some of the routes of its source have none */
    ODDITY_ADDRESS,       /* the identifier is an address that a route of its source takes, or the query of one */
    ODDITY_SLASH,         /* the identifier has a slash, but no route of its source can find one that does */
    ODDITY_NO_ENTITY,     /* every route of its source goes by Issuer, but the identifier is neither a URL nor a URN */
    ODDITY_ENCODED,       /* the identifier looks percent-encoded, but a route of its source decodes what it looks up */
    ODDITY_CAPITALS,      /* the identifier has capitals, but every route of its source folds case */
    ODDITY_ORGANIZATION,  /* an earlier row has the same connection with another organization */
    ODDITY_LABEL,         /* the same with another label, and the row names no organization */
    ODDITIES,
};

struct audit {
    const struct config *config;
    struct owners *owners;            /* of the connections so far; NULL: skip this check */
    char source[SOURCE_SIZE_MAX + 1]; /* the last row's source, and in `routes` what is known of it */
    struct source_routes routes;
};

/* What the routes of a source have in common, remembered until the next source is asked for. `source` is at most
 * SOURCE_SIZE_MAX bytes. Lives as long as the audit; valid until the next call for another source. */
const struct source_routes *audit_routes(struct audit *audit, struct text source);

/* The worst oddity of a row; enum oddity is ordered worst first. Ask for the rows of one source together: what is known
 * of a source is remembered only until the next one. If the configuration has no routes, only ODDITY_ENCODED and
 * those by owner are reported, since any route might decode. */
enum oddity audit_row(struct audit *audit, struct text source, struct text identifier, const struct connection *row);

/* Whether a row's fields are valid as far as this configuration uses them. A bad URL that no sign-in is sent to is not
 * an error, because it breaks nobody's sign-in. False with *problem set at the first problem. */
bool audit_fields(struct audit *audit, struct text source, const struct connection *row,
                  struct connection_problem *problem) __attribute__((warn_unused_result));

/* Why nobody can sign in through a row. */
enum unusable {
    UNUSABLE_NOT,
    UNUSABLE_UNREACHED,     /* nothing looks it up: no route has its source, or its name is not a valid identifier */
    UNUSABLE_NO_LEGACY_URL, /* ODDITY_NO_LEGACY_URL */
    UNUSABLE_URL,           /* the configuration does not allow its acs_url or legacy_url */
    UNUSABLE_RECORD,        /* it is damaged, or lacks something its state needs */
    UNUSABLES,
};

/* The first of these that applies to a row as stored in the table; but if its record cannot be decoded, that is
 * UNUSABLE_RECORD, whatever routes there are. */
enum unusable audit_record(struct audit *audit, struct text source, struct text identifier, struct text record);

/* "no_legacy_url"; "" for UNUSABLE_NOT. Static. */
const char *unusable_code(enum unusable unusable);

/* "legacy without a legacy_url", which fits after a row; "" for UNUSABLE_NOT. Static. */
const char *unusable_phrase(enum unusable unusable);

/* The same as unusable_code() for an oddity. */
const char *oddity_code(enum oddity oddity);

enum { ODDITY_TEXT_SIZE = 1024 };

/* Writes a sentence about the row to `out`, which holds ODDITY_TEXT_SIZE bytes, and returns `out`. For ODDITY_UNREACHED
 * the sentence is about the source only. */
const char *oddity_text(enum oddity oddity, struct text source, struct text identifier, char *out);

#endif
