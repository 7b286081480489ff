#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ssoferry/gateway.h"
#include "ssoferry/status.h"

#define ID_LIVE      "saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be9"
#define ID_TEST      "saml-connection-test-51861cbc-d3b9-428b-9761-227f5fb12be9"
#define LIVE         "https://api.stytch.com/v1/b2b/sso/callback/" ID_LIVE
#define TEST_PROJECT "https://test.stytch.com/v1/b2b/sso/callback/" ID_TEST
#define CUSTOM       "https://login.globex-app.com/v1/b2b/sso/callback/" ID_LIVE

/* Rows of the table under test. */
static const struct {
    const char *source, *identifier;
    struct connection row;
} rows[] = {
    {"default", "acme", {.connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1}}},
    {"default", "testing", {.connection_id = {ID_TEST, sizeof(ID_TEST) - 1}}},
    {"default", "custom", {.connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1}, .acs_url = {CUSTOM, sizeof(CUSTOM) - 1}}},
    {"default",
     "own-query",
     {.connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1}, .acs_url = {CUSTOM "?k=v", sizeof(CUSTOM "?k=v") - 1}}},
    {"default",
     "bare",
     {.connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1}, .acs_url = {"https://login.globex-app.com?a=/b", 33}}},
    {"default",
     "bent",
     {.connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1},
      .acs_url = {"https://evil.example/" ID_LIVE, sizeof("https://evil.example/" ID_LIVE) - 1}}},
    {"default", "seen", {.connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1}, .redirect = REDIRECT_303}},
    {"default", "form", {.connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1}, .redirect = REDIRECT_FORM}},
    {"default", "off", {.state = CONNECTION_DISABLED, .connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1}}},
    {"default", "old", {.state = CONNECTION_LEGACY, .connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1}}},
    {"default", "older", {.state = CONNECTION_LEGACY, .legacy_url = {"https://legacy.example.net/own", 30}}},
    {"default", "bent-legacy", {.state = CONNECTION_LEGACY, .legacy_url = {"https://evil.example/own", 24}}},
    {"default", "a/b", {.connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1}}},
    {"default", "\xc3\xa9t\xc3\xa9", {.connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1}}},
    {"dots", ".", {.connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1}}},
    {"folded", "acme", {.connection_id = {ID_LIVE, sizeof(ID_LIVE) - 1}}},
    {"folded", "MiXed", {.connection_id = {ID_TEST, sizeof(ID_TEST) - 1}}},
};

struct fixture {
    char directory[64];
    char path[96];
    struct table *table;
    struct lookup *lookup;
    struct arena *arena;
    struct allowed_hosts *stytch, *legacy;
    struct route routes[12];
    struct gateway_settings settings;
};

static void must(bool good, const struct error *error)
{
    if (!good)
        fail_msg("%s", error->message);
}

static void fill(struct fixture *fixture)
{
    struct error error = {ERROR_NONE, ""};
    struct change *change = NULL;
    const struct revision_note note = {.command = "load", .actor = "test"};
    must(change_begin(&change, fixture->table, &error), &error);
    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        char key[CONNECTION_KEY_SIZE_MAX];
        char record[CONNECTION_RECORD_SIZE_MAX];
        size_t key_size = connection_key(text_of(rows[i].source), text_of(rows[i].identifier), key);
        size_t size = connection_encode(&rows[i].row, record);
        must(change_put(change, text_slice(key, key_size), text_slice(record, size), &error), &error);
    }
    must(change_commit(change, &note, NULL, &error), &error);
}

static void add_route(struct fixture *fixture, const char *match, const char *source, const char *legacy_url)
{
    char why[256];
    struct route *route = &fixture->routes[fixture->settings.route_count++];
    *route = (struct route){.source = text_of(source),
                            .relay_state_key = TEXT("idp"),
                            .legacy_url = text_of(legacy_url),
                            .name = text_of(match)};
    if (!template_parse(&route->template, text_of(match), why, NULL))
        fail_msg("%s", why);
    if (!template_has_identifier(route->template))
        route->identify_by = IDENTIFY_BY_RELAY_STATE;
}

