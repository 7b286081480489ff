/* Names that are something else than what the routes of their source look up. */
#ifndef SSOFERRY_CONFIG_AUDIT_NAME_H
#define SSOFERRY_CONFIG_AUDIT_NAME_H

#include "ssoferry/audit.h"

/* ODDITY_ADDRESS, ODDITY_SLASH, ODDITY_NO_ENTITY or ODDITY_NONE. `routes` are those of `source`. A name without a slash
 * need only be asked for where they go by Issuer. */
enum oddity audit_name(const struct config *config, const struct source_routes *routes, struct text source,
                       struct text identifier);

#endif
