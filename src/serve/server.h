/* Runs the daemon, from its configuration to its end. */
#ifndef SSOFERRY_SERVER_H
#define SSOFERRY_SERVER_H

#include "ssoferry/config_watch.h"

/* Opens the table and the listeners, serves until SIGTERM or SIGINT, drains, and returns. True if it ended as asked.
 * SIGHUP reads the configuration at `path` again; `watch` was begun before it was read for the first time. On return
 * *config is the newest one; the caller frees it, and the others have been freed. */
bool server_run(const char *path, const struct config_watch *watch, struct config **config, struct error *error)
    __attribute__((warn_unused_result));

#endif
