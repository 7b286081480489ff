#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ssoferry/metrics.h"

enum { WORKERS = 2, ROUTES = 2 };

/* Two workers and two routes, and what they say. */
struct fixture {
    struct metrics *workers[WORKERS];
    struct route routes[ROUTES];
    struct metrics *own;
    struct metrics_scene scene;
    char *said;
};

static void set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){.workers = {metrics_new(), metrics_new()}, .own = metrics_new()};
    fixture->routes[0].name = TEXT("/a");
    fixture->routes[1].name = TEXT("/b");
    fixture->scene = (struct metrics_scene){.workers = (const struct metrics *const *)fixture->workers,
                                            .worker_count = WORKERS,
                                            .own = fixture->own,
                                            .routes = fixture->routes,
                                            .route_count = ROUTES};
}

static void tear_down(struct fixture *fixture)
{
    for (size_t i = 0; i < WORKERS; ++i)
        metrics_free(fixture->workers[i]);
    metrics_free(fixture->own);
    free(fixture->said);
}

static const char *say(struct fixture *fixture)
{
    size_t size = 0;
    free(fixture->said);
    FILE *out = open_memstream(&fixture->said, &size);
    assert_non_null(out);
    metrics_write(&fixture->scene, out);
    assert_int_equal(fclose(out), 0);
    return fixture->said;
}

/* The lines that begin so, of what was said last; to be freed. */
static char *lines_with(const struct fixture *fixture, const char *start)
{
    char *found = calloc(strlen(fixture->said) + 1, 1);
    assert_non_null(found);
    for (const char *line = fixture->said; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, start, strlen(start)) == 0)
            strncat(found, line, (size_t)(strchr(line, '\n') + 1 - line));
    }
    return found;
}

static void assert_lines(struct fixture *fixture, const char *start, const char *expected)
{
    say(fixture);
    char *found = lines_with(fixture, start);
    assert_string_equal(found, expected);
    free(found);
}

static void count(struct metrics *worker, size_t route, enum outcome outcome, unsigned status)
{
    const struct decision decision = {.outcome = outcome, .status = status};
    metrics_request(worker, route, &decision, 0, 0);
}

/* -- requests -- */

static const struct {
    enum outcome outcome;
    unsigned status;
} answers[] = {
    {OUTCOME_STYTCH, 307},    {OUTCOME_STYTCH, 303},    {OUTCOME_STYTCH, 200},      {OUTCOME_LEGACY, 307},
    {OUTCOME_DISABLED, 410},  {OUTCOME_UNKNOWN, 404},   {OUTCOME_NO_ROUTE, 404},    {OUTCOME_MALFORMED, 400},
    {OUTCOME_MALFORMED, 417}, {OUTCOME_METHOD, 405},    {OUTCOME_TOO_LARGE, 413},   {OUTCOME_TOO_LARGE, 414},
    {OUTCOME_TOO_LARGE, 431}, {OUTCOME_TIMED_OUT, 408}, {OUTCOME_UNAVAILABLE, 503}, {OUTCOME_LOOP, 508},
};

static void each_answer_is_counted_as_itself(void **state)
{
    struct fixture fixture;
    char start[128], expected[160];
    (void)state;
    set_up(&fixture);
    for (size_t i = 0; i < COUNT_OF(answers); ++i) {
        for (size_t times = 0; times <= i; ++times)
            count(fixture.workers[times % WORKERS], 1, answers[i].outcome, answers[i].status);
    }
    for (size_t i = 0; i < COUNT_OF(answers); ++i) {
        snprintf(start, sizeof(start), "ssoferry_requests_total{route=\"/b\",decision=\"%s\",status=\"%u\"} ",
                 outcome_name(answers[i].outcome), answers[i].status);
        snprintf(expected, sizeof(expected), "%s%zu\n", start, i + 1);
        assert_lines(&fixture, start, expected);
    }
    assert_lines(&fixture, "ssoferry_bad_requests_total", "ssoferry_bad_requests_total 17\n"); /* 400 and 417 */
    tear_down(&fixture);
}

