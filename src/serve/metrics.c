#include "ssoferry/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "ssoferry/memory.h"

/* Where an answer is listed before it has happened. Prometheus sees no increase in a series that first appears with a
 * value, so an alert would miss it. */
enum watched { WATCHED_NOWHERE, WATCHED_IN_ROUTES, WATCHED_EVERYWHERE };

/* Every possible answer: outcome and status. */
static const struct {
    enum outcome outcome;
    unsigned status;
    enum watched watched;
} answers[] = {
    {OUTCOME_STYTCH, 307, WATCHED_IN_ROUTES},
    {OUTCOME_STYTCH, 303, WATCHED_NOWHERE},
    {OUTCOME_STYTCH, 200, WATCHED_NOWHERE},
    {OUTCOME_LEGACY, 307, WATCHED_IN_ROUTES},
    {OUTCOME_LEGACY, 200, WATCHED_NOWHERE}, /* the form page, as for OUTCOME_STYTCH */
    {OUTCOME_DISABLED, 410, WATCHED_IN_ROUTES},
    {OUTCOME_UNKNOWN, 404, WATCHED_IN_ROUTES},
    {OUTCOME_NO_ROUTE, 404, WATCHED_NOWHERE},
    {OUTCOME_MALFORMED, 400, WATCHED_NOWHERE},
    {OUTCOME_METHOD, 405, WATCHED_NOWHERE},
    {OUTCOME_TOO_LARGE, 413, WATCHED_IN_ROUTES},
    {OUTCOME_UNAVAILABLE, 503, WATCHED_IN_ROUTES},
    {OUTCOME_LOOP, 508, WATCHED_EVERYWHERE}, /* legacy.unmatched_url may lead back here too */
    {OUTCOME_MALFORMED, 417, WATCHED_NOWHERE},
    {OUTCOME_TOO_LARGE, 414, WATCHED_IN_ROUTES},
    {OUTCOME_TOO_LARGE, 431, WATCHED_IN_ROUTES},
    {OUTCOME_TIMED_OUT, 408, WATCHED_NOWHERE},
};
enum { ANSWERS = sizeof(answers) / sizeof(answers[0]) };

/* Upper bounds in microseconds, and their labels. */
static const struct {
    uint64_t limit;
    const char *label;
} buckets[] = {
    {25, "0.000025"}, {50, "0.00005"},  {100, "0.0001"},  {250, "0.00025"},     {500, "0.0005"},
    {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},      {25000, "0.025"},
    {50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},      {1000000, "1"},
    {2500000, "2.5"}, {5000000, "5"},   {10000000, "10"}, {UINT64_MAX, "+Inf"},
};
enum { BUCKETS = sizeof(buckets) / sizeof(buckets[0]) };

struct counter {
    atomic_uint_fast64_t value;
};

/* Only counters, which add_up() relies on. */
struct metrics {
    struct counter routes_changed; /* how often */
    struct counter durations[BUCKETS];
    struct counter duration_us;
    struct counter body_bytes;
    struct counter events[METRICS_EVENTS];
    struct counter requests[CONFIG_ROUTES_MAX + 1][ANSWERS]; /* by route; the last is for requests that no route took */
    struct counter unknown[CONFIG_ROUTES_MAX];
    struct counter rehearsed[CONFIG_ROUTES_MAX][OUTCOMES];
};

/* Each counter has one writer, so no locked instruction is needed; a reader must only never see half a value. */
static void add(struct counter *counter, uint64_t amount)
{
    uint64_t value = atomic_load_explicit(&counter->value, memory_order_relaxed);
    atomic_store_explicit(&counter->value, value + amount, memory_order_relaxed);
}

