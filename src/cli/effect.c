#include "effect.h"

#include "files.h"
#include "output.h"
#include "rows.h"
#include "ssoferry/log.h"

#define OLD_FILE_ASKED "is the file the right one, and not older than the table?"
#define OLD_FILE       "the file was the wrong one, or older than the table"

static const struct {
    const char *would, *asked; /* "12 of the 40 rows ... WOULD: ASKED" */
    const char *did, *mistake; /* "12 of the 40 rows ... DID. If MISTAKE, ..." */
    uint64_t few;              /* this many are never a concern, however small the source */
} turns[TURNS] = {
    [TURN_REMOVED] = {.few = 1},
    [TURN_LEGACY] = {"would go back from Stytch to the old system (stytch -> legacy)", OLD_FILE_ASKED,
                     "went back from Stytch to the old system (stytch -> legacy)", OLD_FILE, 1},
    [TURN_DISABLED] = {"would be disabled, and their sign-ins refused (stytch -> disabled)", OLD_FILE_ASKED,
                       "were disabled, and their sign-ins are refused (stytch -> disabled)", OLD_FILE, 1},
    [TURN_TEST] = {"would leave their connection of a live project for one of a test project", OLD_FILE_ASKED,
                   "left their connection of a live project for one of a test project", OLD_FILE, 1},
    [TURN_STYTCH] = {"would be cut over to Stytch", "is that meant for all of them? A row without `state` is cut over",
                     "were cut over to Stytch",
                     "that was not meant for all of them (a row without `state` is cut over)", 5},
    [TURN_ELSEWHERE] = {"would get another connection_id", "is each of them beside its own identifier?",
                        "got another connection_id", "they are no longer beside their own identifiers", 1},
};

/* -- one row -- */

/* Sets of turns: a row may take one by its state and another by its connection, as when a spreadsheet was sorted
 * wrongly and its batch is cut over. */
typedef unsigned turn_set;

static turn_set only(enum turn turn)
{
    return 1U << turn;
}

static turn_set turn_of_state(const struct connection *before, const struct connection *after)
{
    const bool was = before->state == CONNECTION_STYTCH, is = after->state == CONNECTION_STYTCH;
    if (was == is)
        return 0;
    return only(is ? TURN_STYTCH : after->state == CONNECTION_LEGACY ? TURN_LEGACY : TURN_DISABLED);
}

static turn_set turn_of_connection(const struct connection *before, const struct connection *after)
{
    if (before->connection_id.size == 0 || after->connection_id.size == 0 ||
        text_equal(before->connection_id, after->connection_id))
        return 0;
    const bool was_test = connection_id_is_test(before->connection_id);
    if (was_test == connection_id_is_test(after->connection_id))
        return only(TURN_ELSEWHERE);
    return !was_test && after->state == CONNECTION_STYTCH ? only(TURN_TEST) : 0;
}

/* If its sign-ins are refused from now on, it does not matter by which connection. */
static turn_set turns_of_change(const struct connection *before, const struct connection *after)
{
    const turn_set by_state = turn_of_state(before, after);
    return by_state == only(TURN_DISABLED) ? by_state : by_state | turn_of_connection(before, after);
}

static turn_set turns_of(const struct difference *difference)
{
    struct connection_buffer before, after;
    struct error error;
    if (difference->kind == DIFFERENCE_REMOVED)
        return only(TURN_REMOVED);
    return difference->kind == DIFFERENCE_CHANGED && connection_decode(difference->before, &before, &error) &&
                   connection_decode(difference->after, &after, &error)
               ? turns_of_change(&before.row, &after.row)
               : 0;
}

/* -- sources -- */

/* A few rows are probably edited by hand; but removing all of a source is never done without asking. */
static bool is_many(const struct effect *effect, const struct effect_source *source, unsigned turn)
{
    uint64_t turned = source->turned[turn];
    return (turned > turns[turn].few || (turn == TURN_REMOVED && turned > 0 && turned == source->before)) &&
           turned * 10 > source->before &&
           !(turn == TURN_STYTCH && config_source_routes(effect->config, text_of(source->name)).rehearsed);
}

static uint64_t count_rows(struct snapshot *snapshot, struct text source)
{
    struct error error = {0};
    struct table_row row;
    struct text row_source, identifier;
    uint64_t rows = 0;
    rows_seek(snapshot, source);
    while (rows_next(snapshot, source, &row, &row_source, &identifier, &error) == LOOKUP_FOUND)
        ++rows;
    return rows;
}

void effect_end(struct effect *effect)
{
    if (effect->counted != NULL && effect->source.name[0] != '\0')
        effect->source.before = count_rows(effect->counted, text_of(effect->source.name));
    for (unsigned turn = 0; turn < TURNS; turn++) {
        bool many = is_many(effect, &effect->source, turn);
        effect->sources[turn] += many;
        if (many && effect->source.turned[turn] > effect->most[turn].turned[turn])
            effect->most[turn] = effect->source;
    }
    const struct effect_stages *there = effect->source.before > 0 ? &effect->kept : &effect->others;
    effect->beside.test = effect->beside.test || (effect->put.test && there->live);
    effect->beside.live = effect->beside.live || (effect->put.live && there->test);
    effect->test_put = effect->test_put || effect->put.test;
    effect->put = effect->kept = (struct effect_stages){0};
    effect->source = (struct effect_source){0};
    effect->start_size = 0;
}

static void begin_source(struct effect *effect, struct text key)
{
    struct text source = TEXT(""), identifier;
    if (effect->start_size > 0 && text_starts(key, text_slice(effect->source.name, effect->start_size)))
        return;
    if (!connection_key_split(key, &source, &identifier) || source.size >= sizeof effect->source.name ||
        text_equal(source, text_of(effect->source.name)))
        return;
    effect_end(effect);
    memcpy(effect->source.name, source.at, source.size);
    effect->start_size = source.size + 1;
    const struct source_routes routes = config_source_routes(effect->config, source);
    effect->cuts_over = config_cuts_over(effect->config, &routes);
}