#define FROM_THE_START(route)                                                                                          \
    "ssoferry_requests_total{route=\"" route "\",decision=\"stytch\",status=\"307\"} 0\n"                              \
    "ssoferry_requests_total{route=\"" route "\",decision=\"legacy\",status=\"307\"} 0\n"                              \
    "ssoferry_requests_total{route=\"" route "\",decision=\"disabled\",status=\"410\"} 0\n"                            \
    "ssoferry_requests_total{route=\"" route "\",decision=\"unknown\",status=\"404\"} 0\n"                             \
    "ssoferry_requests_total{route=\"" route "\",decision=\"too_large\",status=\"413\"} 0\n"                           \
    "ssoferry_requests_total{route=\"" route "\",decision=\"unavailable\",status=\"503\"} 0\n"                         \
    "ssoferry_requests_total{route=\"" route "\",decision=\"loop\",status=\"508\"} 0\n"                                \
    "ssoferry_requests_total{route=\"" route "\",decision=\"too_large\",status=\"414\"} 0\n"                           \
    "ssoferry_requests_total{route=\"" route "\",decision=\"too_large\",status=\"431\"} 0\n"

/* To Prometheus, what is first seen with a value has not increased. */
static void what_alerts_watch_is_there_from_the_start(void **state)
{
    struct fixture fixture;
    (void)state;
    set_up(&fixture);
    assert_lines(&fixture, "ssoferry_requests_total",
                 FROM_THE_START("/a") FROM_THE_START("/b") "ssoferry_requests_total{route=\"none\",decision=\"loop\","
                                                           "status=\"508\"} 0\n");
    tear_down(&fixture);
}

static void new_routes_start_anew_and_the_rest_goes_on(void **state)
{
    struct fixture fixture;
    const struct decision decision = {
        .outcome = OUTCOME_LEGACY, .status = 307, .row = ROW_ABSENT, .observed = true, .would = OUTCOME_UNKNOWN};
    (void)state;
    set_up(&fixture);
    fixture.scene.observe = true;
    for (size_t i = 0; i < ROUTES; ++i)
        metrics_request(fixture.workers[0], i, &decision, 7, 9);
    count(fixture.workers[0], METRICS_NO_ROUTE, OUTCOME_LOOP, 508);
    /* Until all count by the new ones, nobody knows whose a count is. */
    metrics_routes_changed(fixture.workers[0]);
    assert_lines(&fixture, "ssoferry_requests_total{", "");
    assert_lines(&fixture, "ssoferry_unknown_identifiers_total{", "");
    assert_lines(&fixture, "ssoferry_rehearsed_total{", "");
    metrics_routes_changed(fixture.workers[1]);
    assert_lines(&fixture, "ssoferry_requests_total{", "");
    metrics_routes_changed(fixture.own);
    assert_lines(&fixture, "ssoferry_requests_total",
                 FROM_THE_START("/a") FROM_THE_START("/b") "ssoferry_requests_total{route=\"none\",decision=\"loop\","
                                                           "status=\"508\"} 1\n");
    assert_lines(&fixture, "ssoferry_unknown_identifiers_total{",
                 "ssoferry_unknown_identifiers_total{route=\"/a\"} 0\n"
                 "ssoferry_unknown_identifiers_total{route=\"/b\"} 0\n");
    for (size_t i = 0; i < ROUTES; ++i)
        assert_lines(&fixture,
                     i == 0 ? "ssoferry_rehearsed_total{route=\"/a\",would=\"unknown\"}"
                            : "ssoferry_rehearsed_total{route=\"/b\",would=\"unknown\"}",
                     i == 0 ? "ssoferry_rehearsed_total{route=\"/a\",would=\"unknown\"} 0\n"
                            : "ssoferry_rehearsed_total{route=\"/b\",would=\"unknown\"} 0\n");
    assert_lines(&fixture, "ssoferry_request_duration_seconds_count", "ssoferry_request_duration_seconds_count 3\n");
    assert_lines(&fixture, "ssoferry_request_body_bytes_total", "ssoferry_request_body_bytes_total 18\n");
    tear_down(&fixture);
}