static uint64_t get(const struct counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

struct metrics *metrics_new(void)
{
    return memory_zeroed(1, sizeof(struct metrics));
}

static void reset(struct counter *counters, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        atomic_store_explicit(&counters[i].value, 0, memory_order_release);
}

/* The number changes first, and metrics_write() compares it before and after it reads the counters. */
void metrics_routes_changed(struct metrics *metrics)
{
    atomic_fetch_add(&metrics->routes_changed.value, 1);
    for (size_t route = 0; route < CONFIG_ROUTES_MAX; ++route) {
        reset(metrics->requests[route], ANSWERS);
        reset(metrics->rehearsed[route], OUTCOMES);
    }
    reset(metrics->unknown, CONFIG_ROUTES_MAX);
}

void metrics_free(struct metrics *metrics)
{
    free(metrics);
}

static size_t answer_index(const struct decision *decision)
{
    size_t i = 0;
    while (i + 1 < ANSWERS && (answers[i].outcome != decision->outcome || answers[i].status != decision->status))
        ++i;
    return i;
}

/* Whether the request was for an identifier that has no row. A RelayState that belongs to the old provider was never
 * meant to name a row, and other methods are not sign-ins. */
static bool names_no_row(const struct decision *decision)
{
    if (decision->reason == REASON_UNKNOWN_LEGACY)
        return true; /* including sign-ins without a RelayState, for which no row was looked up */
    return decision->row == ROW_ABSENT && decision->outcome != OUTCOME_METHOD &&
           (decision->reason != REASON_RELAY_STATE || decision_identifier_is_public(decision));
}

void metrics_event(struct metrics *metrics, enum metrics_event event)
{
    add(&metrics->events[event], 1);
}

void metrics_request(struct metrics *metrics, size_t route, const struct decision *decision, uint64_t duration_us,
                     size_t body_size)
{
    size_t bucket = 0;
    while (duration_us > buckets[bucket].limit)
        ++bucket;
    add(&metrics->durations[bucket], 1);
    add(&metrics->duration_us, duration_us);
    add(&metrics->body_bytes, body_size);
    add(&metrics->requests[route][answer_index(decision)], 1);
    if (decision->outcome == OUTCOME_MALFORMED)
        metrics_event(metrics, METRICS_BAD_REQUESTS);
    if (names_no_row(decision))
        add(&metrics->unknown[route], 1);
    if (decision->observed)
        add(&metrics->rehearsed[route][decision->would], 1);
}

/* -- writing -- */

static void describe(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_label_value(FILE *out, struct text value)
{
    for (size_t i = 0; i < value.size; ++i) {
        char c = value.at[i];
        if (c == '\\' || c == '"')
            fputc('\\', out);
        fputc((unsigned char)c < 0x20 ? '?' : c, out);
    }
}

/* Whether all workers count by the routes that the scene names. */
static bool routes_agree(const struct metrics_scene *scene)
{
    for (size_t i = 0; i < scene->worker_count; ++i) {
        if (atomic_load(&scene->workers[i]->routes_changed.value) != atomic_load(&scene->own->routes_changed.value))
            return false;
    }
    return true;
}

/* All workers' counters together. The caller frees them. */
static struct metrics *add_up(const struct metrics_scene *scene)
{
    struct metrics *total = metrics_new();
    for (size_t worker = 0; worker < scene->worker_count; ++worker) {
        const struct counter *from = (const struct counter *)scene->workers[worker];
        struct counter *to = (struct counter *)total;
        for (size_t i = 0; i < sizeof(struct metrics) / sizeof(struct counter); ++i)
            add(&to[i], atomic_load_explicit(&from[i].value, memory_order_acquire));
    }
    return total;
}

/* Writes: NAME{route="ROUTE" */
static void begin_by_route(FILE *out, const char *name, struct text route)
{
    fprintf(out, "%s{route=\"", name);
    write_label_value(out, route);
    fputc('"', out);
}

static void write_route(const struct metrics *total, FILE *out, size_t route, struct text name)
{
    for (size_t answer = 0; answer < ANSWERS; ++answer) {
        uint64_t sum = get(&total->requests[route][answer]);
        if (sum == 0 && answers[answer].watched < (route == METRICS_NO_ROUTE ? WATCHED_EVERYWHERE : WATCHED_IN_ROUTES))
            continue;
        begin_by_route(out, "ssoferry_requests_total", name);
        fprintf(out, ",decision=\"%s\",status=\"%u\"} %" PRIu64 "\n", outcome_name(answers[answer].outcome),
                answers[answer].status, sum);
    }
}

static void write_requests(const struct metrics_scene *scene, const struct metrics *total, FILE *out)
{
    describe(out, "ssoferry_requests_total", "counter", "Requests answered, by route, decision and status.");
    for (size_t route = 0; route < scene->route_count; ++route)
        write_route(total, out, route, scene->routes[route].name);
    write_route(total, out, METRICS_NO_ROUTE, TEXT("none"));
}

static void write_unknown(const struct metrics_scene *scene, const struct metrics *total, FILE *out)
{
    describe(out, "ssoferry_unknown_identifiers_total", "counter",
             "Requests for an identifier that has no row, however they were answered, except with 405.");
    for (size_t route = 0; route < scene->route_count; ++route) {
        begin_by_route(out, "ssoferry_unknown_identifiers_total", scene->routes[route].name);
        fprintf(out, "} %" PRIu64 "\n", get(&total->unknown[route]));
    }
}

static bool would_be_decided(int outcome)
{
    return outcome == OUTCOME_STYTCH || outcome == OUTCOME_LEGACY || outcome == OUTCOME_DISABLED ||
           outcome == OUTCOME_UNKNOWN || outcome == OUTCOME_MALFORMED || outcome == OUTCOME_UNAVAILABLE ||
           outcome == OUTCOME_LOOP;
}

static void write_rehearsed(const struct metrics_scene *scene, const struct metrics *total, FILE *out)
{
    describe(out, "ssoferry_rehearsed_total", "counter",
             "Requests answered in a rehearsal (observe), by what would have been decided.");
    for (size_t route = 0; route < scene->route_count; ++route) {
        for (int would = 0; would < OUTCOMES; ++would) {
            uint64_t sum = get(&total->rehearsed[route][would]);
            bool rehearsing = scene->observe || scene->routes[route].observe;
            if (sum == 0 && !(rehearsing && would_be_decided(would)))
                continue;
            begin_by_route(out, "ssoferry_rehearsed_total", scene->routes[route].name);
            fprintf(out, ",would=\"%s\"} %" PRIu64 "\n", outcome_name((enum outcome)would), sum);
        }
    }
}

static void write_durations(const struct metrics *total, FILE *out)
{
    const uint64_t total_us = get(&total->duration_us);
    uint64_t sum = 0;
    describe(out, "ssoferry_request_duration_seconds", "histogram",
             "Time from a request's first byte to its answer, its body's arrival included.");
    for (size_t bucket = 0; bucket < BUCKETS; ++bucket) {
        sum += get(&total->durations[bucket]);
        fprintf(out, "ssoferry_request_duration_seconds_bucket{le=\"%s\"} %" PRIu64 "\n", buckets[bucket].label, sum);
    }
    fprintf(out, "ssoferry_request_duration_seconds_sum %" PRIu64 ".%06" PRIu64 "\n", total_us / 1000000,
            total_us % 1000000);
    fprintf(out, "ssoferry_request_duration_seconds_count %" PRIu64 "\n", sum);
}

static void write_one(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
    describe(out, name, type, help);
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

/* Counters of events that are written as they are. */
struct event_metric {
    enum metrics_event event;
    const char *name, *help;
};

static const struct event_metric client_events[] = {
    {METRICS_ACCEPTED, "ssoferry_client_connections_accepted_total", "Client connections accepted."},
    {METRICS_LIMIT_REACHED, "ssoferry_client_connections_refused_total",
     "Times that accepting stopped at the limit of connections or descriptors."},
    {METRICS_NO_MEMORY, "ssoferry_client_connections_without_memory_total",
     "Client connections closed because the requests under way held all of limits.memory."},
    {METRICS_TIMED_OUT, "ssoferry_client_connections_timed_out_total",
     "Client connections cut because a request took too long to arrive, or its answer to be taken."},
    {METRICS_PROXY_REFUSED, "ssoferry_client_connections_without_proxy_header_total",
     "Client connections closed because their PROXY header was missing, broken or not to be trusted."},
    {METRICS_HEALTH_CHECKS, "ssoferry_health_checks_total", "Probes answered on the public port."},
    {METRICS_BAD_REQUESTS, "ssoferry_bad_requests_total", "Requests answered with 400 or 417."},
};

static const struct event_metric tls_events[] = {
    {METRICS_HANDSHAKES, "ssoferry_tls_handshakes_total", "TLS handshakes completed."},
    {METRICS_HANDSHAKES_FAILED, "ssoferry_tls_handshakes_failed_total",
     "TLS handshakes that failed: versions, names, ciphers or protocols that do not fit, or no TLS at all."},
};

static void write_events(const struct metrics *total, FILE *out, const struct event_metric *events, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        write_one(out, events[i].name, "counter", events[i].help, get(&total->events[events[i].event]));
}

static void write_clients(const struct metrics *total, FILE *out)
{
    const uint64_t accepted = get(&total->events[METRICS_ACCEPTED]), closed = get(&total->events[METRICS_CLOSED]);
    write_events(total, out, client_events, sizeof(client_events) / sizeof(client_events[0]));
    write_one(out, "ssoferry_client_connections_open", "gauge", "Client connections open now.",
              accepted > closed ? accepted - closed : 0);
    write_one(out, "ssoferry_request_body_bytes_total", "counter", "Bytes of request bodies.", get(&total->body_bytes));
}

static void write_table(const struct metrics_scene *scene, FILE *out)
{
    write_one(out, "ssoferry_table_readable", "gauge", "1 if the table can be read.", scene->table_readable);
    write_one(out, "ssoferry_table_in_place", "gauge",
              "0 if the table's file or its lock file was deleted, replaced, cut short or written over.",
              scene->table_in_place);
    describe(out, "ssoferry_table_connections", "gauge", "Rows of the table by state.");
    for (int state = 0; state < CONNECTION_STATES; ++state)
        fprintf(out, "ssoferry_table_connections{state=\"%s\"} %" PRIu64 "\n",
                connection_state_name((enum connection_state)state), scene->table.rows[state]);
    write_one(out, "ssoferry_table_revision", "gauge", "Revision of the table; 0 before the first load.",
              scene->table.revision);
    if (scene->table.revision > 0) {
        int64_t age = scene->now - scene->table.changed_at;
        write_one(out, "ssoferry_table_age_seconds", "gauge", "Seconds since the table was last loaded or changed.",
                  age > 0 ? (uint64_t)age / 1000000 : 0);
    }
}

static void write_rows(const struct metrics_rows *rows, FILE *out)
{
    if (!rows->looked_through)
        return;
    describe(out, "ssoferry_table_unusable_rows", "gauge",
             "Rows that nobody can sign in by with this configuration; `ssoferry check --table` names them.");
    for (int i = UNUSABLE_NOT + 1; i < UNUSABLES; ++i)
        fprintf(out, "ssoferry_table_unusable_rows{reason=\"%s\"} %" PRIu64 "\n", unusable_code((enum unusable)i),
                rows->unusable[i]);
    if (rows->has_checksum)
        write_one(out, "ssoferry_table_checksum", "gauge",
                  "A checksum of all rows; if two instances have different ones, their rows differ.", rows->checksum);
}

static void write_certificates(const struct metrics_scene *scene, const struct metrics *total, FILE *out)
{
    if (scene->certificate_count == 0)
        return;
    write_events(total, out, tls_events, sizeof(tls_events) / sizeof(tls_events[0]));
    write_one(out, "ssoferry_tls_certificates_current", "gauge",
              "0 if the certificates' files have changed and could not be used.", scene->certificates_current);
    describe(out, "ssoferry_tls_certificate_expiry_seconds", "gauge", "Seconds until a certificate in use expires.");
    for (size_t i = 0; i < scene->certificate_count; ++i) {
        const struct metrics_certificate *certificate = &scene->certificates[i];
        fputs("ssoferry_tls_certificate_expiry_seconds{listener=\"", out);
        write_label_value(out, text_of(certificate->listener));
        fputs("\",names=\"", out);
        write_label_value(out, text_of(certificate->names));
        fprintf(out, "\"} %" PRId64 "\n", certificate->expires_at - scene->now / 1000000);
    }
}

void metrics_write(const struct metrics_scene *scene, FILE *out)
{
    const bool agreed = routes_agree(scene);
    struct metrics *total = add_up(scene);
    describe(out, "ssoferry_build_info", "gauge", "Version of the program.");
    fputs("ssoferry_build_info{version=\"" SSOFERRY_VERSION "\"} 1\n", out);
    write_one(out, "ssoferry_ready", "gauge", "1 if sign-ins should be sent here.", scene->ready);
    write_one(
        out, "ssoferry_configuration_current", "gauge",
        "0 if the configuration in use is not that of the file: it was refused or not reloaded, or takes a restart.",
        scene->configuration_current);
    if (agreed && routes_agree(scene)) {
        write_requests(scene, total, out);
        write_unknown(scene, total, out);
        write_rehearsed(scene, total, out);
    }
    write_durations(total, out);
    write_clients(total, out);
    write_certificates(scene, total, out);
    free(total);
    write_table(scene, out);
    write_rows(&scene->rows, out);
    if (scene->has_usage) {
        describe(out, "ssoferry_usage_flush_age_seconds", "gauge", "Seconds since usage was last written.");
        fprintf(out, "ssoferry_usage_flush_age_seconds %" PRIu64 ".%03" PRIu64 "\n", scene->usage_flush_age_ms / 1000,
                scene->usage_flush_age_ms % 1000);
        write_one(out, "ssoferry_usage_flush_failures_total", "counter", "Writes of usage that failed.",
                  scene->usage_flush_failures);
    }
    write_one(out, "ssoferry_log_lines_dropped_total", "counter",
              "Request log lines dropped because the log's reader was too slow, or its file could not be written.",
              scene->log_lines_dropped);
}
