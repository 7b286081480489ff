#include "effect.h"

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

static bool is_many(const struct effect_source *source, unsigned turn)
{
    /* One is what somebody has edited, however small the source; but none of it must go unasked. */
    uint64_t turned = source->turned[turn];
    return (turned > 1 || (turn == TURN_REMOVED && turned == source->before)) && turned * 10 > source->before;
}

void effect_end(struct effect *effect)
{
    for (unsigned turn = 0; turn < TURNS; turn++) {
        bool many = is_many(&effect->source, turn);
        effect->sources[turn] += many;
        if (many && effect->source.turned[turn] > effect->most[turn].turned[turn])
            effect->most[turn] = effect->source;
    }
    const struct effect_stages *there = effect->source.before > 0 ? &effect->kept : &effect->others;
    effect->beside.test = effect->beside.test || (effect->put.test && there->live);
    effect->beside.live = effect->beside.live || (effect->put.live && there->test);
    effect->put = effect->kept = (struct effect_stages){0};
    effect->source = (struct effect_source){0};
}

static void begin_source(struct effect *effect, struct text key)
{
    struct text source = TEXT(""), identifier;
    if (!connection_key_split(key, &source, &identifier) || source.size >= sizeof effect->source.name ||
        text_equal(source, text_of(effect->source.name)))
        return;
    effect_end(effect);
    memcpy(effect->source.name, source.at, source.size);
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

void effect_add(struct effect *effect, const struct difference *difference)
{
    enum turn turn;
    begin_source(effect, difference->key);
    effect->rows[difference->kind]++;
    effect->source.before += difference->kind != DIFFERENCE_ADDED;
    if (turn_of(difference, &turn))
        effect->source.turned[turn]++;
    note_stage(effect, difference);
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

void effect_others(struct effect *effect, const struct mapping *mapping, struct snapshot *snapshot)
{
    struct error error = {0};
    char name[SOURCE_SIZE_MAX + 1] = "";
    bool is_test;
    while (rows_next_source(snapshot, text_of(name), name, &error) == LOOKUP_FOUND) {
        if (!is_named(mapping, text_of(name)) && rows_stage(snapshot, text_of(name), NULL, NULL, &is_test))
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

void effect_warn(const struct effect *effect, uint64_t revision)
{
    for (unsigned turn = TURN_LEGACY; turn < TURNS; turn++) {
        const struct effect_source *source = &effect->most[turn];
        char turned[NUMBER_SIZE], before[NUMBER_SIZE], more[NUMBER_SIZE + 32] = "";
        if (source->before == 0)
            continue;
        if (effect->sources[turn] > 1)
            snprintf(more, sizeof more, ", and many of %zu more source%s,", effect->sources[turn] - 1,
                     plural(effect->sources[turn] - 1));
        number_grouped(source->turned[turn], turned);
        number_grouped(source->before, before);
        if (revision == 0)
            log_warning("%s of the %s rows of source %s%s %s: is the file the right one, and not older than the table?",
                        turned, before, source->name, more, sentences[turn].would);
        else
            log_warning("%s of the %s rows of source %s%s %s. If the file was the wrong one, or older than the table, "
                        "`ssoferry rollback %llu` undoes it",
                        turned, before, source->name, more, sentences[turn].did, (unsigned long long)revision - 1);
    }
}

void effect_warn_of_stages(const struct effect *effect, const struct mapping *mapping)
{
    if ((effect->beside.test || effect->beside.live) && mapping_stage(mapping) != STAGE_MIXED)
        rows_warn_of_stage(effect->beside.test);
}
