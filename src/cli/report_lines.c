#include "report_lines.h"

#include "output.h"
#include "ssoferry/connection_json.h"

enum { DATE_SIZE = 10 };

static const char *date_or_empty(int64_t time, char *buffer)
{
    return time != 0 ? time_text(time, buffer) : "";
}

/* -- JSON ------------------------------------------------------------------------------------------------------------
 *
 * A row is written without a tree of values in between: there may be a million of them. */

static void print_number(uint64_t number)
{
    char buffer[NUMBER_SIZE];
    fputs_unlocked(number_text(number, buffer), stdout);
}

static void print_string(struct text t)
{
    for (size_t i = 0; i < t.size; ++i) {
        unsigned char byte = (unsigned char)t.at[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\')
            continue;
        json_t *string = json_text(t);
        int ignored = json_dumpf(string, stdout, JSON_ENCODE_ANY);
        (void)ignored; /* reported at the end */
        json_decref(string);
        return;
    }
    putc_unlocked('"', stdout);
    fwrite_unlocked(t.at, 1, t.size, stdout);
    putc_unlocked('"', stdout);
}

static void print_time_member(const char *name, int64_t time)
{
    char buffer[TIME_SIZE];
    fputs_unlocked(name, stdout);
    if (time == 0) {
        fputs_unlocked("null", stdout);
        return;
    }
    putc_unlocked('"', stdout);
    fputs_unlocked(time_text(time, buffer), stdout);
    putc_unlocked('"', stdout);
}

static void print_days(const struct report_rows *rows, const uint32_t days[USAGE_DAYS])
{
    char buffer[TIME_SIZE];
    const char *comma = "\"";
    fputs_unlocked(",\"days\":{", stdout);
    for (int i = 0; i < USAGE_DAYS; ++i) {
        if (days[i] == 0)
            continue;
        time_text(rows->now - (USAGE_DAYS - 1 - i) * REPORT_DAY, buffer);
        fputs_unlocked(comma, stdout);
        fwrite_unlocked(buffer, 1, DATE_SIZE, stdout);
        fputs_unlocked("\":", stdout);
        print_number(days[i]);
        comma = ",\"";
    }
    putc_unlocked('}', stdout);
}

static void print_outcomes(const uint64_t hits[USAGE_OUTCOMES])
{
    const char *comma = ",\"outcomes\":{\"";
    for (int i = 0; i < USAGE_OUTCOMES; ++i) {
        fputs_unlocked(comma, stdout);
        fputs_unlocked(usage_outcome_name((enum usage_outcome)i), stdout);
        fputs_unlocked("\":", stdout);
        print_number(hits[i]);
        comma = ",\"";
    }
    putc_unlocked('}', stdout);
}

static void print_json_row(void *context, const struct report_row *row)
{
    const struct connection *connection = &row->connection->row;
    fputs_unlocked("{\"kind\":\"connection\",\"source\":", stdout);
    print_string(row->source);
    fputs_unlocked(",\"identifier\":", stdout);
    print_string(row->identifier);
    fputs_unlocked(",\"state\":\"", stdout);
    fputs_unlocked(connection_state_name(connection->state), stdout);
    fputs_unlocked("\",\"label\":", stdout);
    if (connection->label.size > 0)
        print_string(connection->label);
    else
        fputs_unlocked("null", stdout);
    fputs_unlocked(",\"hits\":", stdout);
    print_number(row->hits);
    print_outcomes(row->usage.hits);
    print_time_member(",\"first_seen\":", row->usage.first_seen);
    print_time_member(",\"last_seen\":", row->usage.last_seen);
    fputs_unlocked(row->idle ? ",\"idle\":true" : ",\"idle\":false", stdout);
    print_days(context, row->usage.days);
    fputs_unlocked("}\n", stdout);
}

static void print_json_unknown(const struct report_unknown *unknown)
{
    json_t *object = json_object();
    json_object_set_new(object, "kind", json_string("unknown"));
    json_object_set_new(object, "source", json_text(unknown->source));
    json_object_set_new(object, "identifier", json_text(unknown->identifier));
    json_object_set_new(object, "hits", json_number(unknown->hits));
    json_object_set_new(object, "error", json_number(unknown->error));
    json_object_set_new(object, "first_seen", json_time(unknown->first_seen));
    json_object_set_new(object, "last_seen", json_time(unknown->last_seen));
    json_object_set_new(object, "did_you_mean", json_text_or_null(unknown->meant));
    output_json(object);
}

static void print_json_totals(const struct report_rows *rows)
{
    char verdict[REPORT_VERDICT_SIZE];
    const struct report_totals *totals = report_totals(rows->report);
    json_t *object = json_object();
    report_verdict(rows->report, verdict, sizeof(verdict));
    json_object_set_new(object, "kind", json_string("totals"));
    json_object_set_new(object, "now", json_time(rows->now));
    json_object_set_new(object, "revision", json_number(totals->table.revision));
    json_object_set_new(object, "counted_since", json_time(totals->counted_since));
    json_object_set_new(object, "uncounted_days", json_integer(totals->uncounted_days));
    json_object_set_new(object, "forgotten_days", json_integer(totals->forgotten_days));
    json_object_set_new(object, "additions_known_since", json_time(totals->additions_known_since));
    json_object_set_new(object, "idle_seconds", json_integer(rows->idle / 1000000));
    json_object_set_new(object, "rows", json_states(totals->rows));
    json_object_set_new(object, "seen", json_states(totals->seen));
    json_object_set_new(object, "idle", json_number(totals->idle));
    json_object_set_new(object, "never", json_number(totals->never));
    json_object_set_new(object, "failed", json_number(totals->failed));
    json_object_set_new(object, "hits", json_number(totals->hits));
    json_object_set_new(object, "unknown_hits", json_number(totals->unknown_hits));
    json_object_set_new(object, "may_retire", json_boolean(report_may_retire(rows->report)));
    json_object_set_new(object, "doubt", json_text_or_null(report_doubt_name(report_doubt(rows->report))));
    json_object_set_new(object, "verdict", json_string(verdict));
    output_json(object);
}

bool report_print_json(struct report_rows *rows, bool unknown, struct error *error)
{
    const struct report_unknown *all = NULL;
    size_t count = 0;
    rows->printing = true;
    if (!report_rows_each(rows, print_json_row, rows, error) ||
        (unknown && !ferror(stdout) && !report_unknown(rows->report, REPORT_SUGGESTIONS_MAX, &all, &count, error)))
        return false;
    for (size_t i = 0; i < count; ++i)
        print_json_unknown(&all[i]);
    print_json_totals(rows);
    return true;
}

/* -- CSV, RFC 4180 --------------------------------------------------------------------------------------------------
 *
 * Names come out as they are, in quotes. A name that begins with '=' is one, though a spreadsheet may take it for a
 * formula. */

static void print_quoted(struct text t)
{
    putc_unlocked('"', stdout);
    for (size_t i = 0; i < t.size; ++i) {
        if (t.at[i] == '"')
            putc_unlocked('"', stdout);
        putc_unlocked(t.at[i], stdout);
    }
    putc_unlocked('"', stdout);
}

static void print_csv_names(const char *kind, struct text source, struct text identifier)
{
    fputs_unlocked(kind, stdout);
    putc_unlocked(',', stdout);
    fwrite_unlocked(source.at, 1, source.size, stdout);
    putc_unlocked(',', stdout);
    print_quoted(identifier);
}

static void print_csv_times(int64_t first, int64_t last)
{
    char buffer[TIME_SIZE];
    putc_unlocked(',', stdout);
    fputs_unlocked(date_or_empty(first, buffer), stdout);
    putc_unlocked(',', stdout);
    fputs_unlocked(date_or_empty(last, buffer), stdout);
}

static void print_csv_row(void *context, const struct report_row *row)
{
    const struct connection *connection = &row->connection->row;
    (void)context;
    print_csv_names("connection", row->source, row->identifier);
    putc_unlocked(',', stdout);
    fputs_unlocked(connection_state_name(connection->state), stdout);
    putc_unlocked(',', stdout);
    print_quoted(connection->label);
    putc_unlocked(',', stdout);
    print_number(row->hits);
    for (int i = 0; i < USAGE_OUTCOMES; ++i) {
        putc_unlocked(',', stdout);
        print_number(row->usage.hits[i]);
    }
    print_csv_times(row->usage.first_seen, row->usage.last_seen);
    fputs_unlocked(row->idle ? ",true,\r\n" : ",false,\r\n", stdout);
}

static void print_csv_unknown(const struct report_unknown *unknown)
{
    print_csv_names("unknown", unknown->source, unknown->identifier);
    fputs_unlocked(",,,", stdout);
    print_number(unknown->hits);
    for (int i = 0; i < USAGE_OUTCOMES; ++i)
        putc_unlocked(',', stdout);
    print_csv_times(unknown->first_seen, unknown->last_seen);
    fputs_unlocked(",,", stdout);
    if (unknown->meant.size > 0)
        print_quoted(unknown->meant);
    fputs_unlocked("\r\n", stdout);
}

bool report_print_csv(struct report_rows *rows, bool unknown, struct error *error)
{
    const struct report_unknown *all = NULL;
    size_t count = 0;
    rows->printing = true;
    fputs_unlocked("kind,source,identifier,state,label,hits", stdout);
    for (int i = 0; i < USAGE_OUTCOMES; ++i)
        printf(",%s", usage_outcome_name((enum usage_outcome)i));
    fputs_unlocked(",first_seen,last_seen,idle,did_you_mean\r\n", stdout);
    if (!report_rows_each(rows, print_csv_row, NULL, error) ||
        (unknown && !ferror(stdout) && !report_unknown(rows->report, REPORT_SUGGESTIONS_MAX, &all, &count, error)))
        return false;
    for (size_t i = 0; i < count; ++i)
        print_csv_unknown(&all[i]);
    return true;
}