static int set_up(void **state)
{
    static const struct text in_flight[] = {{"legacy-", 7}};
    struct fixture *fixture = memory_zeroed(1, sizeof(*fixture));
    struct error error = {ERROR_NONE, ""};
    const struct table_options options = {.mode = TABLE_WRITE, .map_size = 16 << 20};
    const char *why = NULL;
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/ssoferry-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof(fixture->path), "%s/t.mdb", fixture->directory);
    must(table_open(&fixture->table, fixture->path, &options, &error), &error);
    must(lookup_open(&fixture->lookup, fixture->table, &error), &error);
    fixture->arena = arena_new();
    fixture->stytch = allowed_hosts_new();
    fixture->legacy = allowed_hosts_new();
    allowed_hosts_add_stytch(fixture->stytch);
    assert_true(allowed_hosts_add(fixture->stytch, TEXT("login.globex-app.com"), &why));
    assert_true(allowed_hosts_add(fixture->legacy, TEXT("legacy.example.net"), &why));
    fixture->settings = (struct gateway_settings){
        .routes = fixture->routes,
        .live_url = TEXT("https://api.stytch.com"),
        .test_url = TEXT("https://test.stytch.com"),
        .redirect = REDIRECT_307,
        .stytch_hosts = fixture->stytch,
        .legacy_hosts = fixture->legacy,
        .body_limit = 1 << 20,
        .uri_limit = 16 << 10,
    };
    add_route(fixture, "/old-sso/{identifier}", "default", "");
    add_route(fixture, "/see-other/{identifier}", "default", "");
    fixture->routes[1].redirect = REDIRECT_303;
    add_route(fixture, "/login?connection={identifier}", "default", "https://legacy.example.net/login");
    fixture->routes[2].unknown_is_legacy = true;
    add_route(fixture, "/both/{identifier}/acs", "default",
              "https://legacy.example.net/saml/{identifier}/acs?from=gateway");
    fixture->routes[3].unknown_is_legacy = true;
    fixture->routes[3].legacy_relay_states = in_flight;
    fixture->routes[3].legacy_relay_state_count = 1;
    add_route(fixture, "/fold/{identifier}", "folded", "");
    fixture->routes[4].fold_case = true;
    add_route(fixture, "/rehearsal/{identifier}", "default", "https://legacy.example.net/r/{identifier}");
    fixture->routes[5].observe = true;
    add_route(fixture, "/round/{identifier}", "default", "https://legacy.example.net/round/{identifier}");
    fixture->routes[6].unknown_is_legacy = true;
    add_route(fixture, "/shared", "default", "https://legacy.example.net/shared");
    fixture->routes[7].identify_by = IDENTIFY_BY_ISSUER;
    fixture->routes[7].unknown_is_legacy = true;
    add_route(fixture, "/shared-state", "default", "https://legacy.example.net/shared-state");
    fixture->routes[8].unknown_is_legacy = true;
    add_route(fixture, "/strict", "default", "https://legacy.example.net/strict");
    fixture->routes[9].identify_by = IDENTIFY_BY_ISSUER;
    add_route(fixture, "/unfilled", "default", "https://legacy.example.net/shared/{identifier}");
    fixture->routes[10].identify_by = IDENTIFY_BY_ISSUER;
    fixture->routes[10].unknown_is_legacy = true;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char lock[128];
    for (size_t i = 0; i < fixture->settings.route_count; ++i)
        template_free(fixture->routes[i].template);
    allowed_hosts_free(fixture->stytch);
    allowed_hosts_free(fixture->legacy);
    arena_free(fixture->arena);
    lookup_close(fixture->lookup);
    table_close(fixture->table);
    snprintf(lock, sizeof(lock), "%s-lock", fixture->path);
    unlink(fixture->path);
    unlink(lock);
    rmdir(fixture->directory);
    free(fixture);
    return 0;
}

static void decide(struct fixture *fixture, struct request *request, const char *target, struct decision *decision)
{
    struct text whole = text_of(target);
    size_t question = text_find(whole, '?', 0);
    request->path = text_slice(whole.at, question);
    request->has_query = question < whole.size;
    request->query =
        request->has_query ? text_slice(whole.at + question + 1, whole.size - question - 1) : (struct text){0};
    if (request->host.at == NULL)
        request->host = TEXT("sso.example.com");
    gateway_decide(&fixture->settings, fixture->lookup, request, arena_memory(fixture->arena), NULL, decision);
    assert_string_not_equal(status_phrase(decision->status), ""); /* each status that comes up has one */
}

static const struct {
    const char *method, *target;
    unsigned status;
    const char *outcome, *reason, *location;
} decisions[] = {
    {"POST", "/old-sso/acme", 307, "stytch", "", LIVE},
    {"GET", "/old-sso/acme", 307, "stytch", "", LIVE},
    {"HEAD", "/old-sso/acme", 307, "stytch", "", LIVE},
    {"POST", "/old-sso/acme/", 307, "stytch", "", LIVE},
    {"POST", "//old-sso//acme", 307, "stytch", "", LIVE},
    {"POST", "/old-sso/testing", 307, "stytch", "", TEST_PROJECT},
    {"POST", "/old-sso/custom", 307, "stytch", "", CUSTOM},
    {"POST", "/old-sso/a%2Fb", 307, "stytch", "", LIVE},
    {"POST", "/old-sso/%C3%A9t%c3%a9", 307, "stytch", "", LIVE},
    {"POST", "/old-sso/acme?", 307, "stytch", "", LIVE "?"},
    {"POST", "/old-sso/acme?a=1&b=%20+%zz&&c", 307, "stytch", "", LIVE "?a=1&b=%20+%zz&&c"},
    {"POST", "/old-sso/acme??x", 307, "stytch", "", LIVE "??x"},
    {"POST", "/old-sso/own-query?x=1", 307, "stytch", "", CUSTOM "?k=v&x=1"},
    {"POST", "/old-sso/own-query", 307, "stytch", "", CUSTOM "?k=v"},
    {"POST", "/old-sso/seen", 303, "stytch", "", LIVE},
    {"POST", "/see-other/acme", 303, "stytch", "", LIVE},
    {"POST", "/see-other/form", 307, "stytch", "", LIVE},
    {"GET", "/login?connection=acme", 307, "stytch", "", LIVE},
    {"GET", "/login?x=1&connection=acme&y=%2f", 307, "stytch", "", LIVE "?x=1&y=%2f"},
    {"POST", "/old-sso/off", 410, "disabled", "state", ""},
    {"POST", "/old-sso/nobody", 404, "unknown", "", ""},
    {"POST", "/old-sso/ACME", 404, "unknown", "", ""},
    {"POST", "/old-sso/a/b", 404, "no_route", "", ""},
    {"POST", "/old-sso/..", 404, "unknown", "", ""},
    {"POST", "/", 404, "no_route", "", ""},
    {"POST", "/old-sso", 404, "no_route", "", ""},
    {"POST", "/old-sso/", 400, "malformed", "empty_identifier", ""},
    {"POST", "/old-sso/%zz", 400, "malformed", "bad_encoding", ""},
    {"POST", "/old-sso/%00", 400, "malformed", "control_character", ""},
    {"POST", "/old-sso/%ff", 400, "malformed", "bad_utf8", ""},
    {"POST", "old-sso/acme", 400, "malformed", "bad_path", ""},
    {"PUT", "/old-sso/acme", 405, "method", "", ""},
    {"post", "/old-sso/acme", 405, "method", "", ""},
    {"POST", "/old-sso/bent", 503, "unavailable", "host_not_allowed", ""},
    {"POST", "/old-sso/bent-legacy", 503, "unavailable", "host_not_allowed", ""},
    {"POST", "/old-sso/old", 503, "unavailable", "no_legacy_url", ""},
    {"POST", "/old-sso/older?x=1", 307, "legacy", "state", "https://legacy.example.net/own?x=1"},
    {"POST", "/both/old/acs?x=1", 307, "legacy", "state", "https://legacy.example.net/saml/old/acs?from=gateway&x=1"},
    {"POST", "/both/new%2Fone/acs", 307, "legacy", "unknown_legacy",
     "https://legacy.example.net/saml/new%2Fone/acs?from=gateway"},
    {"POST", "/both/%2e%2e/acs", 404, "unknown", "", ""},
    {"POST", "/both/./acs", 404, "unknown", "", ""},
    {"POST", "/both/.../acs", 307, "legacy", "unknown_legacy", "https://legacy.example.net/saml/.../acs?from=gateway"},
    {"GET", "/login?x=1&connection=nobody", 307, "legacy", "unknown_legacy",
     "https://legacy.example.net/login?x=1&connection=nobody"},
    {"POST", "/fold/ACME", 307, "stytch", "", LIVE},
    {"POST", "/fold/MiXed", 307, "stytch", "", TEST_PROJECT},
    {"POST", "/fold/mixed", 404, "unknown", "", ""},
    {"POST", "/rehearsal/acme", 307, "legacy", "observe", "https://legacy.example.net/r/acme"},
    {"POST", "/rehearsal/nobody", 307, "legacy", "observe", "https://legacy.example.net/r/nobody"},
};

