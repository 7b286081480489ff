#include "admin_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "ssoferry/clock.h"
#include "ssoferry/connection_json.h"
#include "ssoferry/memory.h"
#include "ssoferry/revision.h"

enum { MINUTE = 60 * 1000 * 1000 };

void admin_report_sources_route(struct admin_report_sources *sources, const struct gateway_settings *gateway)
{
    const size_t count = gateway->route_count, rehearsing = gateway_rehearsing(gateway);
    const uint64_t counts[] = {count, rehearsing};
    sources->routes = count;
    sources->rehearsing = rehearsing;
    sources->observed = json_array();
    sources->rehearsal = text_fingerprint(text_slice((const char *)counts, sizeof(counts)), TEXT_FINGERPRINT_START);
    for (size_t i = 0; i < count; ++i) {
        if (!gateway->routes[i].observe)
            continue;
        sources->rehearsal = text_fingerprint(gateway->routes[i].name, sources->rehearsal);
        if (rehearsing < count)
            json_array_append_new(sources->observed, json_text_or_null(gateway->routes[i].name));
    }
}

void admin_report_sources_release(struct admin_report_sources *sources)
{
    json_decref(sources->observed);
}

/* The hits of each day up to today, without the leading empty days. */
static json_t *json_days(const uint32_t *days)
{
    json_t *list = json_array();
    size_t first = 0;
    while (first < USAGE_DAYS && days[first] == 0)
        ++first;
    for (size_t i = first; i < USAGE_DAYS; ++i)
        json_array_append_new(list, json_number(days[i]));
    return list;
}

static json_t *json_report_row(const struct report_row *row)
{
    json_t *outcomes = json_object();
    for (int i = 0; i < USAGE_OUTCOMES; ++i) {
        if (row->usage.hits[i] > 0)
            json_object_set_new(outcomes, usage_outcome_name((enum usage_outcome)i), json_number(row->usage.hits[i]));
    }
    const struct connection *connection = &row->connection->row;
    json_t *object = json_object();
    json_object_set_new(object, "source", json_text_or_null(row->source));
    json_object_set_new(object, "identifier", json_text_or_null(row->identifier));
    json_object_set_new(object, "state", json_string(connection_state_name(connection->state)));
    json_object_set_new(object, "hits", json_number(row->hits));
    json_object_set_new(object, "outcomes", outcomes);
    json_object_set_new(object, "first_seen", json_time(row->usage.first_seen));
    json_object_set_new(object, "last_seen", json_time(row->usage.last_seen));
    json_object_set_new(object, "idle", json_boolean(row->idle));
    json_object_set_new(object, "label", json_text_or_null(connection->label));
    json_object_set_new(object, "connection_id", json_text_or_null(connection->connection_id));
    json_object_set_new(object, "days", json_days(row->usage.days));
    return object;
}

static bool add_rows(json_t *root, struct report *report, struct error *error)
{
    json_t *rows = json_array();
    struct report_row row;
    uint64_t total = 0;
    enum lookup_result result = LOOKUP_ABSENT;
    json_object_set_new(root, "rows", rows);
    while ((result = report_next(report, &row, error)) == LOOKUP_FOUND) {
        if (total++ < ADMIN_REPORT_ROWS_MAX)
            json_array_append_new(rows, json_report_row(&row));
    }
    json_object_set_new(root, "rows_total", json_number(total));
    json_object_set_new(root, "truncated", json_boolean(total > ADMIN_REPORT_ROWS_MAX));
    return result == LOOKUP_ABSENT;
}

static void add_totals(json_t *root, const struct report *report)
{
    const struct report_totals *totals = report_totals(report);
    json_object_set_new(root, "revision", json_number(totals->table.revision));
    json_object_set_new(root, "changed_at", json_time(totals->table.changed_at));
    json_object_set_new(root, "counted_since", json_time(totals->counted_since));
    json_object_set_new(root, "uncounted_days", json_integer(totals->uncounted_days));
    json_object_set_new(root, "additions_known_since", json_time(totals->additions_known_since));
    json_object_set_new(root, "idle_days", json_integer(REPORT_IDLE_DAYS));
    json_object_set_new(root, "states", json_states(totals->rows));
    json_object_set_new(root, "seen", json_states(totals->seen));
    json_object_set_new(root, "idle", json_number(totals->idle));
    json_object_set_new(root, "may_retire", json_boolean(report_may_retire(report)));
    json_object_set_new(root, "doubt", json_text_or_null(report_doubt_name(report_doubt(report))));
    json_object_set_new(root, "never", json_number(totals->never));
    json_object_set_new(root, "failed", json_number(totals->failed));
    json_object_set_new(root, "hits", json_number(totals->hits));
    json_object_set_new(root, "unknown_hits", json_number(totals->unknown_hits));
}