static const struct route by_relay_state = {.identify_by = IDENTIFY_BY_RELAY_STATE};
static const struct route by_url = {.identify_by = IDENTIFY_BY_TEMPLATE};

static const struct {
    struct decision decision;
    bool counted;
} lookups[] = {
    {{.outcome = OUTCOME_UNKNOWN, .row = ROW_ABSENT}, true},
    {{.outcome = OUTCOME_STYTCH, .row = ROW_FOUND}, false},
    {{.outcome = OUTCOME_MALFORMED, .row = ROW_NOT_ASKED}, false},
    {{.outcome = OUTCOME_LEGACY, .row = ROW_ABSENT, .reason = REASON_OBSERVE}, true},
    {{.outcome = OUTCOME_LEGACY, .row = ROW_NOT_ASKED, .reason = REASON_UNKNOWN_LEGACY}, true},
    {{.outcome = OUTCOME_LEGACY, .row = ROW_NOT_ASKED, .reason = REASON_RELAY_STATE}, false},
    {{.outcome = OUTCOME_METHOD, .row = ROW_ABSENT}, false}, /* nobody signs in so */
    {{.outcome = OUTCOME_UNKNOWN, .row = ROW_ABSENT, .route = &by_relay_state}, true},
    {{.outcome = OUTCOME_LEGACY, .row = ROW_ABSENT, .reason = REASON_RELAY_STATE, .route = &by_url}, true},
    /* The RelayState is the old provider's own and no identifier. */
    {{.outcome = OUTCOME_LEGACY, .row = ROW_ABSENT, .reason = REASON_RELAY_STATE, .route = &by_relay_state}, false},
};

static void a_request_for_no_row_is_counted_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lookups); ++i) {
        struct fixture fixture;
        set_up(&fixture);
        metrics_request(fixture.workers[1], 1, &lookups[i].decision, 0, 0);
        assert_lines(&fixture, "ssoferry_unknown_identifiers_total{",
                     lookups[i].counted ? "ssoferry_unknown_identifiers_total{route=\"/a\"} 0\n"
                                          "ssoferry_unknown_identifiers_total{route=\"/b\"} 1\n"
                                        : "ssoferry_unknown_identifiers_total{route=\"/a\"} 0\n"
                                          "ssoferry_unknown_identifiers_total{route=\"/b\"} 0\n");
        tear_down(&fixture);
    }
}

/* -- rehearsals -- */

#define WOULD(route, stytch)                                                                                           \
    "ssoferry_rehearsed_total{route=\"" route "\",would=\"stytch\"} " stytch "\n"                                      \
    "ssoferry_rehearsed_total{route=\"" route "\",would=\"legacy\"} 0\n"                                               \
    "ssoferry_rehearsed_total{route=\"" route "\",would=\"disabled\"} 0\n"                                             \
    "ssoferry_rehearsed_total{route=\"" route "\",would=\"unknown\"} 0\n"                                              \
    "ssoferry_rehearsed_total{route=\"" route "\",would=\"malformed\"} 0\n"                                            \
    "ssoferry_rehearsed_total{route=\"" route "\",would=\"unavailable\"} 0\n"                                          \
    "ssoferry_rehearsed_total{route=\"" route "\",would=\"loop\"} 0\n"

static void a_rehearsal_says_what_would_have_been(void **state)
{
    struct fixture fixture;
    struct decision decision = {.outcome = OUTCOME_LEGACY, .status = 307, .would = OUTCOME_STYTCH};
    (void)state;
    set_up(&fixture);
    metrics_request(fixture.workers[0], 0, &decision, 0, 0);
    assert_lines(&fixture, "ssoferry_rehearsed_total{", "");
    fixture.routes[1].observe = true;
    assert_lines(&fixture, "ssoferry_rehearsed_total{", WOULD("/b", "0"));
    fixture.scene.observe = true;
    assert_lines(&fixture, "ssoferry_rehearsed_total{", WOULD("/a", "0") WOULD("/b", "0"));
    decision.observed = true;
    for (size_t i = 0; i < WORKERS; ++i)
        metrics_request(fixture.workers[i], 0, &decision, 0, 0);
    assert_lines(&fixture, "ssoferry_rehearsed_total{", WOULD("/a", "2") WOULD("/b", "0"));
    fixture.scene.observe = fixture.routes[1].observe = false; /* and when it is over */
    assert_lines(&fixture, "ssoferry_rehearsed_total{", "ssoferry_rehearsed_total{route=\"/a\",would=\"stytch\"} 2\n");
    tear_down(&fixture);
}

