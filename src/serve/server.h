/* The daemon from its configuration to its end. */
#ifndef SSOFERRY_SERVER_H
#define SSOFERRY_SERVER_H

#include "ssoferry/config.h"

/* Opens the table and the listeners, serves until SIGTERM or SIGINT, drains, and returns. True: it ended as asked. */
bool server_run(const struct config *config, struct error *error) __attribute__((warn_unused_result));

#endif
