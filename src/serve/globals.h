/* What libh2o is told once for all threads that serve alike. */
#ifndef SSOFERRY_GLOBALS_H
#define SSOFERRY_GLOBALS_H

#include "h2o_system.h"

/* Begins with HTTP/1.1 alone, without a name in Server. h2o_config_dispose() ends it. */
void globals_init(h2o_globalconf_t *globals);

/* The most bytes of a body, and milliseconds of a connection between requests. Also while threads work by it: each sees
 * the size of before or the new one; the time is each worker's own once it has adopted its configuration. */
void globals_set_limits(h2o_globalconf_t *globals, size_t body, uint64_t idle_time_ms);

#endif
