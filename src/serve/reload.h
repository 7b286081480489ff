/* Taking over a configuration that was changed. */
#ifndef SSOFERRY_RELOAD_H
#define SSOFERRY_RELOAD_H

#include "server_state.h"

/* Reads the configuration and the certificates, and puts them in force if they are good; else all stays as it was.
 * Logs what changes, and tells systemd. Returns once no thread uses the old configuration any more. */
void reload(struct server *server);

/* Adds to the error of a configuration that could not be read what the sandbox may have to do with it. */
void reload_advise(const struct server *server, struct error *error);

#endif