static bool add_unknown(json_t *root, struct report *report, struct error *error)
{
    const struct report_unknown *unknown = NULL;
    size_t count = 0;
    json_t *list = json_array();
    json_object_set_new(root, "unknown", list);
    if (!report_unknown(report, ADMIN_REPORT_SUGGESTIONS_MAX, &unknown, &count, error))
        return false;
    for (size_t i = 0; i < count; ++i) {
        json_t *object = json_object();
        json_object_set_new(object, "source", json_text_or_null(unknown[i].source));
        json_object_set_new(object, "identifier", json_text_or_null(unknown[i].identifier));
        json_object_set_new(object, "hits", json_number(unknown[i].hits));
        json_object_set_new(object, "last_seen", json_time(unknown[i].last_seen));
        json_object_set_new(object, "meant", json_text_or_null(unknown[i].meant));
        json_array_append_new(list, object);
    }
    return true;
}

static bool add_history(json_t *root, struct table *table, struct error *error)
{
    struct snapshot *snapshot = NULL;
    json_t *list = json_array();
    json_object_set_new(root, "history", list);
    if (!snapshot_open(&snapshot, table, error))
        return false;
    enum lookup_result result = LOOKUP_ABSENT;
    for (uint64_t number = snapshot_state(snapshot)->revision; number > 0; --number) {
        struct revision revision = {0};
        result = revision_read(snapshot, number, &revision, error);
        if (result == LOOKUP_FOUND)
            json_array_append_new(list, json_revision(&revision, "time"));
        revision_release(&revision);
        if (result != LOOKUP_FOUND)
            break;
    }
    snapshot_close(snapshot);
    return result != LOOKUP_FAILED;
}

static struct admin_report_basis basis_of(const struct report *report, const struct admin_report_sources *sources,
                                          int64_t now)
{
    const struct report_totals *totals = report_totals(report);
    return (struct admin_report_basis){
        .revision = totals->table.revision,
        .counted_hits = totals->counted_hits,
        .unknown_hits = totals->unknown_hits,
        .changed_at = totals->table.changed_at,
        .counted_since = totals->counted_since,
        .minute = now / MINUTE,
        .rehearsal = sources->rehearsal,
        .counting = sources->counting,
        .configuration_current = sources->configuration_current,
    };
}

static bool same_basis(const struct admin_report_basis *a, const struct admin_report_basis *b)
{
    return a->revision == b->revision && a->counted_hits == b->counted_hits && a->unknown_hits == b->unknown_hits &&
           a->changed_at == b->changed_at && a->counted_since == b->counted_since && a->minute == b->minute &&
           a->rehearsal == b->rehearsal && a->counting == b->counting &&
           a->configuration_current == b->configuration_current;
}

static char *dump(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    if (text == NULL)
        memory_exhausted();
    return text;
}

/* Merges both objects into one. `timely` holds what changes with time alone, and is left out of the tag. */
static void join(json_t *timely, json_t *root, char **body, uint64_t *tag)
{
    char *head = dump(timely);
    char *rest = dump(root);
    *tag = text_fingerprint(text_of(rest), TEXT_FINGERPRINT_START);
    size_t size = strlen(head) + strlen(rest) + 1;
    *body = memory_allocate(size);
    snprintf(*body, size, "%.*s,%s", (int)strlen(head) - 1, head, rest + 1);
    free(head);
    free(rest);
}

static json_t *json_timely(const struct report *report, int64_t now)
{
    char verdict[REPORT_VERDICT_SIZE];
    report_verdict(report, verdict, sizeof(verdict));
    json_t *object = json_object();
    json_object_set_new(object, "now", json_time(now));
    json_object_set_new(object, "verdict", json_string(verdict));
    return object;
}

static struct report_options options_of(const struct admin_report_sources *sources)
{
    return (struct report_options){.usage = sources->usage,
                                   .now = clock_utc_us(),
                                   .counting = sources->counting,
                                   .routes = sources->routes,
                                   .rehearsing = sources->rehearsing};
}

bool admin_report_is_current(const struct admin_report_sources *sources, const struct admin_report_stamp *stamp)
{
    struct report_options options = options_of(sources);
    options.glance = true;
    struct report *report = NULL;
    struct error ignored; /* making the report will meet and report it */
    if (!report_open(&report, sources->table, &options, &ignored))
        return false;
    struct admin_report_basis basis = basis_of(report, sources, options.now);
    bool current = stamp->tag != 0 && same_basis(&basis, &stamp->basis);
    report_close(report);
    return current;
}

bool admin_report(const struct admin_report_sources *sources, const atomic_bool *give_up, char **body,
                  struct admin_report_stamp *stamp, struct error *error)
{
    struct report_options options = options_of(sources);
    options.give_up = give_up;
    struct report *report = NULL;
    json_t *root = json_object();
    json_object_set_new(root, "version", json_string(SSOFERRY_VERSION));
    json_object_set_new(root, "counting", json_string(report_counting_name(sources->counting)));
    json_object_set_new(root, "observe", json_boolean(sources->rehearsing > 0));
    json_object_set(root, "observed_routes", sources->observed);
    json_object_set_new(root, "configuration_current", json_boolean(sources->configuration_current));
    bool good = report_open(&report, sources->table, &options, error) && add_rows(root, report, error) &&
                add_unknown(root, report, error);
    good = good && add_history(root, sources->table, error);
    if (good) {
        json_t *timely = json_timely(report, options.now);
        add_totals(root, report);
        join(timely, root, body, &stamp->tag);
        stamp->basis = basis_of(report, sources, options.now);
        json_decref(timely);
    }
    report_close(report);
    json_decref(root);
    return good;
}
