/* Turns drafts into routes, and makes the checks of routes that need the whole file. */
#include "config_checker.h"
#include "ssoferry/memory.h"
#include "ssoferry/presets.h"

static struct route *add_route(struct building *building)
{
    building->routes = memory_resize(building->routes, (building->route_count + 1) * sizeof(*building->routes));
    struct route *route = &building->routes[building->route_count++];
    *route = (struct route){0};
    return route;
}

static void route_from_draft(struct route *route, const struct route_draft *draft)
{
    route->identify_by = draft->identify_by;
    route->source = draft->source;
    route->redirect = draft->redirect;
    route->fold_case = draft->fold_case == SAID_YES;
    route->relay_state_key = draft->relay_state_key.text;
    route->unknown_is_legacy = draft->unknown_is_legacy;
    route->observe = draft->observe;
    route->legacy_url = draft->legacy_url.text;
    route->legacy_relay_states = draft->legacy_relay_states.items;
    route->legacy_relay_state_count = draft->legacy_relay_states.count;
    route->line = draft->place.line;
}

static void build_matched(struct checker *checker, const struct route_draft *draft)
{
    char why[256] = "";
    size_t at = 0;
    struct template *template = NULL;
    struct place place = draft->match.place;
    if (!template_parse(&template, draft->match.text, why, &at)) {
        checker_fault(checker, &place, "match: ", why);
        return;
    }
    bool by_template = draft->identify_by == IDENTIFY_BY_TEMPLATE;
    if (draft->mistyped && by_template && !template_has_identifier(template)) {
        template_free(template);
        return;
    }
    if (by_template != template_has_identifier(template)) {
        checker_fault(checker, &place, "match: ",
                      by_template
                          ? "it has no {identifier}; put one in, or set identify_by: issuer or relay_state"
                          : "it has an {identifier}, but identify_by says to look elsewhere; remove one of them");
        template_free(template);
        return;
    }
    if (draft->fold_path == SAID_YES)
        template_fold_path(template);
    struct route *route = add_route(checker->building);
    route_from_draft(route, draft);
    route->template = template;
    route->name = draft->match.text;
}

static bool said_or(enum said said, bool preset)
{
    return said == SAID_NOTHING ? preset : said == SAID_YES;
}

/* Compiles a preset's template, for the draft's host if it has one. */
static bool parse_preset(struct checker *checker, const struct route_draft *draft, const char *match,
                         struct template **template)
{
    static const char *const elsewhere = "/?{}"; /* would end the host, or put an identifier in it */
    char why[256] = "give a name alone, without scheme, path and {identifier}";
    char source[TEMPLATE_SIZE_MAX + 1];
    bool good = true;
    for (size_t i = 0; i < draft->host.text.size; ++i)
        good = good && strchr(elsewhere, draft->host.text.at[i]) == NULL;
    int size = snprintf(source, sizeof(source), "%s%.*s%s", draft->host.text.size > 0 ? "https://" : "",
                        TEXT_ARGS(draft->host.text), match);
    good = good && size > 0 && size < (int)sizeof(source);
    if (good && template_parse(template, text_slice(source, (size_t)size), why, NULL))
        return true;
    checker_fault(checker, &draft->host.place, "host: ", why);
    return false;
}

static void build_preset(struct checker *checker, const struct route_draft *draft)
{
    const struct preset *preset = preset_find(draft->preset.text);
    if (preset == NULL) {
        const struct text meant = guess_preset(draft->preset.text);
        char advice[64] = "; `ssoferry presets` lists them";
        if (meant.size > 0)
            snprintf(advice, sizeof(advice), "; did you mean %.*s?", TEXT_ARGS(meant));
        checker_fault(checker, &draft->preset.place, "preset: there is no preset of that name", advice);
        return;
    }
    if (draft->identify_by != IDENTIFY_BY_TEMPLATE) {
        checker_fault(checker, &draft->preset.place, "preset: it already says where the identifier is",
                      "; remove identify_by");
        return;
    }
    for (size_t i = 0; i < PRESET_ROUTES_MAX && preset->routes[i].match != NULL; ++i) {
        struct template *template = NULL;
        if (!parse_preset(checker, draft, preset->routes[i].match, &template))
            return;
        if (said_or(draft->fold_path, preset->fold_path))
            template_fold_path(template);
        struct route *route = add_route(checker->building);
        route_from_draft(route, draft);
        route->template = template;
        route->identify_by = preset->routes[i].identify_by;
        route->fold_case = said_or(draft->fold_case, preset->fold_case);
        route->name = template_source(template);
    }
}