/* -- times -- */

/* Every bucket whose label is not below the time has counted it, and no other. */
static void assert_buckets(struct fixture *fixture, uint64_t duration_us)
{
    double before = 0;
    size_t buckets = 0;
    char *lines = lines_with(fixture, "ssoferry_request_duration_seconds_bucket{");
    for (const char *line = lines; *line != '\0'; line = strchr(line, '\n') + 1, ++buckets) {
        double limit_us = strtod(strchr(line, '"') + 1, NULL) * 1e6;
        unsigned long counted = strtoul(strchr(line, ' '), NULL, 10);
        assert_true(limit_us > before);
        if (counted != ((double)duration_us <= limit_us + 0.01 ? WORKERS : 0))
            fail_msg("%" PRIu64 " us: %.*s", duration_us, (int)strcspn(line, "\n"), line);
        before = limit_us;
    }
    assert_true(buckets > 10 && strstr(lines, "_bucket{le=\"+Inf\"} 2\n") != NULL);
    free(lines);
}

static void a_time_is_in_every_bucket_that_reaches_it(void **state)
{
    static const uint64_t bounds[] = {25,    50,    100,    250,    500,    1000,    2500,    5000,    10000,
                                      25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};
    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(bounds); ++i) {
        struct fixture fixture;
        char expected[80];
        const struct decision decision = {.outcome = OUTCOME_STYTCH, .status = 307};
        const uint64_t duration_us = bounds[i / 2] + i % 2;
        set_up(&fixture);
        for (size_t worker = 0; worker < WORKERS; ++worker)
            metrics_request(fixture.workers[worker], 0, &decision, duration_us, 11);
        say(&fixture);
        assert_buckets(&fixture, duration_us);
        snprintf(expected, sizeof(expected), "ssoferry_request_duration_seconds_sum %" PRIu64 ".%06" PRIu64 "\n",
                 WORKERS * duration_us / 1000000, WORKERS * duration_us % 1000000);
        assert_lines(&fixture, "ssoferry_request_duration_seconds_sum", expected);
        assert_lines(&fixture, "ssoferry_request_duration_seconds_count",
                     "ssoferry_request_duration_seconds_count 2\n");
        assert_lines(&fixture, "ssoferry_request_body_bytes_total", "ssoferry_request_body_bytes_total 22\n");
        tear_down(&fixture);
    }
}

/* -- connections -- */

static const struct {
    enum metrics_event event;
    unsigned times;
    const char *name;
} events[] = {
    {METRICS_ACCEPTED, 40, "ssoferry_client_connections_accepted_total"},
    {METRICS_CLOSED, 9, NULL},
    {METRICS_LIMIT_REACHED, 2, "ssoferry_client_connections_refused_total"},
    {METRICS_TIMED_OUT, 3, "ssoferry_client_connections_timed_out_total"},
    {METRICS_PROXY_REFUSED, 4, "ssoferry_client_connections_without_proxy_header_total"},
    {METRICS_HEALTH_CHECKS, 5, "ssoferry_health_checks_total"},
    {METRICS_BAD_REQUESTS, 6, "ssoferry_bad_requests_total"},
    {METRICS_HANDSHAKES, 7, "ssoferry_tls_handshakes_total"},
    {METRICS_HANDSHAKES_FAILED, 8, "ssoferry_tls_handshakes_failed_total"},
};

