/* report: shows who still uses the old addresses, as a table for people; report_lines.c prints it for programs. */
#include <unistd.h>

#include "context.h"
#include "output.h"
#include "report_lines.h"
#include "rows.h"
#include "ssoferry/clock.h"
#include "ssoferry/log.h"

enum { UNKNOWN_SHOWN = 20, SPARK_DAYS = 14, SPARK_SIZE = SPARK_DAYS * 3 + 1, WHEN_SIZE = TIME_SIZE + 32 };

/* -- cells -- */

/* "2026-03-01"; "-" for 0. */
static const char *date_cell(int64_t time, char *buffer)
{
    if (time == 0)
        return "-";
    time_text(time, buffer);
    buffer[10] = '\0';
    return buffer;
}

/* "2026-03-01 (3 days ago)"; `never` for 0. `buffer` holds WHEN_SIZE bytes. */
static const char *when_cell(int64_t time, int64_t now, const char *never, char *buffer)
{
    static const struct {
        int64_t size;
        const char *name;
    } units[] = {{REPORT_DAY, "day"}, {REPORT_DAY / 24, "hour"}, {REPORT_DAY / 1440, "minute"}};
    char date[TIME_SIZE];
    if (time == 0)
        return never;
    date_cell(time, date);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); ++i) {
        int64_t passed = (now - time) / units[i].size;
        if (passed > 0) {
            char number[NUMBER_SIZE];
            char *at = stpcpy(stpcpy(buffer, date), " (");
            at = stpcpy(stpcpy(at, number_text((uint64_t)passed, number)), " ");
            stpcpy(stpcpy(at, units[i].name), passed == 1 ? " ago)" : "s ago)");
            return buffer;
        }
    }
    snprintf(buffer, WHEN_SIZE, "%s (just now)", date);
    return buffer;
}

/* The last days' hits as blocks, scaled to the busiest day. `buffer` holds SPARK_SIZE bytes. */
static const char *spark_cell(const uint32_t days[USAGE_DAYS], char *buffer)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    enum { BLOCKS = sizeof(blocks) / sizeof(blocks[0]) };
    const uint32_t *shown = days + (USAGE_DAYS - SPARK_DAYS);
    uint64_t most = 0;
    char *at = buffer;
    for (int i = 0; i < SPARK_DAYS; ++i)
        most = shown[i] > most ? shown[i] : most;
    for (int i = 0; i < SPARK_DAYS; ++i)
        at = stpcpy(at, shown[i] == 0 ? "·" : blocks[(shown[i] * (uint64_t)BLOCKS - 1) / most]);
    return most > 0 ? buffer : "";
}

/* -- the table -- */

struct table_view {
    struct report_rows *rows;
    struct grid grid;
    bool sparks;
    const char *never; /* for a row without a hit */
    uint64_t shown, failed;
};

static void show_row(void *context, const struct report_row *row)
{
    struct table_view *view = context;
    char hits[NUMBER_SIZE], failed[NUMBER_SIZE], first[TIME_SIZE], last[WHEN_SIZE], spark[SPARK_SIZE];
    const struct text cells[] = {
        row->source,
        row->identifier,
        text_of(connection_state_name(row->connection->row.state)),
        text_of(number_grouped(row->hits, hits)),
        text_of(number_grouped(row->usage.hits[USAGE_FAILED], failed)),
        text_of(date_cell(row->usage.first_seen, first)),
        text_of(when_cell(row->usage.last_seen, view->rows->now, view->never, last)),
        view->sparks ? text_of(spark_cell(row->usage.days, spark)) : (struct text){0},
    };
    ++view->shown;
    view->failed += row->usage.hits[USAGE_FAILED];
    grid_row(&view->grid, cells);
}

static bool print_rows(struct report_rows *rows, uint64_t *shown, struct error *error)
{
    enum { FAILED_COLUMN = 4 };
    static const char *const headings[] = {"SOURCE", "IDENTIFIER", "STATE",     "HITS",
                                           "FAILED", "FIRST SEEN", "LAST SEEN", "LAST 14 DAYS"};
    const bool off = report_doubt(rows->report) == REPORT_COUNTING_IS_OFF;
    struct table_view view = {.rows = rows, .sparks = isatty(STDOUT_FILENO), .never = off ? "-" : "never"};
    grid_start(&view.grid, sizeof(headings) / sizeof(headings[0]) - !view.sparks, headings);
    if (!report_rows_each(rows, show_row, &view, error))
        return false;
    *shown = view.shown;
    if (view.shown == 0)
        return true;
    view.grid.hidden[FAILED_COLUMN] = view.failed == 0;
    grid_measured(&view.grid);
    rows->printing = true;
    return report_rows_each(rows, show_row, &view, error);
}

