/* A Location: put together, and followed as far as the gateway's own door. Private to this folder. */
#ifndef SSOFERRY_ROUTE_LOCATION_H
#define SSOFERRY_ROUTE_LOCATION_H

#include "ssoferry/gateway.h"

/* base, then '?' or '&', then the query, in `memory`. */
struct text location_join(struct text base, struct text query, struct memory memory);

/* The same, or just base where there is no query. */
static inline struct text location_with_query(struct text base, bool has_query, struct text query, struct memory memory)
{
    return has_query ? location_join(base, query, memory) : base;
}

/* Whether a Location has the host that the request came to, or another name of the gateway's. */
bool location_comes_here(const struct gateway_settings *settings, const struct request *request, struct text location);

/* Whether one that is sent to Stytch would come round. Stytch's name in a Host field proves nothing: it is public, so
 * that anybody can send it, and one host may be split by path between Stytch and the gateway. So a route has to take
 * the Location. */
bool location_comes_round(const struct gateway_settings *settings, const struct request *request, struct text location,
                          struct memory memory);

#endif
