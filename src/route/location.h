/* Builds a Location and finds out whether it leads back to the gateway. Private to this folder. */
#ifndef SSOFERRY_ROUTE_LOCATION_H
#define SSOFERRY_ROUTE_LOCATION_H

#include "ssoferry/gateway.h"

/* Joins `base`, '?' or '&', and `query` in `memory`. */
struct text location_join(struct text base, struct text query, struct memory memory);

/* The same, or just `base` if there is no query. */
static inline struct text location_with_query(struct text base, bool has_query, struct text query, struct memory memory)
{
    return has_query ? location_join(base, query, memory) : base;
}

/* Whether a Location has the host that the request came to or another of the gateway's names. */
bool location_comes_here(const struct gateway_settings *settings, const struct request *request, struct text location);

/* Whether a Location meant for Stytch would come back here. Stytch's name in a Host field proves nothing: it is public,
 * so anybody can send it, and a host may be split by path between Stytch and the gateway. So a route must also take the
 * Location. */
bool location_comes_round(const struct gateway_settings *settings, const struct request *request, struct text location,
                          struct memory memory);

#endif