static void note_stage(struct effect *effect, const struct difference *difference)
{
    bool is_test;
    if (!connection_record_is_test(difference->after, &is_test))
        return;
    if (difference->kind == DIFFERENCE_NONE)
        *(is_test ? &effect->kept.test : &effect->kept.live) = true;
    else
        *(is_test ? &effect->put.test : &effect->put.live) = true;
}

static bool is_cut_over(const struct difference *difference)
{
    enum connection_state was;
    struct connection_buffer after;
    struct error error;
    const bool is_added = difference->kind == DIFFERENCE_ADDED, is_changed = difference->kind == DIFFERENCE_CHANGED;
    const bool is_known = is_changed && connection_record_state(difference->before, &was);
    return (is_added || is_changed) && connection_decode(difference->after, &after, &error) &&
           rows_is_cut_over(is_known ? &was : NULL, &after.row);
}

/* Whether the row only rehearses, whatever its source's routes can: it has a legacy URL of its own. */
static bool rehearses(const struct effect *effect, const struct difference *difference)
{
    return effect->config->gateway.observe && !is_cut_over(difference);
}

void effect_add(struct effect *effect, const struct difference *difference)
{
    const turn_set taken = turns_of(difference);
    begin_source(effect, difference->key);
    effect->rows[difference->kind]++;
    effect->source.before += difference->kind != DIFFERENCE_ADDED;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        if ((taken & only(turn)) != 0 && !(turn == TURN_STYTCH && rehearses(effect, difference)))
            effect->source.turned[turn]++;
    }
    note_stage(effect, difference);
    effect->cut_over += effect->cuts_over && is_cut_over(difference);
}

void effect_others(struct effect *effect, const struct mapping *mapping, struct snapshot *snapshot)
{
    struct error error = {0};
    char name[SOURCE_SIZE_MAX + 1] = "";
    bool is_test;
    while (rows_next_source(snapshot, text_of(name), name, &error) == LOOKUP_FOUND) {
        if (!mapping_has_source(mapping, text_of(name)) && rows_stage(snapshot, text_of(name), NULL, NULL, &is_test))
            *(is_test ? &effect->others.test : &effect->others.live) = true;
    }
}

/* -- the whole -- */

struct change_counts effect_changes(const struct effect *effect)
{
    return (struct change_counts){.added = effect->rows[DIFFERENCE_ADDED],
                                  .changed = effect->rows[DIFFERENCE_CHANGED],
                                  .removed = effect->rows[DIFFERENCE_REMOVED]};
}

bool effect_differs(const struct effect *effect)
{
    return effect->rows[DIFFERENCE_ADDED] + effect->rows[DIFFERENCE_CHANGED] + effect->rows[DIFFERENCE_REMOVED] > 0;
}

bool effect_loses_many(const struct effect *effect)
{
    return effect->most[TURN_REMOVED].before > 0;
}

const char *effect_way_to_keep(bool all_sources)
{
    return all_sources ? "leave out --all-sources, or give --merge in its place" : "add --merge";
}

/* Writes to `out`, of SUBJECT_SIZE bytes: "12 of the 40 rows of source default, and many of 1 more source,". False if
 * the turn did not affect many rows. */
enum { SUBJECT_SIZE = 2 * NUMBER_SIZE + SOURCE_SIZE_MAX + NUMBER_SIZE + 64 };
static bool describe(const struct effect *effect, unsigned turn, char *out)
{
    const struct effect_source *source = &effect->most[turn];
    char turned[NUMBER_SIZE], before[NUMBER_SIZE], more[NUMBER_SIZE + 32] = "";
    if (source->before == 0)
        return false;
    if (effect->sources[turn] > 1)
        snprintf(more, sizeof more, ", and many of %zu more source%s,", effect->sources[turn] - 1,
                 plural(effect->sources[turn] - 1));
    snprintf(out, SUBJECT_SIZE, "%s of the %s rows of source %s%s", number_grouped(source->turned[turn], turned),
             number_grouped(source->before, before), source->name, more);
    return true;
}

void effect_warn(const struct effect *effect, uint64_t revision)
{
    char subject[SUBJECT_SIZE];
    for (unsigned turn = TURN_LEGACY; turn < TURNS; turn++) {
        if (!describe(effect, turn, subject))
            continue;
        if (revision == 0)
            log_warning("%s %s: %s", subject, turns[turn].would, turns[turn].asked);
        else
            log_warning("%s %s. If %s, `ssoferry rollback %llu` undoes it", subject, turns[turn].did,
                        turns[turn].mistake, (unsigned long long)revision - 1);
    }
    rows_warn_of_cut_over(effect->cut_over, revision == 0);
}

void effect_warn_of_rollback(const struct effect *effect)
{
    char subject[SUBJECT_SIZE];
    for (unsigned turn = TURN_LEGACY; turn < TURNS; turn++) {
        if (describe(effect, turn, subject))
            log_warning("%s %s", subject, turns[turn].would);
    }
    rows_warn_of_cut_over(effect->cut_over, true);
}

void effect_warn_of_stages(const struct effect *effect, const struct mapping *mapping)
{
    if ((effect->beside.test || effect->beside.live) && mapping_stage(mapping) != STAGE_MIXED)
        rows_warn_of_stage(effect->beside.test);
    else if (effect->test_put && mapping_stage(mapping) == STAGE_TEST)
        log_warning(MAPPING_TEST_ONLY);
}