static void print_verdict(const struct report_rows *rows, uint64_t shown)
{
    static const char *const hints[] = {
        [REPORT_CERTAIN] = "The silent ones are the list to retire",
        [REPORT_COUNTING_IS_OFF] = NULL,
        [REPORT_COUNTING_FAILS] = NULL,
        [REPORT_NOTHING_COUNTED] = NULL,
        [REPORT_IDLE_TOO_LONG] = "--idle is too long to retire the silent ones by",
        [REPORT_COUNTING_IS_NEW] = "It is too early to retire the silent ones",
        [REPORT_DAYS_MISSED] = "It is too early to retire the silent ones",
        [REPORT_ROWS_MAY_BE_NEW] = "Some of the silent ones may be too new to retire",
        [REPORT_REHEARSING] = "It is too early to retire the silent ones",
    };
    const char *hint = hints[report_doubt(rows->report)];
    char verdict[REPORT_VERDICT_SIZE];
    const struct report_totals *totals = report_totals(rows->report);
    report_verdict(rows->report, verdict, sizeof(verdict));
    printf("%s%s\n", shown > 0 ? "\n" : "", verdict);
    if (totals->failed > 0)
        printf("Which failed: `ssoferry report --sort failed`; why: `decision` and `reason` in the request log.\n");
    if (totals->idle > 0 && hint != NULL && !rows->silent_only)
        printf("%s: `ssoferry report --silent` shows them.\n", hint);
}

static void show_unknown(struct grid *grid, const struct report_rows *rows, const struct report_unknown *unknown,
                         size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        char hits[NUMBER_SIZE], last[WHEN_SIZE];
        const struct text cells[] = {
            unknown[i].source, unknown[i].identifier, text_of(number_grouped(unknown[i].hits, hits)),
            text_of(when_cell(unknown[i].last_seen, rows->now, "never", last)), unknown[i].meant};
        grid_row(grid, cells);
    }
}

/* Without --limit, all rows are shown, but no more of what strangers ask for than a screen takes. */
static size_t unknown_shown(const struct report_rows *rows)
{
    if (rows->limit == UINT64_MAX)
        return UNKNOWN_SHOWN;
    return rows->limit < USAGE_UNKNOWN_MAX ? (size_t)rows->limit : USAGE_UNKNOWN_MAX;
}

static bool print_unknown(const struct report_rows *rows, struct error *error)
{
    static const char *const headings[] = {"SOURCE", "IDENTIFIER", "HITS", "LAST SEEN", "DID YOU MEAN"};
    const struct report_unknown *unknown = NULL;
    size_t count = 0, shown = unknown_shown(rows);
    const size_t compared = shown > REPORT_SUGGESTIONS_MAX ? shown : REPORT_SUGGESTIONS_MAX;
    if (!report_unknown(rows->report, compared, &unknown, &count, error))
        return false;
    shown = shown < count ? shown : count;
    if (shown == 0)
        return true;
    char all[NUMBER_SIZE];
    if (shown < count)
        printf("\nUnknown identifiers, the %zu most frequent of %s:\n", shown, number_grouped(count, all));
    else
        printf("\nUnknown identifiers:\n");
    struct grid grid;
    grid_start(&grid, sizeof(headings) / sizeof(headings[0]), headings);
    show_unknown(&grid, rows, unknown, shown);
    grid_measured(&grid);
    show_unknown(&grid, rows, unknown, shown);
    if (shown < count)
        printf("All of them: --limit %zu, --json or --csv.\n", count);
    return true;
}

static bool print_table(struct report_rows *rows, bool unknown, struct error *error)
{
    uint64_t shown = 0;
    if (!print_rows(rows, &shown, error))
        return false;
    if (shown == 0 && rows->limit > 0 && table_state_total(&report_totals(rows->report)->table) > 0)
        log_info("no row matches");
    print_verdict(rows, shown);
    return !unknown || ferror(stdout) || print_unknown(rows, error);
}

/* -- the command -- */

