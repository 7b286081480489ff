/* explain: shows how the gateway would answer a request, and why. Runs the daemon's own decision code. */
#include <stdlib.h>

#include "address.h"
#include "context.h"
#include "explain_request.h"
#include "explain_words.h"
#include "meant.h"
#include "output.h"
#include "rows.h"
#include "ssoferry/connection_json.h"
#include "ssoferry/memory.h"
#include "ssoferry/network.h"
#include "ssoferry/status.h"

struct explanation {
    struct context *context;
    const struct arguments *arguments;
    struct request request;
    char *body;
    struct decision decision;
    struct connection_buffer row;
    bool has_row;
    bool row_failed;    /* it cannot be read */
    struct meant meant; /* if there is no row */
    bool health;        /* the daemon would answer with its own state */
    unsigned routes_seen;
    size_t name_width;
    json_t *routes; /* NULL: print text */
};

static const char *method_text(const struct explanation *explanation)
{
    if (explanation->arguments->method != NULL)
        return explanation->arguments->method;
    return explanation->request.method == METHOD_POST ? "POST" : "GET";
}

/* Whether `fold_path: true` would make the path match. */
static bool differs_in_case(const struct route *route, const struct request *request)
{
    char why[256];
    struct template *template = NULL;
    struct template_capture capture;
    if (!template_parse(&template, template_source(route->template), why, NULL))
        return false;
    template_fold_path(template);
    const enum template_result result = template_match(template, request, &capture);
    template_free(template);
    return result != TEMPLATE_PATH_DIFFERS && result != TEMPLATE_HOST_DIFFERS;
}

static void on_route(void *context, const struct route *route, enum route_miss miss)
{
    struct explanation *explanation = context;
    struct text match = template_source(route->template);
    const char *why = miss == ROUTE_PATH_DIFFERS && differs_in_case(route, &explanation->request)
                          ? "the path differs, but only in capital letters: `fold_path: true` takes it"
                          : route_miss_text(miss);
    ++explanation->routes_seen;
    if (explanation->routes != NULL) {
        json_t *object = json_object();
        json_object_set_new(object, "name", json_text(route->name));
        json_object_set_new(object, "match", json_text(match));
        json_object_set_new(object, "line", json_integer(route->line));
        json_object_set_new(object, "fold_path", json_boolean(template_folds_path(route->template)));
        json_object_set_new(object, "taken", json_boolean(miss == ROUTE_TAKEN));
        json_object_set_new(object, "why", json_string(why));
        json_array_append_new(explanation->routes, object);
        return;
    }
    printf("%-13s", explanation->routes_seen == 1 ? "routes" : "");
    printf("%2u  %-*.*s  (line %u%s) %s\n", explanation->routes_seen, (int)explanation->name_width, TEXT_ARGS(match),
           route->line, template_folds_path(route->template) ? ", in any case" : "", why);
}

static void measure_routes(struct explanation *explanation)
{
    const struct gateway_settings *settings = &explanation->context->config->gateway;
    for (size_t i = 0; i < settings->route_count; ++i) {
        size_t width = template_source(settings->routes[i].template).size;
        if (width > explanation->name_width)
            explanation->name_width = width;
    }
}

/* The decision holds the answer, but not the row it came from. */
static bool find_row(struct explanation *explanation, struct error *error)
{
    const struct decision *decision = &explanation->decision;
    if (decision->route == NULL || decision->identifier.size == 0)
        return true;
    struct snapshot *snapshot = NULL;
    if (!snapshot_open(&snapshot, explanation->context->table, error))
        return false;
    struct error ignored; /* decision->error holds it */
    enum lookup_result result =
        snapshot_find(snapshot, decision->source, decision->identifier, &explanation->row, &ignored);
    char folded[IDENTIFIER_SIZE_MAX];
    if (result == LOOKUP_ABSENT && decision->route->fold_case && decision->identifier.size <= sizeof(folded)) {
        text_fold(decision->identifier, folded);
        result = snapshot_find(snapshot, decision->source, text_slice(folded, decision->identifier.size),
                               &explanation->row, &ignored);
    }
    explanation->has_row = result == LOOKUP_FOUND;
    explanation->row_failed = result == LOOKUP_FAILED;
    if (result == LOOKUP_ABSENT)
        (void)meant_find(snapshot, decision->source, decision->identifier, true, &explanation->meant);
    snapshot_close(snapshot);
    return true;
}

/* Like the daemon, handles the health path before any route. */
static bool answer_health(struct explanation *explanation, struct lookup *lookup)
{
    const struct config *config = explanation->context->config;
    const struct request *request = &explanation->request;
    const size_t size = request->path.size + (request->has_query ? 1 + request->query.size : 0);
    struct decision *decision = &explanation->decision;
    struct table_state state = {0};
    explanation->health = config_is_health(config, request) && gateway_check_uri(&config->gateway, size, decision);
    if (!explanation->health)
        return false;
    decision->status = lookup_state(lookup, &state, &decision->error) && state.revision > 0 ? 200 : 503;
    decision->explanation = "";
    return true;
}