static void each_event_is_counted_as_itself(void **state)
{
    struct fixture fixture;
    const struct metrics_certificate certificate = {.listener = "127.0.0.1:443"};
    (void)state;
    set_up(&fixture);
    fixture.scene.certificates = &certificate;
    fixture.scene.certificate_count = 1;
    for (size_t i = 0; i < COUNT_OF(events); ++i) {
        for (unsigned times = 0; times < events[i].times; ++times)
            metrics_event(fixture.workers[times % WORKERS], events[i].event);
    }
    for (size_t i = 0; i < COUNT_OF(events); ++i) {
        char expected[128];
        if (events[i].name == NULL)
            continue;
        snprintf(expected, sizeof(expected), "%s %u\n", events[i].name, events[i].times);
        assert_lines(&fixture, events[i].name, expected);
    }
    assert_lines(&fixture, "ssoferry_client_connections_open", "ssoferry_client_connections_open 31\n");
    for (unsigned times = 0; times < 32; ++times) /* seen before the other was */
        metrics_event(fixture.workers[0], METRICS_CLOSED);
    assert_lines(&fixture, "ssoferry_client_connections_open", "ssoferry_client_connections_open 0\n");
    tear_down(&fixture);
}

/* -- what stands beside the counters -- */

static void each_state_is_told_by_its_own_gauge(void **state)
{
    struct fixture fixture;
    const struct metrics_certificate certificate = {.listener = "127.0.0.1:443"};
    (void)state;
    set_up(&fixture);
    fixture.scene.certificates = &certificate;
    fixture.scene.certificate_count = 1;
    const struct {
        bool *value;
        const char *name;
    } gauges[] = {{&fixture.scene.ready, "ssoferry_ready "},
                  {&fixture.scene.configuration_current, "ssoferry_configuration_current "},
                  {&fixture.scene.table_readable, "ssoferry_table_readable "},
                  {&fixture.scene.table_in_place, "ssoferry_table_in_place "},
                  {&fixture.scene.certificates_current, "ssoferry_tls_certificates_current "}};
    for (size_t i = 0; i < COUNT_OF(gauges); ++i) {
        *gauges[i].value = true;
        for (size_t other = 0; other < COUNT_OF(gauges); ++other) {
            char expected[64];
            snprintf(expected, sizeof(expected), "%s%d\n", gauges[other].name, other == i);
            assert_lines(&fixture, gauges[other].name, expected);
        }
        *gauges[i].value = false;
    }
    tear_down(&fixture);
}

static void the_table_is_told_by_its_numbers(void **state)
{
    struct fixture fixture;
    (void)state;
    set_up(&fixture);
    fixture.scene.now = 5000 * INT64_C(1000000);
    assert_lines(&fixture, "ssoferry_table_revision", "ssoferry_table_revision 0\n");
    assert_lines(&fixture, "ssoferry_table_age_seconds", ""); /* nothing was ever loaded */
    fixture.scene.table =
        (struct table_state){.revision = 1, .changed_at = 4000 * INT64_C(1000000), .rows = {11, 12, 13}};
    assert_lines(&fixture, "ssoferry_table_revision", "ssoferry_table_revision 1\n");
    assert_lines(&fixture, "ssoferry_table_age_seconds", "ssoferry_table_age_seconds 1000\n");
    assert_lines(&fixture, "ssoferry_table_connections{",
                 "ssoferry_table_connections{state=\"stytch\"} 11\nssoferry_table_connections{state=\"legacy\"} 12\n"
                 "ssoferry_table_connections{state=\"disabled\"} 13\n");
    fixture.scene.now = 3000 * INT64_C(1000000); /* the clock was set back */
    assert_lines(&fixture, "ssoferry_table_age_seconds", "ssoferry_table_age_seconds 0\n");
    tear_down(&fixture);
}

