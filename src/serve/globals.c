#include "globals.h"

void globals_init(h2o_globalconf_t *globals)
{
    h2o_config_init(globals);
    globals->server_name = h2o_iovec_init(H2O_STRLIT(""));
    /* Even without h2 in ALPN, `PRI *` and `Upgrade: h2c` would reach HTTP/2, where 2.2.5 has CVE-2023-44487 and
     * CVE-2025-8671 unpatched. */
    globals->http1.upgrade_to_http2 = 0;
}

void globals_set_body_limit(h2o_globalconf_t *globals, size_t body)
{
    /* Workers read it for each request. It is a whole word, so they see either the old or the new value. */
    __atomic_store_n(&globals->max_request_entity_size, body, __ATOMIC_RELAXED);
}