static bool has_legacy_url(const struct building *building)
{
    for (size_t i = 0; i < building->draft_count; ++i) {
        if (building->drafts[i].legacy_url.text.size > 0)
            return true;
    }
    return false;
}

/* With the key observe, everybody who can goes to the legacy side: in an emergency, one route without a legacy URL must
 * not keep the customers of the others from it. */
static void check_observed(struct checker *checker, const struct route_draft *draft)
{
    if (!has_legacy_url(checker->building))
        checker_fault(checker, &draft->place, "the route needs a legacy_url for ", "observe: true");
    else
        checker_warning(
            checker, &draft->place, "observe: true has no effect on this route, which has no legacy_url",
            ": rows without one of their own are answered as if it were false, and those in state stytch go to Stytch");
}

static void check_legacy(struct checker *checker, const struct route_draft *draft)
{
    if (draft->legacy_url.text.size > 0) {
        const char *problem = checker_legacy_problem(checker, draft->legacy_url.text, true);
        if (problem != NULL)
            checker_fault(checker, &draft->legacy_url.place, "legacy_url: ", problem);
        return;
    }
    const char *wanted_by = draft->unknown_is_legacy               ? "unknown: legacy"
                            : draft->legacy_relay_states.count > 0 ? "legacy_relay_states"
                            : draft->observe                       ? "observe: true"
                                                                   : NULL;
    if (wanted_by == NULL && checker->building->config.gateway.observe)
        check_observed(checker, draft);
    if (wanted_by != NULL)
        checker_fault(checker, &draft->place, "the route needs a legacy_url for ", wanted_by);
}

static void build_route(struct checker *checker, const struct route_draft *draft)
{
    if ((draft->match.text.size > 0) == (draft->preset.text.size > 0)) {
        if (draft->match.text.size > 0 || !draft->mistyped)
            checker_fault(checker, &draft->place, "a route needs a match or a preset",
                          draft->match.text.size > 0 ? ", not both" : "");
        return;
    }
    if (draft->match.text.size > 0 && draft->host.text.size > 0)
        checker_fault(checker, &draft->host.place, "host: it is only for a preset",
                      "; write the host into match, as https://HOST/PATH");
    else if (draft->match.text.size > 0)
        build_matched(checker, draft);
    else
        build_preset(checker, draft);
    check_legacy(checker, draft);
}

/* The first route of a later item that a route *by of an earlier item hides; NULL if there is none. */
static const struct route *find_hidden(const struct building *building, const struct route_draft *earlier,
                                       const struct route_draft *later, const struct route **by)
{
    for (size_t i = 0; i < later->route_count; ++i) {
        const struct route *route = &building->routes[later->first_route + i];
        for (size_t j = 0; j < earlier->route_count; ++j) {
            *by = &building->routes[earlier->first_route + j];
            if (routes_ambiguous(*by, route))
                return route;
        }
    }
    return NULL;
}

/* Whether both do the same with a request that both match. Two templates may find different identifiers in it. */
static bool acts_alike(const struct route *a, const struct route *b)
{
    return a->identify_by == b->identify_by && a->identify_by != IDENTIFY_BY_TEMPLATE &&
           text_equal(a->source, b->source) && a->fold_case == b->fold_case && a->redirect == b->redirect &&
           a->unknown_is_legacy == b->unknown_is_legacy && a->observe == b->observe &&
           text_equal(a->legacy_url, b->legacy_url) && text_equal(a->relay_state_key, b->relay_state_key) &&
           a->legacy_relay_state_count == 0 && b->legacy_relay_state_count == 0;
}

static bool does_already(const struct building *building, const struct route_draft *earlier, const struct route *route)
{
    for (size_t i = 0; i < earlier->route_count; ++i) {
        const struct route *by = &building->routes[earlier->first_route + i];
        if (acts_alike(by, route) && template_relation(by->template, route->template) == TEMPLATE_COVERS)
            return true;
    }
    return false;
}

