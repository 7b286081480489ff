#include "admin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin_page.h"
#include "answer.h"
#include "globals.h"
#include "health.h"
#include "http.h"
#include "report_desk.h"
#include "ssoferry/clock.h"
#include "ssoferry/memory.h"

enum { BODY_SIZE_MAX = 1024 };

struct admin {
    struct admin_scene scene;
    struct serving serving; /* this listener's own, because it outlives the public ones */
    struct lookup *lookup;
    struct metrics *metrics;
    h2o_globalconf_t globals;
    struct worker worker;
    struct arena *arena; /* holds the page */
    struct page page;
    struct reporter *reporter;
    struct report_desk desk;
};

/* An h2o handler with a pointer to its admin listener. */
struct admin_handler {
    h2o_handler_t handler;
    struct admin *admin;
};

static void send_page(h2o_req_t *req, unsigned status, const struct page *page)
{
    const struct answer answer = {.status = status, .page = page};
    answer_send(req, &answer);
}

/* Copies a text into the request's memory and frees it. */
static struct text take(h2o_req_t *req, char *made)
{
    struct text copy = text_copy(text_of(made), answer_memory(req));
    free(made);
    return copy;
}

static FILE *begin_text(char **text, size_t *size)
{
    FILE *out = open_memstream(text, size);
    if (out == NULL)
        memory_exhausted();
    return out;
}

static void end_text(FILE *out)
{
    bool cut_off = ferror(out) != 0;
    if (fclose(out) != 0 || cut_off)
        memory_exhausted();
}

static void answer_live(struct admin *admin, h2o_req_t *req)
{
    char *body = NULL;
    size_t size = 0;
    uint64_t longest = 0;
    FILE *out = begin_text(&body, &size);
    fputs("{\"loops_silent_ms\":[", out);
    for (size_t i = 0; i < admin->scene.worker_count; ++i) {
        uint64_t silent = worker_silence_ms(&admin->scene.workers[i]);
        longest = silent > longest ? silent : longest;
        fprintf(out, "%s%" PRIu64, i == 0 ? "" : ",", silent);
    }
    bool alive = longest <= WORKER_STUCK_MS;
    fprintf(out, "],\"status\":\"%s\"}\n", alive ? "ok" : "stuck");
    end_text(out);
    const struct page page = {.content_type = TEXT("application/json"), .body = take(req, body)};
    send_page(req, alive ? 200 : 503, &page);
}

static void answer_ready(struct admin *admin, h2o_req_t *req)
{
    struct page page;
    unsigned status = health_page(admin->scene.serving, &worker_config(&admin->worker)->gateway, admin->lookup, &page,
                                  answer_memory(req));
    send_page(req, status, &page);
}

static void answer_metrics(struct admin *admin, h2o_req_t *req)
{
    const struct admin_scene *from = &admin->scene;
    const struct gateway_settings *gateway = &worker_config(&admin->worker)->gateway;
    struct health health;
    health_check(from->serving, gateway, admin->lookup, &health);
    const size_t most = tls_count(from->tls);
    struct metrics_certificate *certificates = h2o_mem_alloc_pool(&req->pool, most * sizeof(*certificates));
    const struct metrics_scene scene = {
        .workers = from->metrics,
        .worker_count = from->worker_count,
        .own = admin->metrics,
        .routes = gateway->routes,
        .route_count = gateway->route_count,
        .observe = gateway->observe,
        .table = health.table,
        .table_readable = health.table_readable,
        .table_in_place = !atomic_load(&from->serving->replaced),
        .rows = inspector_rows(from->inspector),
        .ready = health.ready,
        .configuration_current = serving_is_current(from->serving),
        .now = clock_utc_us(),
        .has_usage = from->usage != NULL,
        .usage_flush_age_ms = from->usage == NULL ? 0 : usage_flush_age_ms(from->usage),
        .usage_flush_failures = from->usage == NULL ? 0 : usage_flush_failures(from->usage),
        .log_lines_dropped = from->log == NULL ? 0 : access_log_dropped(from->log),
        .certificates = certificates,
        .certificate_count = tls_describe(from->tls, certificates, most),
        .certificates_current = tls_is_current(from->tls),
    };
    char *body = NULL;
    size_t size = 0;
    FILE *out = begin_text(&body, &size);
    metrics_write(&scene, out);
    end_text(out);
    const struct page page = {.content_type = TEXT("text/plain; version=0.0.4; charset=utf-8"),
                              .body = take(req, body)};
    send_page(req, 200, &page);
}

static enum report_counting counting(const struct admin_scene *from)
{
    struct error ignored;
    if (!from->config->usage)
        return COUNTING_OFF;
    return from->usage == NULL || usage_unwritten(from->usage, &ignored) ? COUNTING_FAILS : COUNTING_ON;
}

static void answer_report(struct admin *admin, h2o_req_t *req)
{
    struct admin_report_sources sources = {.table = admin->scene.table,
                                           .usage = admin->scene.usage,
                                           .counting = counting(&admin->scene),
                                           .configuration_current = serving_is_current(admin->scene.serving)};
    admin_report_sources_route(&sources, &worker_config(&admin->worker)->gateway);
    report_desk_answer(&admin->desk, req, &sources);
}

static void answer_page(struct admin *admin, h2o_req_t *req)
{
    send_page(req, 200, &admin->page);
}

static const struct {
    const char *path;
    void (*answer)(struct admin *admin, h2o_req_t *req);
} endpoints[] = {
    {"/", answer_page},         {"/livez", answer_live},      {"/readyz", answer_ready},
    {"/healthz", answer_ready}, {"/metrics", answer_metrics}, {"/report.json", answer_report},
};
enum { ENDPOINTS = sizeof(endpoints) / sizeof(endpoints[0]) };

