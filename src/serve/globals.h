/* libh2o settings shared by all threads that serve the same listeners. */
#ifndef SSOFERRY_GLOBALS_H
#define SSOFERRY_GLOBALS_H

#include "h2o_system.h"

/* Initializes for HTTP/1.1 only, with no name in the Server header. Free with h2o_config_dispose(). */
void globals_init(h2o_globalconf_t *globals);

/* Sets the largest body in bytes, and how long a connection may be idle between requests. May be called while threads
 * use `globals`: each sees the old or the new body size. A worker that is running takes the idle time from its
 * configuration instead. */
void globals_set_limits(h2o_globalconf_t *globals, size_t body, uint64_t idle_time_ms);

#endif