static bool is_needless(const struct building *building, const struct route_draft *earlier,
                        const struct route_draft *later)
{
    for (size_t i = 0; i < later->route_count; ++i) {
        if (!does_already(building, earlier, &building->routes[later->first_route + i]))
            return false;
    }
    return true;
}

static void check_pair(struct checker *checker, const struct route_draft *earlier, const struct route_draft *later)
{
    const struct route *by = NULL, *ignored = NULL;
    const struct route *route = find_hidden(checker->building, earlier, later, &by);
    if (route == NULL)
        return;
    const struct place *place = later->match.text.size > 0 ? &later->match.place : &later->preset.place;
    const char *advice = is_needless(checker->building, earlier, later)
                             ? "remove it, since the earlier one does the same with them"
                         : find_hidden(checker->building, later, earlier, &ignored) == NULL
                             ? "put this one first"
                             : "no order helps: make them differ, or give each its own host";
    faults_add(checker->faults, FAULT_ERROR, checker->file, place->line, place->column, place->length,
               "this route's %.*s matches requests that %.*s at line %u takes first; %s", TEXT_ARGS(route->name),
               TEXT_ARGS(by->name), by->line, advice);
}

static void check_ambiguity(struct checker *checker)
{
    const struct building *building = checker->building;
    for (size_t later = 1; later < building->draft_count; ++later) {
        for (size_t earlier = 0; earlier < later; ++earlier)
            check_pair(checker, &building->drafts[earlier], &building->drafts[later]);
    }
}

static void check_relay_state_key(struct checker *checker, const struct route_draft *draft)
{
    bool used = draft->route_count == 0;
    for (size_t i = 0; i < draft->route_count; ++i)
        used |= checker->building->routes[draft->first_route + i].identify_by == IDENTIFY_BY_RELAY_STATE;
    if (!used && draft->relay_state_key.place.line > 0)
        checker_warning(checker, &draft->relay_state_key.place,
                        "relay_state_key: this route does not identify by relay_state", ", so this key has no effect");
}

/* Whether a legacy URL has {identifier} in its path. */
static bool is_in_path(struct text url)
{
    static const char hole[] = "/{identifier}";
    const char *at = memmem(url.at, url.size, hole, sizeof(hole) - 1);
    return at != NULL && (size_t)(at - url.at) < text_find(url, '?', 0);
}

/* All addresses of an item share one legacy_url, but {identifier} may mean something else in some of them, or not be
 * written as it was. */
static void check_legacy_identifier(struct checker *checker, const struct route_draft *draft)
{
    const struct text url = draft->legacy_url.text;
    bool by_template = false, by_message = false, spread = false;
    if (url.size == 0 || template_keeps_path(url) || text_find(url, '{', 0) == url.size)
        return;
    for (size_t i = 0; i < draft->route_count; ++i) {
        const struct route *route = &checker->building->routes[draft->first_route + i];
        by_template |= route->identify_by == IDENTIFY_BY_TEMPLATE;
        by_message |= route->identify_by != IDENTIFY_BY_TEMPLATE;
        spread |= template_is_spread(route->template);
    }
    if (by_template && by_message)
        checker_warning(checker, &draft->legacy_url.place,
                        "legacy_url: at some addresses of the preset its {identifier} is the Issuer",
                        ", for which the old system has no address; https://HOST{path} keeps each address");
    else if (spread && is_in_path(url))
        checker_warning(checker, &draft->legacy_url.place,
                        "legacy_url: the slashes of {identifier...} become %2F in it",
                        ", which many servers refuse; https://HOST{path} keeps the address");
}

void checker_build_routes(struct checker *checker)
{
    struct building *building = checker->building;
    for (size_t i = 0; i < building->draft_count; ++i) {
        struct route_draft *draft = &building->drafts[i];
        draft->first_route = building->route_count;
        build_route(checker, draft);
        draft->route_count = building->route_count - draft->first_route;
        check_relay_state_key(checker, draft);
        check_legacy_identifier(checker, draft);
    }
    if (building->draft_count == 0 && !building->mistyped[KEY_OF_CONFIG])
        checker_fault(checker, &building->routes_place, "routes: there is none",
                      "; write at least \"- match: /old-sso/{identifier}\"");
    if (building->route_count > CONFIG_ROUTES_MAX)
        checker_fault(checker, &building->routes_place, "routes: there are more than 256", "");
    else
        check_ambiguity(checker);
}
