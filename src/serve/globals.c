#include "globals.h"

#include <stdlib.h>
#include <string.h>

#include "ssoferry/memory.h"

bool globals_check(struct error *error)
{
    enum { UNTOUCHED = 0xa5 };
    const size_t room = 2 * sizeof(h2o_globalconf_t);
    unsigned char *bytes = memory_allocate(room);
    memset(bytes, UNTOUCHED, room);
    h2o_config_init((h2o_globalconf_t *)(void *)bytes); /* writes every byte of its own */
    size_t size = room;
    while (size > 0 && bytes[size - 1] == UNTOUCHED)
        --size;
    h2o_config_dispose((h2o_globalconf_t *)(void *)bytes);
    free(bytes);
    return size == sizeof(h2o_globalconf_t) ||
           error_set(error, ERROR_FAILED,
                     "libh2o-evloop on this machine is another build than the one ssoferryd was compiled for: compile "
                     "ssoferry on this system");
}

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
