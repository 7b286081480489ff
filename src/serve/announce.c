#include "announce.h"

#include <inttypes.h>

#include "ssoferry/log.h"

void announce_rehearsal(const struct gateway_settings *gateway, const char *when)
{
    const size_t rehearsing = gateway_rehearsing(gateway);
    if (rehearsing == gateway->route_count)
        log_info("%srehearsal (observe): every sign-in goes to the old system", when);
    else if (rehearsing > 0)
        log_info("%srehearsal on %zu of %zu routes (observe): every sign-in by %s goes to the old system", when,
                 rehearsing, gateway->route_count, rehearsing == 1 ? "it" : "them");
}

void announce(struct server *server)
{
    struct table_state state = {0};
    struct error error;
    if (!lookup_state(server->lookups[0], &state, &error))
        log_warning("%s", error.message);
    for (size_t i = 0; i < server->started->listen_count; ++i)
        log_info("listening on %s", server->started->listen[i].address.text);
    tls_announce(server->tls);
    if (server->admin != NULL)
        log_info("admin listener on %s", server->started->admin->text);
    if (state.revision == 0)
        log_info("%s has no mapping yet: sign-ins %s until `ssoferry load FILE`", server->started->store,
                 gateway_needs_table(&server->config->gateway) ? "get 503" : "go to the old system");
    else
        log_info("serving %" PRIu64 " connection%s of %s at revision %" PRIu64 " with %zu thread%s",
                 table_state_total(&state), table_state_total(&state) == 1 ? "" : "s", server->started->store,
                 state.revision, server->worker_count, server->worker_count == 1 ? "" : "s");
    announce_rehearsal(&server->config->gateway, "");
}
