/* Files that may change under a daemon that serves: it looks at them now and then, and says what it saw. */
#ifndef SSOFERRY_WATCHES_H
#define SSOFERRY_WATCHES_H

#include "server_state.h"

/* Looks at the table (server->place says how that is), the usage file, the sockets and the configuration. Each change
 * is logged once. */
void watches_look(struct server *server);

/* Looks at the certificates, and takes new ones into use. */
void watches_look_at_certificates(struct server *server);

#endif
