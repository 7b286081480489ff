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

static enum health_problem find_problem(struct lookup *lookup, struct table_state *state)
{
    struct error error;
    struct connection_buffer canary;
    if (!lookup_state(lookup, state, &error))
        return HEALTH_STORE;
    if (state->revision == 0)
        return HEALTH_NOT_LOADED;
    if (lookup_find(lookup, TEXT("default"), TEXT("canary"), &canary, &error) == LOOKUP_FAILED)
        return HEALTH_STORE;
    return HEALTH_FINE;
}

void health_check(const struct serving *serving, struct lookup *lookup, struct health *health)
{
    health->table = (struct table_state){0};
    health->problem = find_problem(lookup, &health->table);
    health->table_readable = health->problem != HEALTH_STORE;
    if (atomic_load(&serving->phase) != PHASE_SERVING)
        health->problem = HEALTH_DRAINING;
    health->reason = problems[health->problem].reason;
    health->message = problems[health->problem].message;
}

unsigned health_page(const struct serving *serving, struct lookup *lookup, struct page *page, struct memory memory)
{
    struct health health;
    health_check(serving, lookup, &health);
    bool fine = health.problem == HEALTH_FINE;
    char *body = memory.allocate(memory.context, BODY_SIZE_MAX);
    int size =
        fine ? snprintf(body, BODY_SIZE_MAX,
                        "{\"status\":\"ok\",\"revision\":%" PRIu64 ",\"connections\":%" PRIu64 "}\n",
                        health.table.revision, table_state_total(&health.table))
             : snprintf(body, BODY_SIZE_MAX, "{\"status\":\"unavailable\",\"reason\":\"%s\",\"message\":\"%s\"}\n",
                        health.reason, health.message);
    page->content_type = TEXT("application/json");
    page->security_policy = (struct text){0};
    page->body = text_slice(body, (size_t)size);
    return fine ? 200 : 503;
}