static void every_row_of_the_decision_table_holds(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    for (size_t i = 0; i < COUNT_OF(decisions); ++i) {
        struct request request = {.method = method_parse(text_of(decisions[i].method))};
        struct decision decision;
        decide(fixture, &request, decisions[i].target, &decision);
        if (decision.status != decisions[i].status ||
            strcmp(outcome_name(decision.outcome), decisions[i].outcome) != 0 ||
            strcmp(decision_reason_code(&decision), decisions[i].reason) != 0 ||
            !text_equal(decision.location, text_of(decisions[i].location)))
            fail_msg("%s %s: %u %s (%s) \"%.*s\"", decisions[i].method, decisions[i].target, decision.status,
                     outcome_name(decision.outcome), decision_reason_code(&decision), TEXT_ARGS(decision.location));
        assert_int_equal(decision.status >= 400, decision.explanation[0] != '\0');
        assert_int_equal(decision.reason == REASON_HOST_NOT_ALLOWED, decision.error.kind != ERROR_NONE);
    }
}

static void a_decision_tells_what_the_table_said(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision;
    struct request request = {.method = METHOD_POST};
    fill(fixture);
    decide(fixture, &request, "/fold/ACME", &decision);
    assert_int_equal(decision.row, ROW_FOUND);
    assert_text(decision.identifier, "acme");
    decide(fixture, &request, "/fold/NoBody", &decision);
    assert_int_equal(decision.row, ROW_ABSENT);
    assert_text(decision.identifier, "NoBody");
    decide(fixture, &request, "/old-sso/%zz", &decision);
    assert_int_equal(decision.row, ROW_NOT_ASKED);
    decide(fixture, &request, "/old-sso/bare", &decision); /* its acs_url is shorter than the id, and does not end so */
    assert_int_equal(decision.status, 307);
    assert_text(decision.connection_id, ID_LIVE);
}

/* A RelayState may be a secret, unless the table has it. */
static void who_may_be_named(void **state)
{
    static const struct {
        const char *target, *body;
        bool is_public;
    } cases[] = {
        {"/old-sso/acme", "", true},
        {"/old-sso/nobody", "", true},
        {"/elsewhere", "", true},
        {"/shared-state", "RelayState=acme", true},
        {"/shared-state", "RelayState=nobody", false},
    };
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        struct request request = {.method = METHOD_POST,
                                  .content_type = TEXT("application/x-www-form-urlencoded"),
                                  .body = text_of(cases[i].body)};
        decide(fixture, &request, cases[i].target, &decision);
        assert_int_equal(decision_identifier_is_public(&decision), cases[i].is_public);
    }
}

/* What reads it says that it is damaged, which is no word on whether the customer is known. */
static void a_row_that_cannot_be_read_is_no_unknown_one(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {ERROR_NONE, ""};
    struct change *change = NULL;
    struct decision decision;
    struct request request = {.method = METHOD_POST}, other = {.method = METHOD_OTHER};
    struct request posted = {.method = METHOD_POST,
                             .content_type = TEXT("application/x-www-form-urlencoded"),
                             .body = TEXT("RelayState=damaged")};
    const struct revision_note note = {.command = "load", .actor = "test"};
    fill(fixture);
    must(change_begin(&change, fixture->table, &error), &error);
    must(change_put(change, text_slice("default\0damaged", 15), text_slice("\1\0\1", 3), &error), &error);
    must(change_put(change, text_slice("folded\0damaged", 14), text_slice("\1\0\1", 3), &error), &error);
    must(change_commit(change, &note, NULL, &error), &error);
    fixture->routes[0].unknown_is_legacy = true;
    fixture->routes[0].legacy_url = TEXT("https://legacy.example.net/old");
    decide(fixture, &request, "/old-sso/damaged", &decision);
    assert_int_equal(decision.status, 503);
    assert_string_equal(decision_reason_code(&decision), "record");
    assert_string_equal(decision.error.message, "the record is damaged");
    assert_int_equal(decision.row, ROW_UNREADABLE);
    decide(fixture, &request, "/fold/DAMAGED", &decision);
    assert_int_equal(decision.row, ROW_UNREADABLE);
    assert_text(decision.identifier, "damaged");
    decide(fixture, &posted, "/shared-state", &decision);
    assert_int_equal(decision.row, ROW_UNREADABLE);
    assert_true(decision_identifier_is_public(&decision));
    decide(fixture, &other, "/old-sso/damaged", &decision);
    assert_int_equal(decision.status, 405);
    assert_int_equal(decision.row, ROW_UNREADABLE);
    assert_int_equal(decision.error.kind, ERROR_NONE); /* it did not decide anything */
}