/* Another site's page could make its name resolve to this machine (DNS rebinding) and read the answers. It cannot forge
 * the Host field, so a local listener answers only to loopback addresses and localhost. */
static bool is_own_name(const struct admin *admin, h2o_req_t *req)
{
    struct url url;
    const char *why = NULL;
    char source[300];
    if (!address_is_local(admin->scene.config->admin) ||
        req->input.authority.base == req->hostconf->authority.hostport.base)
        return true;
    int size =
        snprintf(source, sizeof(source), "http://%.*s", (int)req->input.authority.len, req->input.authority.base);
    return size > 0 && size < (int)sizeof(source) && url_parse(text_slice(source, (size_t)size), &url, &why) &&
           url_is_loopback(&url);
}

static void refuse(h2o_req_t *req, unsigned status, const char *explanation)
{
    struct page page;
    const struct answer answer = {
        .status = status, .page = &page, .allow = status == 405 ? TEXT("GET, HEAD") : TEXT("")};
    page_error(&page, true, status, "admin", explanation, (struct text){0}, answer_memory(req));
    answer_send(req, &answer);
}

static void answer_path(struct admin *admin, h2o_req_t *req)
{
    struct text path = text_slice(req->input.path.base, req->input.path.len);
    path.size = text_find(path, '?', 0);
    bool get = h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("GET")) ||
               h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
    size_t i = 0;
    while (i < ENDPOINTS && !text_equal(path, text_of(endpoints[i].path)))
        ++i;
    if (i < ENDPOINTS && get)
        endpoints[i].answer(admin, req);
    else
        refuse(req, i < ENDPOINTS ? 405 : 404,
               "The admin listener answers GET of /, /livez, /readyz, /healthz, /metrics and /report.json.");
}

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    struct admin *admin = ((struct admin_handler *)(void *)handler)->admin;
    struct decision refusal;
    if (!http_check_head(req, &refusal))
        refuse(req, refusal.status, refusal.explanation);
    else if (!is_own_name(admin, req))
        refuse(req, 400,
               "The Host field has to be a loopback address or localhost, so that no web page reads along under a "
               "name of its own: ask for http://localhost/ and the port.");
    else
        answer_path(admin, req);
    return 0;
}

static void configure_h2o(struct admin *admin)
{
    globals_init(&admin->globals);
    globals_set_body_limit(&admin->globals, BODY_SIZE_MAX);
    h2o_hostconf_t *host =
        h2o_config_register_host(&admin->globals, h2o_iovec_init(H2O_STRLIT("ssoferry-admin")), 65535);
    struct admin_handler *handler =
        (struct admin_handler *)(void *)h2o_create_handler(&host->fallback_path, sizeof(*handler));
    handler->handler.on_req = on_request;
    handler->admin = admin;
}

/* The worker calls this when it is woken, too. */
static void look(void *context)
{
    struct admin *admin = context;
    if (atomic_load(&admin->serving.phase) == PHASE_LEAVING)
        report_desk_close(&admin->desk);
    else
        report_desk_look(&admin->desk);
}

static void free_admin(struct admin *admin)
{
    report_desk_release(&admin->desk);
    lookup_close(admin->lookup);
    metrics_free(admin->metrics);
    arena_free(admin->arena);
    free(admin);
}

/* Starts both threads. */
static bool start(struct admin *admin, struct error *error)
{
    if (!reporter_start(&admin->reporter, &admin->worker, error))
        return false;
    report_desk_init(&admin->desk, admin->reporter);
    if (worker_start(&admin->worker, error))
        return true;
    reporter_give_up(admin->reporter);
    reporter_free(admin->reporter);
    return false;
}

bool admin_start(struct admin **started, const struct admin_scene *scene, int fd, struct error *error)
{
    struct admin *admin = memory_zeroed(1, sizeof(*admin));
    admin->scene = *scene;
    atomic_init(&admin->serving.config, scene->config);
    admin->metrics = metrics_new();
    admin->arena = arena_new();
    admin_page_build(&admin->page, arena_memory(admin->arena));
    if (!lookup_open(&admin->lookup, scene->table, error)) {
        free_admin(admin);
        return false;
    }
    configure_h2o(admin);
    const struct worker_tools tools = {.name = "admin",
                                       .serving = &admin->serving,
                                       .globals = &admin->globals,
                                       .connections = ADMIN_CLIENTS_MAX,
                                       .lookup = admin->lookup,
                                       .metrics = admin->metrics,
                                       .look = look,
                                       .context = admin};
    worker_open(&admin->worker, &tools, &fd, 1);
    if (!start(admin, error)) {
        worker_close(&admin->worker);
        h2o_config_dispose(&admin->globals);
        free_admin(admin);
        return false;
    }
    *started = admin;
    return true;
}

void admin_reload(struct admin *admin, const struct config *config)
{
    if (admin == NULL)
        return;
    atomic_store(&admin->serving.config, config);
    worker_wake(&admin->worker);
}

bool admin_has_reloaded(const struct admin *admin, const struct config *config)
{
    return admin == NULL || worker_config(&admin->worker) == config;
}

void admin_stop(struct admin *admin)
{
    if (admin == NULL)
        return;
    reporter_give_up(admin->reporter);
    atomic_store(&admin->serving.phase, PHASE_LEAVING);
    worker_wake(&admin->worker);
    worker_join(&admin->worker);
    reporter_free(admin->reporter);
    h2o_config_dispose(&admin->globals);
    free_admin(admin);
}
