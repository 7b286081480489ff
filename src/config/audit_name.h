/* Finds names that are not what the routes of their source look up. */
#ifndef SSOFERRY_CONFIG_AUDIT_NAME_H
#define SSOFERRY_CONFIG_AUDIT_NAME_H

#include "ssoferry/audit.h"

/* Returns ODDITY_ADDRESS, ODDITY_SLASH, ODDITY_NO_ENTITY or ODDITY_NONE. `routes` are those of `source`. For a name
 * without a slash, this is needed only if they go by Issuer. */
enum oddity audit_name(const struct config *config, const struct source_routes *routes, struct text source,
                       struct text identifier);

#endif