/* A 303 turns a POST into a GET, without the body. */
static bool loses_body(const struct explanation *explanation)
{
    return explanation->decision.status == 303 && explanation->request.body.size > 0;
}

/* Names of the gateway that cannot be listed in `hosts`: those of a route for several hosts. */
static bool takes_other_hosts(const struct gateway_settings *settings)
{
    for (size_t i = 0; i < settings->route_count; ++i) {
        const struct template *template = settings->routes[i].template;
        if (!text_starts(template_source(template), TEXT("/")) && template_host(template).size == 0)
            return true;
    }
    return false;
}

/* Whether the request is for a name that `hosts` lacks. Addresses and localhost, by which people try a daemon, say
 * nothing about names; nor does the health path, which load balancers ask for as they like. */
static bool has_foreign_host(const struct explanation *explanation)
{
    struct ip ip;
    const struct gateway_settings *settings = &explanation->context->config->gateway;
    const struct text host = explanation->request.host, name = url_host_alone(host);
    if (name.size == 0 || name.at[0] == '[' || ip_parse(name, &ip) || text_equal_fold(name, TEXT("localhost")) ||
        explanation->health || settings->own_host_count == 0 || takes_other_hosts(settings))
        return false;
    return !address_has_listed_host(settings, host);
}

static const char *advice(const struct explanation *explanation)
{
    const struct explained explained = {explanation->arguments, &explanation->request, &explanation->decision};
    return explain_advice(&explained);
}

static void print_line(const char *name, struct text value)
{
    printf("%-13s", name);
    output_text(stdout, value);
    putchar('\n');
}

static void print_request(const struct explanation *explanation)
{
    const struct request *request = &explanation->request;
    printf("%-13s%s ", "request", method_text(explanation));
    output_text(stdout, request->path);
    if (request->has_query) {
        putchar('?');
        output_text(stdout, request->query);
    }
    if (request->host.size > 0) {
        printf(", host ");
        output_text(stdout, request->host);
    }
    if (request->body.size > 0) {
        char size[NUMBER_SIZE];
        printf(", body of %s", number_bytes(request->body.size, size));
    }
    putchar('\n');
}

static void print_row(const struct connection *row)
{
    printf("%-13s%s", "row", connection_state_name(row->state));
    if (row->connection_id.size > 0) {
        printf(", ");
        output_text(stdout, row->connection_id);
    }
    if (row->redirect != REDIRECT_UNSET)
        printf(", redirect %s", redirect_kind_name(row->redirect));
    if (row->label.size > 0) {
        printf(" (");
        output_text(stdout, row->label);
        putchar(')');
    }
    putchar('\n');
}

static const char *decision_word(const struct explanation *explanation)
{
    return explanation->health ? "health" : outcome_name(explanation->decision.outcome);
}

static void print_because(const struct explanation *explanation)
{
    const struct decision *decision = &explanation->decision;
    const char *words = explanation->health ? "health_path: the daemon tells its own state, before any route"
                                            : explain_reason(decision);
    bool foreign = decision->outcome == OUTCOME_LEGACY && decision->reason == REASON_EXTRACT;
    if (words[0] != '\0')
        printf("%-13s%s%s\n", "because", words,
               foreign                         ? ", and the route leaves what is no SAML sign-in to the legacy side"
               : explain_is_nameless(decision) ? ", and the route sends unknown ones to the legacy side"
                                               : "");
}

static void print_answer(const struct explanation *explanation)
{
    const struct decision *decision = &explanation->decision;
    const char *reason = decision_reason_code(decision);
    char size[NUMBER_SIZE];
    printf("%-13s%s%s%s\n", "decision", decision_word(explanation), reason[0] != '\0' ? ", reason " : "", reason);
    printf("%-13s%u %s%s\n", "answer", decision->status, status_phrase(decision->status),
           decision->redirect == REDIRECT_FORM ? ", a page that posts the form again to" : "");
    if (decision->location.size > 0)
        print_line("location", decision->location);
    if (loses_body(explanation))
        printf("%-13s303 makes browsers drop the body: %s that Stytch will not see\n", "mind",
               number_bytes(explanation->request.body.size, size));
    if (has_foreign_host(explanation)) {
        printf("%-13s", "mind");
        output_text(stdout, explanation->request.host);
        printf(" is none of hosts: does this name lead to the gateway?\n");
    }
    print_because(explanation);
    if (advice(explanation) != NULL)
        printf("%-13s%s\n", "try", advice(explanation));
    if (decision->observed)
        printf("%-13s%s, were this no rehearsal\n", "would be", outcome_name(decision->would));
    if (decision->error.kind != ERROR_NONE)
        print_line("error", text_of(decision->error.message));
    if (decision->explanation[0] != '\0')
        print_line("page says", text_of(decision->explanation));
}

