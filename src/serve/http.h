/* Between libh2o and the gateway: a request in, an answer out. */
#ifndef SSOFERRY_HTTP_H
#define SSOFERRY_HTTP_H

#include "h2o_system.h"

/* Makes `globals` pass every request to the gateway, and give libh2o's own errors our form. */
void http_register(h2o_globalconf_t *globals);

#endif
