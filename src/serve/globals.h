/* libh2o settings shared by all threads that serve the same listeners. */
#ifndef SSOFERRY_GLOBALS_H
#define SSOFERRY_GLOBALS_H

#include "h2o_system.h"
#include "ssoferry/error.h"

/* Whether libh2o's settings have the size that this program was compiled for. The library's name does not tell: on
 * Ubuntu 24.04 a patch of HTTP/2 made them and h2o_context_t larger than on Debian 12, and libh2o would write over our
 * memory. */
bool globals_check(struct error *error) __attribute__((warn_unused_result));

/* Initializes for HTTP/1.1 only, with no name in the Server header. Free with h2o_config_dispose(). */
void globals_init(h2o_globalconf_t *globals);

/* Sets the largest body in bytes. May be called while threads use `globals`: each sees the old or the new size. */
void globals_set_body_limit(h2o_globalconf_t *globals, size_t body);

#endif