/* An identifier of dots, put where a browser would go up by it, would be another address of the old system. */
static void no_identifier_is_a_step_to_another_path(void **state)
{
    static const struct {
        const char *pattern, *target, *location; /* NULL: unknown */
    } cases[] = {
        {"https://legacy.example.net/a/{identifier}", "/round/..", NULL},
        {"https://legacy.example.net/a/{identifier}", "/round/%2e", NULL},
        {"https://legacy.example.net/a/{identifier}?b=c", "/round/..", NULL},
        {"https://legacy.example.net/a/{identifier}/acs", "/round/.", NULL},
        {"https://legacy.example.net/a/{identifier}.xml", "/round/..", "https://legacy.example.net/a/...xml"},
        {"https://legacy.example.net/a-{identifier}", "/round/..", "https://legacy.example.net/a-.."},
        {"https://legacy.example.net/a?of=/{identifier}", "/round/..", "https://legacy.example.net/a?of=/.."},
        {"https://legacy.example.net/a?of={identifier}&", "/round/x?b=c", "https://legacy.example.net/a?of=x&b=c"},
    };
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        struct request request = {.method = METHOD_POST};
        fixture->routes[6].legacy_url = text_of(cases[i].pattern);
        decide(fixture, &request, cases[i].target, &decision);
        assert_int_equal(decision.status, cases[i].location == NULL ? 404 : 307);
        assert_text(decision.location, cases[i].location == NULL ? "" : cases[i].location);
    }
}

struct counting {
    struct memory memory;
    size_t bytes;
};

static void *count_and_allocate(void *context, size_t size)
{
    struct counting *counting = context;
    counting->bytes += size;
    return counting->memory.allocate(counting->memory.context, size);
}

/* The message is decoded once for the page, also in a rehearsal, where Stytch's page would be another one; and not at
 * all where there is none. */
static void a_form_is_decoded_for_its_page_alone(void **state)
{
    enum { ESCAPES = 5000 };
    static char body[2 + ESCAPES * 3] = "a=";
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    for (size_t i = 2; i < sizeof(body); i += 3)
        memcpy(body + i, "%41", 3);
    const struct request form = {.method = METHOD_POST,
                                 .host = TEXT("sso.example.com"),
                                 .path = TEXT("/old-sso/form"),
                                 .content_type = TEXT("application/x-www-form-urlencoded"),
                                 .body = {body, sizeof(body)}};
    size_t bytes_of_page = 0;
    for (int turn = 0; turn < 3; ++turn) {
        const bool rehearsal = turn > 0, has_page = turn < 2;
        struct counting counting = {.memory = arena_memory(fixture->arena)};
        struct request request = form;
        fixture->routes[0].observe = rehearsal;
        fixture->routes[0].legacy_url = TEXT("https://legacy.example.net/old");
        if (!has_page)
            request.path = TEXT("/old-sso/acme");
        gateway_decide(&fixture->settings, fixture->lookup, &request, (struct memory){count_and_allocate, &counting},
                       NULL, &decision);
        assert_int_equal(decision.observed, rehearsal);
        assert_int_equal(decision.redirect, has_page ? REDIRECT_FORM : REDIRECT_307);
        assert_int_equal(decision.status, has_page ? 200 : 307);
        if (has_page) {
            assert_int_equal(decision.form.items[0].value.size, ESCAPES);
            assert_true(turn == 0 || counting.bytes < bytes_of_page + ESCAPES);
            bytes_of_page = counting.bytes;
        } else {
            assert_true(counting.bytes < ESCAPES);
        }
    }
}

/* Puts a row whose label cannot be read, though all that comes before it could. */
static void put_unreadable(const struct fixture *fixture, const char *identifier)
{
    struct error error = {ERROR_NONE, ""};
    struct change *change = NULL;
    const struct revision_note note = {.command = "load", .actor = "test"};
    const struct connection row = {.state = CONNECTION_LEGACY,
                                   .redirect = REDIRECT_FORM,
                                   .legacy_url = TEXT("https://legacy.example.net/own"),
                                   .label = TEXT("x")};
    char key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
    const size_t key_size = connection_key(TEXT("default"), text_of(identifier), key);
    const size_t size = connection_encode(&row, record);
    record[size - 1] = '\x01';
    must(change_begin(&change, fixture->table, &error), &error);
    must(change_put(change, text_slice(key, key_size), text_slice(record, size), &error), &error);
    must(change_commit(change, &note, NULL, &error), &error);
}

static void nothing_is_taken_from_a_row_that_cannot_be_read(void **state)
{
    struct fixture *fixture = *state;
    struct request form = {
        .method = METHOD_POST, .content_type = TEXT("application/x-www-form-urlencoded"), .body = TEXT("a=1")};
    struct decision decision;
    fill(fixture);
    put_unreadable(fixture, "broken");
    fixture->routes[0].observe = true;
    fixture->routes[0].legacy_url = TEXT("https://legacy.example.net/route");
    decide(fixture, &form, "/old-sso/broken", &decision);
    assert_int_equal(decision.row, ROW_UNREADABLE);
    assert_text(decision.location, "https://legacy.example.net/route");
    assert_int_equal(decision.redirect, REDIRECT_307);
}

/* As there is none whose address it could name. */
static void a_rehearsal_sends_no_dots_to_stytch(void **state)
{
    struct fixture *fixture = *state;
    struct request request = {.method = METHOD_POST};
    struct decision decision;
    fill(fixture);
    add_route(fixture, "/dots/{identifier}", "dots", "");
    struct route *route = &fixture->routes[fixture->settings.route_count - 1];
    route->observe = true;
    decide(fixture, &request, "/dots/.", &decision);
    assert_int_equal(decision.outcome, OUTCOME_STYTCH); /* a route without a legacy URL takes no part in a rehearsal */
    route->legacy_url = TEXT("https://legacy.example.net/dots/{identifier}");
    decide(fixture, &request, "/dots/.", &decision);
    assert_int_equal(decision.outcome, OUTCOME_UNKNOWN);
    assert_int_equal(decision.location.size, 0);
    decide(fixture, &request, "/dots/acme", &decision);
    assert_text(decision.location, "https://legacy.example.net/dots/acme");
    route->legacy_url = TEXT("https://legacy.example.net/dots?of={identifier}");
    decide(fixture, &request, "/dots/.", &decision);
    assert_text(decision.location, "https://legacy.example.net/dots?of=.");
}

