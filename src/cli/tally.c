#include "tally.h"

#include "output.h"
#include "rows.h"
#include "ssoferry/log.h"

static const struct {
    const char *would, *did;
} sentences[TURNS] = {
    [TURN_LEGACY] = {"would go back from Stytch to the old system (stytch -> legacy)",
                     "went back from Stytch to the old system (stytch -> legacy)"},
    [TURN_DISABLED] = {"would be disabled, and their sign-ins refused (stytch -> disabled)",
                       "were disabled, and their sign-ins are refused (stytch -> disabled)"},
    [TURN_TEST] = {"would leave their connection of a live project for one of a test project",
                   "left their connection of a live project for one of a test project"},
};

/* -- one row -- */

/* Row by row the most telling: whoever is refused does not care by which project. */
static bool turn_of(const struct difference *difference, enum turn *turn)
{
    struct connection_buffer before, after;
    struct error error;
    if (difference->kind == DIFFERENCE_REMOVED) {
        *turn = TURN_REMOVED;
        return true;
    }
    if (difference->kind != DIFFERENCE_CHANGED || !connection_decode(difference->before, &before, &error) ||
        !connection_decode(difference->after, &after, &error) || before.row.state != CONNECTION_STYTCH)
        return false;
    if (after.row.state != CONNECTION_STYTCH) {
        *turn = after.row.state == CONNECTION_LEGACY ? TURN_LEGACY : TURN_DISABLED;
        return true;
    }
    *turn = TURN_TEST;
    return connection_id_is_test(after.row.connection_id) && !connection_id_is_test(before.row.connection_id);
}

/* -- sources -- */

static bool is_many(const struct tally_source *source, unsigned turn)
{
    /* One is what somebody has edited, however small the table; but a row that goes is gone. */
    return source->turned[turn] > (turn == TURN_REMOVED ? 0 : 1) && source->turned[turn] * 10 > source->before;
}

void tally_end(struct tally *tally)
{
    for (unsigned turn = 0; turn < TURNS; turn++) {
        if (is_many(&tally->source, turn) && tally->source.turned[turn] > tally->most[turn].turned[turn])
            tally->most[turn] = tally->source;
    }
    tally->source = (struct tally_source){0};
}

static void begin_source(struct tally *tally, struct text key)
{
    struct text source = TEXT(""), identifier;
    if (!connection_key_split(key, &source, &identifier) || source.size >= sizeof tally->source.name ||
        text_equal(source, text_of(tally->source.name)))
        return;
    tally_end(tally);
    memcpy(tally->source.name, source.at, source.size);
}

static void note_stage(struct tally *tally, const struct difference *difference)
{
    bool is_test;
    if (!connection_record_is_test(difference->after, &is_test))
        return;
    if (difference->kind == DIFFERENCE_NONE)
        *(is_test ? &tally->kept.test : &tally->kept.live) = true;
    else
        *(is_test ? &tally->put.test : &tally->put.live) = true;
}

void tally_add(struct tally *tally, const struct difference *difference)
{
    enum turn turn;
    begin_source(tally, difference->key);
    tally->rows[difference->kind]++;
    tally->source.before += difference->kind != DIFFERENCE_ADDED;
    if (turn_of(difference, &turn))
        tally->source.turned[turn]++;
    note_stage(tally, difference);
}

static bool is_named(const struct mapping *mapping, struct text source)
{
    const struct text *sources;
    size_t count = mapping_sources(mapping, &sources);
    for (size_t i = 0; i < count; ++i) {
        if (text_equal(sources[i], source))
            return true;
    }
    return false;
}

void tally_others(struct tally *tally, const struct mapping *mapping, struct snapshot *snapshot)
{
    struct error error = {0};
    char name[SOURCE_SIZE_MAX + 1] = "";
    bool is_test;
    while (rows_next_source(snapshot, text_of(name), name, &error) == LOOKUP_FOUND) {
        if (!is_named(mapping, text_of(name)) && rows_stage(snapshot, text_of(name), NULL, NULL, &is_test))
            *(is_test ? &tally->kept.test : &tally->kept.live) = true;
    }
}

/* -- the whole -- */

struct change_counts tally_changes(const struct tally *tally)
{
    return (struct change_counts){.added = tally->rows[DIFFERENCE_ADDED],
                                  .changed = tally->rows[DIFFERENCE_CHANGED],
                                  .removed = tally->rows[DIFFERENCE_REMOVED]};
}

bool tally_differs(const struct tally *tally)
{
    return tally->rows[DIFFERENCE_ADDED] + tally->rows[DIFFERENCE_CHANGED] + tally->rows[DIFFERENCE_REMOVED] > 0;
}

bool tally_loses_many(const struct tally *tally)
{
    return tally->most[TURN_REMOVED].before > 0;
}

void tally_warn(const struct tally *tally, uint64_t revision)
{
    for (unsigned turn = TURN_LEGACY; turn < TURNS; turn++) {
        const struct tally_source *source = &tally->most[turn];
        char turned[NUMBER_SIZE], before[NUMBER_SIZE];
        if (source->before == 0)
            continue;
        number_grouped(source->turned[turn], turned);
        number_grouped(source->before, before);
        if (revision == 0)
            log_warning("%s of the %s rows of source %s %s: is the file the right one, and not older than the table?",
                        turned, before, source->name, sentences[turn].would);
        else
            log_warning("%s of the %s rows of source %s %s. If the file was the wrong one, or older than the table, "
                        "`ssoferry rollback %llu` undoes it",
                        turned, before, source->name, sentences[turn].did, (unsigned long long)revision - 1);
    }
}

void tally_warn_of_stages(const struct tally *tally, const struct mapping *mapping)
{
    bool test = tally->put.test && tally->kept.live;
    if ((test || (tally->put.live && tally->kept.test)) && mapping_stage(mapping) != STAGE_MIXED)
        rows_warn_of_stage(test);
}
