/* An address of the gateway, as people give one: to explain, or where an identifier is asked for. */
#ifndef SSOFERRY_CLI_ADDRESS_H
#define SSOFERRY_CLI_ADDRESS_H

#include "ssoferry/gateway.h"
#include "ssoferry/request.h"

/* Whether it begins as an address does: with http:// or https://, or with the slash of a path. An identifier may, too:
 * the Issuer of an IdP is often a URL. */
bool address_looks_like(struct text word);

/* Splits http[s]://[USER@]HOST/PATH?QUERY#FRAGMENT or /PATH?QUERY into a request's host, path and query, which are
 * slices of it. Checks and decodes nothing. False, with no change, if it is neither. */
bool address_split(struct text address, struct request *request) __attribute__((warn_unused_result));

/* Whether `hosts` of the configuration lists the host of HOST[:PORT]. */
bool address_has_listed_host(const struct gateway_settings *settings, struct text host);

/* Whether a route of any source takes an address, or a path at the route's own host; other than routes that begin with
 * any segment, which take the entity IDs of many IdPs, too. */
bool address_is_taken(const struct gateway_settings *settings, struct text address);

/* A row's name. */
struct address_row {
    char source[SOURCE_SIZE_MAX + 1], identifier[IDENTIFIER_SIZE_MAX + 1];
};

/* Finds the row of the sign-ins at an address. False if no route takes it, or if there is no such row. */
bool address_find_row(const struct gateway_settings *settings, struct snapshot *snapshot, struct text address,
                      struct address_row *row);

#endif