static void a_form_is_posted_again_only_where_there_is_one(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    struct request form = {.method = METHOD_POST,
                           .content_type = TEXT("application/x-www-form-urlencoded; charset=utf-8"),
                           .body = TEXT("a=1")};
    decide(fixture, &form, "/old-sso/form", &decision);
    assert_int_equal(decision.status, 200);
    assert_int_equal(decision.redirect, REDIRECT_FORM);
    assert_text(decision.location, LIVE);
    form.body = TEXT("a=%00");
    decide(fixture, &form, "/old-sso/form", &decision);
    assert_int_equal(decision.status, 307);
    assert_int_equal(decision.redirect, REDIRECT_307);
    form.body = TEXT("a=1");
    decide(fixture, &form, "/old-sso/form?a=\xff", &decision);
    assert_int_equal(decision.status, 307);
    struct request other = {.method = METHOD_POST, .content_type = TEXT("text/xml"), .body = TEXT("<a/>")};
    decide(fixture, &other, "/old-sso/form", &decision);
    assert_int_equal(decision.status, 307);
    struct request get = {.method = METHOD_GET, .content_type = form.content_type}; /* as some clients always send it */
    for (size_t i = 0; i < 2; ++i) {
        decide(fixture, &get, "/old-sso/form", &decision);
        assert_int_equal(decision.status, 307);
        get.method = METHOD_HEAD;
    }
}

static void a_login_that_the_old_side_started_ends_there(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    struct request request = {.method = METHOD_POST,
                              .content_type = TEXT("application/x-www-form-urlencoded"),
                              .body = TEXT("SAMLResponse=x&RelayState=legacy-1")};
    decide(fixture, &request, "/both/acme/acs", &decision);
    assert_string_equal(outcome_name(decision.outcome), "legacy");
    assert_string_equal(decision_reason_code(&decision), "relay_state");
    assert_text(decision.location, "https://legacy.example.net/saml/acme/acs?from=gateway");
    request.body = TEXT("SAMLResponse=x&RelayState=other");
    decide(fixture, &request, "/both/acme/acs", &decision);
    assert_string_equal(outcome_name(decision.outcome), "stytch");
    request.body = TEXT("RelayState=legacy-1");
    decide(fixture, &request, "/both/off/acs", &decision);
    assert_string_equal(outcome_name(decision.outcome), "disabled");
    decide(fixture, &request, "/both/nobody/acs", &decision);
    assert_string_equal(decision_reason_code(&decision), "relay_state");
    fixture->routes[3].legacy_url = TEXT("https://legacy.example.net/acs"); /* one that names nobody */
    decide(fixture, &request, "/both/%zz/acs", &decision);
    assert_string_equal(decision_reason_code(&decision), "relay_state");
    assert_text(decision.location, "https://legacy.example.net/acs");
}

#define FORM   "application/x-www-form-urlencoded"
#define LEGACY "https://legacy.example.net"
/* <p:LogoutResponse xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"/>, and <x/> without its end */
#define LOGOUT  "SAMLResponse=PHA6TG9nb3V0UmVzcG9uc2UgeG1sbnM6cD0idXJuOm9hc2lzOm5hbWVzOnRjOlNBTUw6Mi4wOnByb3RvY29sIi8%2B"
#define CUT_OFF "SAMLResponse=PHgv"
#define HUNDRED "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
#define LONG    HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED /* for a name */

