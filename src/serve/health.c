#include "health.h"

#include <inttypes.h>
#include <stdio.h>

enum { BODY_SIZE_MAX = 256 };

static const struct {
    const char *reason, *message;
} problems[] = {
    [HEALTH_FINE] = {"", ""},
    [HEALTH_DRAINING] = {"draining", "this process is about to stop"},
    [HEALTH_STORE] = {"store", "the table cannot be read; the log says why"},
    [HEALTH_NOT_LOADED] = {"not_loaded", "no mapping has been loaded yet; run: ssoferry load FILE"},
};

/* Before the first row and after the last. A damaged page at one end is an error for whoever has a row on it; a
 * balancer that stopped sending would make it an outage for all others. */
static const struct text canaries[] = {{"", 0}, {"~", 1}};
enum { CANARIES = sizeof(canaries) / sizeof(canaries[0]) };

static bool rows_are_readable(struct lookup *lookup)
{
    struct error error;
    struct connection_buffer none;
    for (size_t i = 0; i < CANARIES; ++i) {
        if (lookup_find(lookup, canaries[i], canaries[i], &none, &error) != LOOKUP_FAILED)
            return true;
    }
    return false;
}

static enum health_problem find_problem(struct lookup *lookup, struct table_state *state)
{
    struct error error;
    if (!lookup_state(lookup, state, &error))
        return HEALTH_STORE;
    if (state->revision == 0)
        return HEALTH_NOT_LOADED;
    return rows_are_readable(lookup) ? HEALTH_FINE : HEALTH_STORE;
}

void health_check(const struct serving *serving, const struct gateway_settings *settings, struct lookup *lookup,
                  struct health *health)
{
    health->table = (struct table_state){0};
    health->problem = find_problem(lookup, &health->table);
    health->table_readable = health->problem != HEALTH_STORE;
    if (atomic_load(&serving->phase) != PHASE_SERVING)
        health->problem = HEALTH_DRAINING;
    health->ready =
        health->problem == HEALTH_FINE || (health->problem != HEALTH_DRAINING && !gateway_needs_table(settings));
    health->reason = problems[health->problem].reason;
    health->message = problems[health->problem].message;
}

unsigned health_page(const struct serving *serving, const struct gateway_settings *settings, struct lookup *lookup,
                     struct page *page, struct memory memory)
{
    struct health health;
    health_check(serving, settings, lookup, &health);
    char *body = memory.allocate(memory.context, BODY_SIZE_MAX);
    int size = health.problem == HEALTH_FINE
                   ? snprintf(body, BODY_SIZE_MAX,
                              "{\"status\":\"ok\",\"revision\":%" PRIu64 ",\"connections\":%" PRIu64 "}\n",
                              health.table.revision, table_state_total(&health.table))
                   : snprintf(body, BODY_SIZE_MAX, "{\"status\":\"%s\",\"reason\":\"%s\",\"message\":\"%s\"}\n",
                              health.ready ? "ok" : "unavailable", health.reason, health.message);
    page->content_type = TEXT("application/json");
    page->security_policy = (struct text){0};
    page->body = text_slice(body, (size_t)size);
    return health.ready ? 200 : 503;
}