/* Warns if the idle rows are not yet a list to retire, whatever form they are printed in. */
static void warn_of_haste(const struct report_rows *rows)
{
    char since[TIME_SIZE], until[TIME_SIZE];
    const struct report_totals *totals = report_totals(rows->report);
    switch (report_doubt(rows->report)) {
    case REPORT_CERTAIN:
        return;
    case REPORT_COUNTING_IS_OFF:
        log_warning("too early to retire any rows: counting is off (usage: false)");
        return;
    case REPORT_COUNTING_FAILS: /* only the daemon knows that of itself */
    case REPORT_NOTHING_COUNTED:
        log_warning("too early to retire any rows: nothing has been counted yet");
        return;
    case REPORT_IDLE_TOO_LONG:
        log_warning("--idle is too long to retire any rows by: whether anything was counted is known of the last %d "
                    "days only, so choose %dd or less",
                    USAGE_DAYS, USAGE_DAYS);
        return;
    case REPORT_COUNTING_IS_NEW:
        log_warning("too early to retire any rows: counting began %s, so who has been silent that long is known only "
                    "from %s on",
                    time_text(totals->counted_since, since), time_text(totals->counted_since + rows->idle, until));
        return;
    case REPORT_DAYS_MISSED:
        log_warning("too early to retire any rows: nothing was counted on %u of the last %u days, so it is not known "
                    "who was silent",
                    totals->uncounted_days, totals->idle_days);
        return;
    case REPORT_ROWS_MAY_BE_NEW:
        log_warning("some rows may be too new to retire: those added before %s cannot be told from old ones, because "
                    "only the last %d revisions are kept; find out when the ones never seen were added",
                    time_text(totals->additions_known_since, since), TABLE_REVISIONS_KEPT);
        return;
    case REPORT_REHEARSING:
        log_warning("too early to retire any rows: this is a rehearsal (observe)");
    }
}

static bool print(struct report_rows *rows, const struct arguments *arguments, struct error *error)
{
    if (rows->silent_only)
        warn_of_haste(rows);
    /* Unknown identifiers have no state, and are not rows to retire. */
    bool unknown = rows->any_state && !rows->silent_only;
    if (arguments->json)
        return report_print_json(rows, unknown, error);
    return arguments->csv ? report_print_csv(rows, unknown, error) : print_table(rows, unknown, error);
}

/* A source without rows may still have unknown identifiers. A source with neither is mistyped, and must not look like
 * one that has nobody to retire. */
static int check_source(struct context *context, const struct report_rows *rows)
{
    struct error error = {0};
    const struct report_unknown *unknown = NULL;
    struct snapshot *snapshot = NULL;
    size_t found = 0;
    if (rows->source.size == 0 || table_state_total(&report_totals(rows->report)->table) == 0)
        return STATUS_DONE;
    if (!report_unknown(rows->report, 0, &unknown, &found, &error) || !snapshot_open(&snapshot, context->table, &error))
        return complain(&error);
    bool there = found > 0 || rows_has_source(snapshot, rows->source);
    int status = there ? STATUS_DONE : rows_complain_source(snapshot, rows->source);
    snapshot_close(snapshot);
    return status;
}

static struct report_options options_of(const struct context *context, const struct report_rows *rows)
{
    const struct gateway_settings *gateway = &context->config->gateway;
    struct report_options options = {.store = context->store,
                                     .source = rows->source,
                                     .now = rows->now,
                                     .idle = rows->idle,
                                     .counting = context->config->usage ? COUNTING_ON : COUNTING_OFF,
                                     .routes = gateway->route_count,
                                     .rehearsing = gateway_rehearsing(gateway)};
    /* A source does not rehearse because another does. If all do, so does one that no route leads to. */
    if (rows->source.size > 0 && !gateway->observe) {
        const struct source_routes routes = config_source_routes(context->config, rows->source);
        options.routes = routes.count;
        options.rehearsing = routes.observing;
    }
    return options;
}

static void on_start(void *context, uint64_t steps)
{
    progress_count(context, "reading what was counted", steps);
}

static void on_step(void *context)
{
    progress_step(context);
}

static bool open_report(struct report_rows *rows, struct context *context, struct error *error)
{
    const struct report_options options = options_of(context, rows);
    const struct report_watch watch = {on_start, on_step, &context->progress};
    rows->progress = &context->progress;
    const bool good =
        report_open(&rows->report, context->table, &options, error) && report_prepare(rows->report, &watch, error);
    progress_erase(rows->progress);
    return good;
}

int cmd_report(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct report_rows rows = {0};
    if (arguments->json && arguments->csv) {
        log_error("--json and --csv are two ways to print a report: choose one");
        return STATUS_USAGE;
    }
    if (!report_rows_choose(&rows, arguments, clock_utc_us(), &error))
        return complain(&error);
    context_give_way(context);
    bool good = open_report(&rows, context, &error) && print(&rows, arguments, &error);
    int status = good ? check_source(context, &rows) : complain(&error);
    report_close(rows.report);
    report_rows_release(&rows);
    return status;
}