static void what_is_no_sign_in_by_saml_goes_where_the_unknown_go(void **state)
{
    static const struct {
        const char *method, *content_type, *target, *body;
        unsigned status;
        const char *outcome, *reason, *location;
    } cases[] = {
        {"GET", "", "/shared?code=abc&state=x", "", 307, "legacy", "no_saml_response",
         LEGACY "/shared?code=abc&state=x"},
        {"HEAD", "", "/shared", "", 307, "legacy", "no_saml_response", LEGACY "/shared"},
        {"POST", FORM, "/shared?a=b", "SAMLRequest=x", 307, "legacy", "no_saml_response", LEGACY "/shared?a=b"},
        {"POST", FORM, "/shared", "SAMLart=x", 307, "legacy", "saml_artifact", LEGACY "/shared"},
        {"POST", "application/json", "/shared", "{}", 307, "legacy", "not_a_form", LEGACY "/shared"},
        {"POST", FORM, "/shared", LOGOUT, 307, "legacy", "not_a_response", LEGACY "/shared"},
        {"POST", FORM, "/shared", CUT_OFF, 400, "malformed", "bad_xml", ""}, /* a damaged one is nobody's else */
        {"PUT", "", "/shared", "", 405, "method", "", ""},
        {"GET", "", "/shared-state?code=abc", "", 307, "legacy", "no_relay_state", LEGACY "/shared-state?code=abc"},
        {"POST", FORM, "/shared-state", "RelayState={}", 307, "legacy", "bad_relay_state", LEGACY "/shared-state"},
        {"POST", FORM, "/shared-state", "RelayState={}&" LOGOUT, 307, "legacy", "unknown_legacy",
         LEGACY "/shared-state"},
        {"POST", FORM, "/shared-state", LOGOUT, 307, "legacy", "unknown_legacy", LEGACY "/shared-state"},
        {"GET", "", "/shared-state?SAMLResponse=x", "", 307, "legacy", "unknown_legacy",
         LEGACY "/shared-state?SAMLResponse=x"},
        {"POST", FORM, "/shared-state?SAMLResponse=x", "a=b", 307, "legacy", "no_relay_state",
         LEGACY "/shared-state?SAMLResponse=x"},
        {"POST", FORM, "/shared-state", "RelayState=" LONG, 307, "legacy", "identifier_too_long",
         LEGACY "/shared-state"},
        {"POST", FORM, "/shared-state", "RelayState=" LONG "&" LOGOUT, 307, "legacy", "unknown_legacy",
         LEGACY "/shared-state"},
        {"GET", "", "/shared-state?SAMLResponse=x&RelayState=" LONG, "", 307, "legacy", "unknown_legacy",
         LEGACY "/shared-state?SAMLResponse=x&RelayState=" LONG},
        {"GET", "", "/login?connection=" LONG, "", 400, "malformed", "identifier_too_long", ""},
        {"POST", FORM, "/shared-state", "RelayState=%00", 400, "malformed", "control_character", ""},
        {"GET", "", "/strict?code=abc", "", 400, "malformed", "no_saml_response", ""},
        {"GET", "", "/unfilled?code=abc", "", 400, "malformed", "no_saml_response", ""},
        {"GET", "", "/both/%zz/acs", "", 400, "malformed", "bad_encoding", ""},
    };
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        struct request request = {.method = method_parse(text_of(cases[i].method)),
                                  .content_type = text_of(cases[i].content_type),
                                  .body = text_of(cases[i].body)};
        decide(fixture, &request, cases[i].target, &decision);
        if (decision.status != cases[i].status || strcmp(outcome_name(decision.outcome), cases[i].outcome) != 0 ||
            strcmp(decision_reason_code(&decision), cases[i].reason) != 0 ||
            !text_equal(decision.location, text_of(cases[i].location)))
            fail_msg("%s %s: %u %s (%s) \"%.*s\"", cases[i].method, cases[i].target, decision.status,
                     outcome_name(decision.outcome), decision_reason_code(&decision), TEXT_ARGS(decision.location));
        assert_int_equal(decision.status >= 400, decision.explanation[0] != '\0');
        assert_int_equal(decision.row, ROW_NOT_ASKED);
        assert_int_equal(decision.detail != NULL, strcmp(cases[i].reason, "unknown_legacy") == 0);
    }
    struct request get = {.method = METHOD_GET, .host = TEXT("legacy.example.net")};
    decide(fixture, &get, "/shared?code=abc", &decision);
    assert_int_equal(decision.status, 508);
    struct request nameless = {.method = METHOD_POST, .content_type = TEXT(FORM), .body = TEXT(LOGOUT)};
    fixture->routes[8].legacy_url = TEXT(LEGACY "/{identifier}");
    decide(fixture, &nameless, "/shared-state", &decision);
    assert_string_equal(decision_reason_code(&decision), "no_relay_state");
    assert_int_equal(decision.status, 400);
    assert_null(decision.detail);
    struct request unfilled = {.method = METHOD_GET};
    fixture->settings.unmatched_url = TEXT(LEGACY);
    decide(fixture, &unfilled, "/unfilled?code=abc", &decision);
    assert_text(decision.location, LEGACY "/unfilled?code=abc");
    assert_string_equal(decision_reason_code(&decision), "no_saml_response");
}

static void a_legacy_url_may_keep_the_path(void **state)
{
    static const struct {
        const char *target, *location;
    } cases[] = {
        {"/both/nobody/acs?a=%zz", LEGACY "/both/nobody/acs?a=%zz"},
        {"/both//no%2fbody/acs/", LEGACY "/both//no%2fbody/acs/"},
        {"/both/../acs", LEGACY "/both/../acs"}, /* as the old system would have got it */
        {"/login?x=1&connection=nobody", LEGACY "/login?x=1&connection=nobody"},
        {"/login?connection=old", LEGACY "/login?connection=old"},
        {"/login?connection=older&x=1", LEGACY "/own?connection=older&x=1"}, /* the row's own goes before it */
        {"/shared-state?code=abc", LEGACY "/shared-state?code=abc"},
    };
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    for (size_t i = 0; i < fixture->settings.route_count; ++i)
        fixture->routes[i].legacy_url = TEXT(LEGACY "{path}");
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        struct request request = {.method = METHOD_GET};
        decide(fixture, &request, cases[i].target, &decision);
        assert_string_equal(outcome_name(decision.outcome), "legacy");
        assert_text(decision.location, cases[i].location);
    }
    struct request in_flight = {.method = METHOD_POST, .content_type = TEXT(FORM), .body = TEXT("RelayState=legacy-1")};
    decide(fixture, &in_flight, "/both/%ff/acs", &decision); /* for which no identifier is needed */
    assert_text(decision.location, LEGACY "/both/%ff/acs");
    struct request round = {.method = METHOD_GET, .host = TEXT("legacy.example.net")};
    decide(fixture, &round, "/both/nobody/acs", &decision);
    assert_int_equal(decision.status, 508);
}

static void a_circle_is_refused(void **state)
{
    static const struct text own[] = {{"Other.example.net", 17}, {"legacy.example.net", 18}};
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    struct request request = {.method = METHOD_POST, .host = TEXT("LEGACY.example.net:443")};
    decide(fixture, &request, "/round/nobody", &decision);
    assert_int_equal(decision.status, 508);
    assert_int_equal(decision.location.size, 0);
    request.host = TEXT("sso.example.com");
    decide(fixture, &request, "/round/nobody", &decision);
    assert_int_equal(decision.status, 307);
    fixture->settings.own_hosts = own;
    fixture->settings.own_host_count = 1;
    decide(fixture, &request, "/round/nobody", &decision);
    assert_int_equal(decision.status, 307);
    fixture->settings.own_host_count = 2;
    decide(fixture, &request, "/round/nobody", &decision);
    assert_int_equal(decision.status, 508);
    fixture->settings.redirect = REDIRECT_FORM;
    decide(fixture, &request, "/round/nobody", &decision);
    assert_int_equal(decision.status, 508);
}