static void rows_are_told_once_they_are_looked_through(void **state)
{
    struct fixture fixture;
    (void)state;
    set_up(&fixture);
    fixture.scene.rows = (struct metrics_rows){.unusable = {90, 1, 2, 3, 4}, .checksum = 77};
    assert_lines(&fixture, "ssoferry_table_unusable_rows", "");
    fixture.scene.rows.looked_through = true;
    assert_lines(&fixture, "ssoferry_table_unusable_rows",
                 "ssoferry_table_unusable_rows{reason=\"unreached\"} 1\n"
                 "ssoferry_table_unusable_rows{reason=\"no_legacy_url\"} 2\n"
                 "ssoferry_table_unusable_rows{reason=\"url\"} 3\nssoferry_table_unusable_rows{reason=\"record\"} 4\n");
    assert_lines(&fixture, "ssoferry_table_checksum", ""); /* of a table that was changed meanwhile */
    fixture.scene.rows.has_checksum = true;
    assert_lines(&fixture, "ssoferry_table_checksum", "ssoferry_table_checksum 77\n");
    tear_down(&fixture);
}

static void usage_and_log_are_told(void **state)
{
    struct fixture fixture;
    (void)state;
    set_up(&fixture);
    fixture.scene.usage_flush_age_ms = 61034;
    fixture.scene.usage_flush_failures = 5;
    fixture.scene.log_lines_dropped = 6;
    assert_lines(&fixture, "ssoferry_usage", "");
    assert_lines(&fixture, "ssoferry_log_lines_dropped_total", "ssoferry_log_lines_dropped_total 6\n");
    fixture.scene.has_usage = true;
    assert_lines(&fixture, "ssoferry_usage",
                 "ssoferry_usage_flush_age_seconds 61.034\nssoferry_usage_flush_failures_total 5\n");
    tear_down(&fixture);
}

static void certificates_are_told_where_there_are_any(void **state)
{
    struct fixture fixture;
    const struct metrics_certificate certificates[] = {
        {.listener = "127.0.0.1:443", .names = "a.example.com, b.example.com", .expires_at = 1500},
        {.listener = "[::1]:443", .names = "c.example.com", .expires_at = 400}};
    (void)state;
    set_up(&fixture);
    assert_lines(&fixture, "ssoferry_tls", "");
    fixture.scene.now = 500 * INT64_C(1000000);
    fixture.scene.certificates = certificates;
    fixture.scene.certificate_count = COUNT_OF(certificates);
    assert_lines(&fixture, "ssoferry_tls_certificate_expiry_seconds{",
                 "ssoferry_tls_certificate_expiry_seconds{listener=\"127.0.0.1:443\",names=\"a.example.com, "
                 "b.example.com\"} 1000\n"
                 "ssoferry_tls_certificate_expiry_seconds{listener=\"[::1]:443\",names=\"c.example.com\"} -100\n");
    tear_down(&fixture);
}

static void a_label_ends_where_it_should(void **state)
{
    struct fixture fixture;
    (void)state;
    set_up(&fixture);
    fixture.routes[0].name = TEXT("/a\"\\\n/");
    fixture.scene.route_count = 1;
    assert_lines(&fixture, "ssoferry_unknown_identifiers_total{",
                 "ssoferry_unknown_identifiers_total{route=\"/a\\\"\\\\?/\"} 0\n");
    assert_lines(&fixture, "ssoferry_build_info", "ssoferry_build_info{version=\"" SSOFERRY_VERSION "\"} 1\n");
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_is_counted_as_itself),
        cmocka_unit_test(what_alerts_watch_is_there_from_the_start),
        cmocka_unit_test(new_routes_start_anew_and_the_rest_goes_on),
        cmocka_unit_test(a_request_for_no_row_is_counted_once),
        cmocka_unit_test(a_rehearsal_says_what_would_have_been),
        cmocka_unit_test(a_time_is_in_every_bucket_that_reaches_it),
        cmocka_unit_test(each_event_is_counted_as_itself),
        cmocka_unit_test(each_state_is_told_by_its_own_gauge),
        cmocka_unit_test(the_table_is_told_by_its_numbers),
        cmocka_unit_test(rows_are_told_once_they_are_looked_through),
        cmocka_unit_test(usage_and_log_are_told),
        cmocka_unit_test(certificates_are_told_where_there_are_any),
        cmocka_unit_test(a_label_ends_where_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
