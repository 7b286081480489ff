#include "health.h"

#include <inttypes.h>
#include <stdio.h>

enum { BODY_SIZE_MAX = 256 };

static unsigned unavailable(struct page *page, struct memory memory, const char *reason, const char *message)
{
    char *body = memory.allocate(memory.context, BODY_SIZE_MAX);
    int size = snprintf(body, BODY_SIZE_MAX, "{\"status\":\"unavailable\",\"reason\":\"%s\",\"message\":\"%s\"}\n", reason, message);
    page->body = text_slice(body, (size_t)size);
    return 503;
}

unsigned health_page(struct worker *worker, struct page *page, struct memory memory)
{
    struct table_state state;
    struct error error;
    page->content_type = TEXT("application/json");
    page->security_policy = (struct text){0};
    if (atomic_load(&worker->tools.serving->phase) != PHASE_SERVING)
        return unavailable(page, memory, "draining", "this process is about to stop");
    if (!lookup_state(worker->tools.lookup, &state, &error))
        return unavailable(page, memory, "store", "the table cannot be read; the log says why");
    if (state.revision == 0)
        return unavailable(page, memory, "not_loaded", "no mapping has been loaded yet; run: ssoferry load FILE");

    char *body = memory.allocate(memory.context, BODY_SIZE_MAX);
    int size = snprintf(body, BODY_SIZE_MAX, "{\"status\":\"ok\",\"revision\":%" PRIu64 ",\"connections\":%" PRIu64 "}\n", state.revision,
                        table_state_total(&state));
    page->body = text_slice(body, (size_t)size);
    return 200;
}