static void no_way_to_stytch_leads_back(void **state)
{
    static const struct text own[] = {{"api.stytch.com", 14}, {"Login.Globex-app.com", 20}};
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    struct request request = {.method = METHOD_POST, .host = TEXT("sso.example.com")};
    decide(fixture, &request, "/old-sso/acme", &decision);
    assert_int_equal(decision.status, 307);
    fixture->settings.own_hosts = own;
    fixture->settings.own_host_count = 2;
    decide(fixture, &request, "/old-sso/acme", &decision);
    assert_int_equal(decision.outcome, OUTCOME_LOOP);
    decide(fixture, &request, "/old-sso/custom", &decision);
    assert_int_equal(decision.outcome, OUTCOME_LOOP);
}

/* Anybody can send any Host: alone it proves no circle. */
static void what_comes_by_stytchs_name_is_a_circle_only_where_a_route_takes_it(void **state)
{
    static const struct {
        const char *match, *target, *host;
        unsigned status;
    } cases[] = {
        {"/elsewhere/{identifier}", "/old-sso/acme", "api.stytch.com", 307},
        {"/**/{identifier}", "/old-sso/acme", "api.stytch.com", 508},
        {"/**/{identifier}", "/old-sso/acme", "API.stytch.com:80", 508},
        {"/**/{identifier}", "/old-sso/acme", "api.stytch.com:8080", 307},
        {"/**/{identifier}", "/old-sso/acme", "test.stytch.com", 307},
        {"/**/{identifier}", "/old-sso/testing", "test.stytch.com", 508},
        {"https://*/v1/b2b/sso/callback/{identifier}", "/old-sso/acme", "api.stytch.com", 508},
        {"https://other.stytch.com/**/{identifier}", "/old-sso/acme", "api.stytch.com", 307},
        {"/**?connection={identifier}", "/old-sso/acme", "api.stytch.com", 307},
        {"/**?connection={identifier}", "/old-sso/acme?connection=x", "api.stytch.com", 508},
        {"/**?k={identifier}", "/old-sso/own-query", "login.globex-app.com", 508},
        {"/v1/b2b/sso/callback/*", "/old-sso/acme", "api.stytch.com", 508}, /* by its message */
        {"/", "/old-sso/bare", "login.globex-app.com", 508},
    };
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    const size_t last = fixture->settings.route_count;
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        struct request request = {.method = METHOD_POST, .host = text_of(cases[i].host)};
        fixture->settings.route_count = last;
        add_route(fixture, cases[i].match, "default", "");
        decide(fixture, &request, cases[i].target, &decision);
        if (decision.status != cases[i].status)
            fail_msg("%s: %s: %s: %u", cases[i].match, cases[i].target, cases[i].host, decision.status);
        assert_string_equal(outcome_name(decision.outcome), cases[i].status == 508 ? "loop" : "stytch");
        assert_int_equal(decision.location.size == 0, cases[i].status == 508);
        assert_int_equal(decision.redirect == REDIRECT_UNSET, cases[i].status == 508);
        template_free(fixture->routes[last].template);
    }
    fixture->settings.route_count = last;
}

static void what_no_route_takes_goes_to_the_legacy_origin(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision;
    struct request request = {.method = METHOD_GET};
    fill(fixture);
    fixture->settings.unmatched_url = TEXT("https://legacy.example.net");
    decide(fixture, &request, "/slo/%2e?a=b", &decision);
    assert_int_equal(decision.status, 307);
    assert_string_equal(decision_reason_code(&decision), "unmatched");
    assert_text(decision.location, "https://legacy.example.net/slo/%2e?a=b");
}

static void nothing_is_served_before_the_first_load(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision;
    struct request request = {.method = METHOD_POST};
    decide(fixture, &request, "/old-sso/acme", &decision);
    assert_int_equal(decision.status, 503);
    assert_string_equal(decision_reason_code(&decision), "not_loaded");
}

static void a_large_body_and_a_control_byte_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    fixture->settings.body_limit = 3;
    struct request request = {.method = METHOD_POST, .body = TEXT("four")};
    decide(fixture, &request, "/old-sso/acme", &decision);
    assert_int_equal(decision.status, 413);
    request.body = TEXT("123");
    decide(fixture, &request, "/old-sso/acme", &decision);
    assert_int_equal(decision.status, 307);
    fixture->settings.unmatched_url = TEXT("https://legacy.example.net");
    static const char *const targets[] = {"/old-sso/acme?a\r\nSet-Cookie: x", "/old-sso/acme\r\nSet-Cookie: x",
                                          "/elsewhere\r\nSet-Cookie: x", "/elsewhere\x7f"};
    for (size_t i = 0; i < COUNT_OF(targets); ++i) {
        decide(fixture, &request, targets[i], &decision);
        assert_int_equal(decision.status, 400);
        assert_int_equal(decision.location.size, 0);
        assert_int_equal(decision.row, ROW_NOT_ASKED);
        assert_null(decision.route);
    }
}

static void a_long_path_and_query_are_refused(void **state)
{
    static const struct {
        const char *target;
        enum method method;
        unsigned status;
    } cases[] = {
        {"/old-sso/acme", METHOD_GET, 307},     {"/old-sso/acme?", METHOD_GET, 307},
        {"/old-sso/acme?a", METHOD_GET, 414},   {"/old-sso/acme?a\r\n", METHOD_GET, 414},
        {"/old-sso/acme?a", METHOD_OTHER, 414}, {"/old-sso/acme", METHOD_OTHER, 405},
        {"/elsewhere/acme", METHOD_POST, 414},
    };
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    fixture->settings.uri_limit = sizeof("/old-sso/acme?") - 1;
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        struct request request = {.method = cases[i].method};
        decide(fixture, &request, cases[i].target, &decision);
        if (decision.status != cases[i].status)
            fail_msg("%s: %u", cases[i].target, decision.status);
        if (decision.status == 414)
            assert_string_equal(outcome_name(decision.outcome), "too_large");
    }
    fixture->settings.body_limit = 3; /* the daemon meets the body first */
    struct request request = {.method = METHOD_OTHER, .body = TEXT("four")};
    decide(fixture, &request, "/old-sso/acme?a", &decision);
    assert_int_equal(decision.status, 413);
}