static void print_no_row(const struct meant *meant)
{
    char names[MEANT_NAMES_SIZE];
    meant_names(meant, names);
    printf("%-13snone", "row");
    if (meant->removed_by > 0) {
        printf("; ");
        output_text(stdout, text_of(meant->removed));
    }
    if (meant->elsewhere[0] != '\0')
        printf("; source %s has %s", meant->elsewhere, meant->removed_by > 0 ? "another of that name" : "it");
    if (names[0] != '\0') {
        printf("; did you mean ");
        output_text(stdout, text_of(names));
        putchar('?');
    }
    putchar('\n');
}

static void print_text(const struct explanation *explanation)
{
    const struct decision *decision = &explanation->decision;
    if (decision->identifier.size > 0) {
        printf("%-13s", "identifier");
        output_text(stdout, decision->identifier);
        printf(", source %.*s\n", TEXT_ARGS(decision->source));
    }
    if (explanation->has_row)
        print_row(&explanation->row.row);
    else if (explanation->row_failed)
        print_line("row", TEXT("cannot be read"));
    else if (decision->identifier.size > 0)
        print_no_row(&explanation->meant);
    print_answer(explanation);
}

static void print_json(struct explanation *explanation)
{
    const struct decision *decision = &explanation->decision;
    const struct request *request = &explanation->request;
    json_t *object = json_object();
    json_object_set_new(object, "method", json_text(text_of(method_text(explanation))));
    json_object_set_new(object, "host", json_text_or_null(request->host));
    json_object_set_new(object, "foreign_host", json_boolean(has_foreign_host(explanation)));
    json_object_set_new(object, "path", json_text(request->path));
    json_object_set_new(object, "query", request->has_query ? json_text(request->query) : json_null());
    json_object_set_new(object, "routes", explanation->routes);
    json_object_set_new(object, "route", decision->route != NULL ? json_text(decision->route->name) : json_null());
    json_object_set_new(object, "source", json_text_or_null(decision->source));
    json_object_set_new(object, "identifier", json_text_or_null(decision->identifier));
    json_object_set_new(object, "row", explanation->has_row ? json_fields(&explanation->row.row) : json_null());
    json_object_set_new(object, "removed_by",
                        explanation->meant.removed_by > 0 ? json_number(explanation->meant.removed_by) : json_null());
    json_object_set_new(object, "other_source", json_text_or_null(text_of(explanation->meant.elsewhere)));
    json_object_set_new(object, "did_you_mean",
                        explanation->meant.nearest.count > 0 ? json_string(explanation->meant.nearest.found[0].name)
                                                             : json_null());
    json_object_set_new(object, "decision", json_string(decision_word(explanation)));
    json_object_set_new(object, "reason", json_text_or_null(text_of(decision_reason_code(decision))));
    json_object_set_new(object, "would", decision->observed ? json_string(outcome_name(decision->would)) : json_null());
    json_object_set_new(object, "status", json_integer(decision->status));
    json_object_set_new(object, "redirect", json_text_or_null(text_of(redirect_kind_name(decision->redirect))));
    json_object_set_new(object, "body_lost", json_boolean(loses_body(explanation)));
    json_object_set_new(object, "location", json_text_or_null(decision->location));
    json_object_set_new(object, "explanation", json_text_or_null(text_of(decision->explanation)));
    json_object_set_new(object, "try", json_text_or_null(text_of(advice(explanation))));
    json_object_set_new(object, "error",
                        decision->error.kind != ERROR_NONE ? json_text(text_of(decision->error.message)) : json_null());
    output_json(object);
    explanation->routes = NULL;
}

static int explain(struct explanation *explanation, struct memory memory)
{
    struct error error = {0};
    struct lookup *lookup = NULL;
    if (!explain_request(explanation->arguments, &explanation->request, &explanation->body, &error) ||
        !lookup_open(&lookup, explanation->context->table, &error))
        return complain(&error);

    if (explanation->arguments->json)
        explanation->routes = json_array();
    else
        print_request(explanation);
    measure_routes(explanation);
    const struct extract_trace trace = {on_route, explanation};
    if (!answer_health(explanation, lookup))
        gateway_decide(&explanation->context->config->gateway, lookup, &explanation->request, memory, &trace,
                       &explanation->decision);
    lookup_close(lookup);
    if (!find_row(explanation, &error))
        return complain(&error);
    if (explanation->arguments->json)
        print_json(explanation);
    else
        print_text(explanation);
    return STATUS_DONE;
}

int cmd_explain(struct context *context, const struct arguments *arguments)
{
    struct explanation explanation = {.context = context, .arguments = arguments};
    struct arena *arena = arena_new();
    int status = explain(&explanation, arena_memory(arena));
    json_decref(explanation.routes);
    free(explanation.body);
    arena_free(arena);
    return status;
}