static void a_refusal_tells_whom_the_url_names(void **state)
{
    static const struct {
        const char *target;
        enum method method;
        const char *body;
        unsigned status;
        int route; /* -1: none */
        const char *identifier;
        enum decision_row row;
    } cases[] = {
        {"/old-sso/acme", METHOD_POST, "four", 413, 0, "acme", ROW_FOUND},
        {"/old-sso/acme", METHOD_OTHER, "", 405, 0, "acme", ROW_FOUND},
        {"/old-sso/acme?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", METHOD_GET, "", 414, 0, "acme", ROW_FOUND},
        {"/old-sso/nobody", METHOD_OTHER, "", 405, 0, "nobody", ROW_ABSENT},
        {"/login?connection=acme", METHOD_OTHER, "", 405, 2, "acme", ROW_FOUND},
        {"/login?connection=acme&connection=off", METHOD_OTHER, "", 405, 2, "", ROW_NOT_ASKED},
        {"/fold/ACME", METHOD_OTHER, "", 405, 4, "acme", ROW_FOUND},
        {"/rehearsal/acme", METHOD_OTHER, "", 405, 5, "acme", ROW_FOUND},
        {"/old-sso/%zz", METHOD_OTHER, "", 405, 0, "", ROW_NOT_ASKED},
        {"/shared", METHOD_POST, "SAMLResponse=x", 413, 7, "", ROW_NOT_ASKED},
        {"/shared-state?RelayState=acme", METHOD_OTHER, "RelayState=acme", 413, 8, "", ROW_NOT_ASKED},
        {"/elsewhere", METHOD_OTHER, "", 405, -1, "", ROW_NOT_ASKED},
    };
    struct fixture *fixture = *state;
    struct decision decision;
    fill(fixture);
    fixture->settings.body_limit = 3;
    fixture->settings.uri_limit = 40;
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        struct request request = {
            .method = cases[i].method, .content_type = TEXT(FORM), .body = text_of(cases[i].body)};
        const struct route *route = cases[i].route < 0 ? NULL : &fixture->routes[cases[i].route];
        decide(fixture, &request, cases[i].target, &decision);
        if (decision.status != cases[i].status || decision.route != route || decision.row != cases[i].row)
            fail_msg("%s: %u, route %td, row %d", cases[i].target, decision.status,
                     decision.route == NULL ? -1 : decision.route - fixture->routes, (int)decision.row);
        assert_text(decision.identifier, cases[i].identifier);
        assert_text(decision.source, route == NULL ? "" : cases[i].route == 4 ? "folded" : "default");
        assert_text(decision.connection_id, cases[i].row == ROW_FOUND ? ID_LIVE : "");
        assert_int_equal(decision.location.size, 0);
        assert_false(decision.observed);
        assert_int_equal(decision.error.kind, ERROR_NONE);
    }
}

static void a_rehearsal_says_what_it_would_have_done(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision;
    struct request request = {.method = METHOD_POST};
    fill(fixture);
    decide(fixture, &request, "/rehearsal/off", &decision);
    assert_true(decision.observed);
    assert_string_equal(outcome_name(decision.would), "disabled");
    assert_string_equal(outcome_name(decision.outcome), "legacy");
    decide(fixture, &request, "/rehearsal/older", &decision); /* goes there anyway, and says why */
    assert_string_equal(decision_reason_code(&decision), "state");
    assert_int_equal(gateway_rehearsing(&fixture->settings), 1);
    decide(fixture, &request, "/login?connection=acme", &decision);
    assert_false(decision.observed);
    fixture->settings.observe = true;
    assert_int_equal(gateway_rehearsing(&fixture->settings), fixture->settings.route_count);
    decide(fixture, &request, "/login?connection=acme", &decision);
    assert_true(decision.observed);
    assert_string_equal(outcome_name(decision.would), "stytch");
    assert_string_equal(decision_reason_code(&decision), "observe");
}

static void a_rehearsal_needs_no_table_if_every_route_has_a_legacy_url(void **state)
{
    struct fixture *fixture = *state;
    fixture->settings.observe = true;
    assert_true(gateway_needs_table(&fixture->settings));
    for (size_t i = 0; i < fixture->settings.route_count; ++i)
        fixture->routes[i].legacy_url = TEXT("https://legacy.example.net/acs");
    assert_false(gateway_needs_table(&fixture->settings));
    fixture->settings.observe = false;
    assert_true(gateway_needs_table(&fixture->settings));
}

int main(void)
{
#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_TABLE(every_row_of_the_decision_table_holds),
        WITH_TABLE(a_decision_tells_what_the_table_said),
        WITH_TABLE(who_may_be_named),
        WITH_TABLE(a_row_that_cannot_be_read_is_no_unknown_one),
        WITH_TABLE(no_identifier_is_a_step_to_another_path),
        WITH_TABLE(a_form_is_decoded_for_its_page_alone),
        WITH_TABLE(nothing_is_taken_from_a_row_that_cannot_be_read),
        WITH_TABLE(a_rehearsal_sends_no_dots_to_stytch),
        WITH_TABLE(a_form_is_posted_again_only_where_there_is_one),
        WITH_TABLE(a_login_that_the_old_side_started_ends_there),
        WITH_TABLE(what_is_no_sign_in_by_saml_goes_where_the_unknown_go),
        WITH_TABLE(a_legacy_url_may_keep_the_path),
        WITH_TABLE(a_circle_is_refused),
        WITH_TABLE(no_way_to_stytch_leads_back),
        WITH_TABLE(what_comes_by_stytchs_name_is_a_circle_only_where_a_route_takes_it),
        WITH_TABLE(what_no_route_takes_goes_to_the_legacy_origin),
        WITH_TABLE(nothing_is_served_before_the_first_load),
        WITH_TABLE(a_large_body_and_a_control_byte_are_refused),
        WITH_TABLE(a_long_path_and_query_are_refused),
        WITH_TABLE(a_refusal_tells_whom_the_url_names),
        WITH_TABLE(a_rehearsal_says_what_it_would_have_done),
        WITH_TABLE(a_rehearsal_needs_no_table_if_every_route_has_a_legacy_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
