/* template_relation() against tables, and against brute force: many small templates matched with every URL of a small
 * world. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "ssoferry/memory.h"
#include "ssoferry/template.h"

/* "~/a": its path has no case. */
static struct template *compiled(const char *source)
{
    struct template *template;
    char why[256];
    bool folds = source[0] == '~';
    if (!template_parse(&template, text_of(source + folds), why, NULL))
        fail_msg("%s: %s", source, why);
    if (folds)
        template_fold_path(template);
    return template;
}

static const char *relation_name(enum template_relation relation)
{
    static const char *const names[] = {[TEMPLATE_DISJOINT] = "disjoint",
                                        [TEMPLATE_WITHIN] = "within",
                                        [TEMPLATE_COVERS] = "covers",
                                        [TEMPLATE_OVERLAPS] = "overlaps"};
    return names[relation];
}

static const struct {
    const char *first, *second;
    enum template_relation relation, reversed;
} relations[] = {
    {"/a/{identifier}", "/a/{identifier}", TEMPLATE_COVERS, TEMPLATE_COVERS},
    {"/a/{identifier}", "/a/*", TEMPLATE_COVERS, TEMPLATE_COVERS},
    {"/a/{identifier}", "//a/{identifier}/", TEMPLATE_COVERS, TEMPLATE_COVERS},
    {"/a/{identifier}", "/b/{identifier}", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"/a/{identifier}", "/a", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"/a/{identifier}", "/a/b", TEMPLATE_COVERS, TEMPLATE_WITHIN},
    {"/a/%62", "/a/b", TEMPLATE_COVERS, TEMPLATE_COVERS},
    {"/saml/{identifier}/acs", "/saml/acs/{identifier}", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"/saml/{identifier}/acs", "/saml/acs", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"/{identifier}", "/{identifier...}", TEMPLATE_WITHIN, TEMPLATE_COVERS},
    {"/{identifier...}", "/**", TEMPLATE_WITHIN, TEMPLATE_COVERS},
    {"/{identifier...}", "/", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"/**", "/", TEMPLATE_COVERS, TEMPLATE_WITHIN},
    {"/**/a", "/**/a/b", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"/**/a/*", "/**/b", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"/**/a/b", "/**/b", TEMPLATE_WITHIN, TEMPLATE_COVERS},
    {"/**/a", "/a/{identifier...}", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"/**/module.php/saml2-acs.php/{identifier}", "/groups/{identifier...}/-/saml/callback", TEMPLATE_DISJOINT,
     TEMPLATE_DISJOINT},
    {"/**/a/{identifier...}/c", "/**/a/*/*", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"/**/a/{identifier...}", "/**/a/*", TEMPLATE_COVERS, TEMPLATE_WITHIN},
    {"/**/a/b/{identifier...}", "/**/c/{identifier...}", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"/**/a/{identifier...}/x", "/**/b/{identifier...}/y", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"/**/a/{identifier...}/x/z", "/**/b/{identifier...}/y/z", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"/**/a/{identifier...}/x/z", "/**/b/{identifier...}/*", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"/**/a/b/{identifier...}/x", "/**/b/{identifier...}", TEMPLATE_WITHIN, TEMPLATE_COVERS},
    {"https://a.example.com/**/{identifier...}", "https://b.example.com/**/{identifier...}", TEMPLATE_DISJOINT,
     TEMPLATE_DISJOINT},
    {"/x{identifier}", "/{identifier}y", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"/x{identifier}", "/xy{identifier}", TEMPLATE_COVERS, TEMPLATE_WITHIN},
    {"/x{identifier}", "/y{identifier}", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"/x{identifier}", "/x", TEMPLATE_COVERS, TEMPLATE_WITHIN},
    {"/x{identifier}x", "/x", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"/x{identifier}", "/{identifier}", TEMPLATE_WITHIN, TEMPLATE_COVERS},
    {"/login/callback?connection={identifier}", "/login/callback", TEMPLATE_WITHIN, TEMPLATE_COVERS},
    {"/a?b={identifier}", "/a?c={identifier}", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"/a?b={identifier}", "/a?c&b={identifier}", TEMPLATE_COVERS, TEMPLATE_WITHIN},
    {"/a?b=1", "/a?b=2", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"/a?b=1&c=*", "/a?c=2&b", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"/a?b=*", "/a?b", TEMPLATE_WITHIN, TEMPLATE_COVERS},
    {"/a?b=*", "/a?b=", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"/a?b={identifier}", "/a?b", TEMPLATE_COVERS, TEMPLATE_COVERS},
    {"https://a.example.com/x", "/x", TEMPLATE_WITHIN, TEMPLATE_COVERS},
    {"https://a.example.com/x", "https://A.example.com:8080/x", TEMPLATE_COVERS, TEMPLATE_COVERS},
    {"https://a.example.com/x", "https://b.example.com/x", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"https://a.example.com/x", "https://{identifier}.example.com/x", TEMPLATE_WITHIN, TEMPLATE_COVERS},
    {"https://a.*.com/x", "https://*.example.com/x", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"https://a.*.com/x", "https://*.com/x", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"https://*.example.com/x", "https://{identifier}/x", TEMPLATE_WITHIN, TEMPLATE_COVERS},
    {"https://{identifier}/x", "/x", TEMPLATE_COVERS, TEMPLATE_COVERS},
    {"https://a.example.com/x", "https://{identifier}.example.com/y", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"https://a.example.com/{identifier}", "https://{identifier}.example.com/y", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"/A", "/a", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"~/A", "/a", TEMPLATE_COVERS, TEMPLATE_WITHIN},
    {"~/A", "~/a", TEMPLATE_COVERS, TEMPLATE_COVERS},
    {"~/A", "/b", TEMPLATE_DISJOINT, TEMPLATE_DISJOINT},
    {"~/1", "/1", TEMPLATE_COVERS, TEMPLATE_COVERS},
    {"~/a/1/{identifier}", "/a/*/x", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"~/a/{identifier}", "/*/{identifier}", TEMPLATE_WITHIN, TEMPLATE_COVERS},
    {"~/{identifier}", "/{identifier}", TEMPLATE_COVERS, TEMPLATE_COVERS},
    {"~/a{identifier}", "/A{identifier}", TEMPLATE_COVERS, TEMPLATE_WITHIN},
    {"~/ab{identifier}", "~/A{identifier}", TEMPLATE_WITHIN, TEMPLATE_COVERS},
    {"~/ab{identifier}", "/A{identifier}", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"~/{identifier}.Do", "/x.do", TEMPLATE_COVERS, TEMPLATE_WITHIN},
    {"/{identifier}.do", "~/x.do", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"~/saml2/acs", "/Saml2/Acs?p=1", TEMPLATE_COVERS, TEMPLATE_WITHIN},
    {"~/acs?p=1", "/acs?P=1", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
    {"~https://a.example.com/x", "https://*.example.com/X", TEMPLATE_OVERLAPS, TEMPLATE_OVERLAPS},
};

static void relations_are_as_tabled(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(relations); i++) {
        struct template *first = compiled(relations[i].first), *second = compiled(relations[i].second);
        enum template_relation relation = template_relation(first, second), reversed = template_relation(second, first);
        if (relation != relations[i].relation || reversed != relations[i].reversed)
            fail_msg("%s and %s: %s, reversed %s", relations[i].first, relations[i].second, relation_name(relation),
                     relation_name(reversed));
        template_free(first);
        template_free(second);
    }
}

/* As many as a configuration may have, and as long. If each were compared in every way that their segments can lie,
 * this would not end within the test's limit. */
static void many_long_templates_are_related(void **state)
{
    (void)state;
    enum { MANY = 256, BEFORE = TEMPLATE_SEGMENTS_MAX - 3 };
    struct template *templates[MANY];
    for (int i = 0; i < MANY; i++) {
        char source[256] = "/**";
        for (int segment = 0; segment < BEFORE; segment++)
            strcat(source, "/a");
        snprintf(source + strlen(source), sizeof source - strlen(source), "/b%d/{identifier...}/%s%d", i % (MANY / 2),
                 i < MANY / 2 ? "c" : "d", i % 2);
        templates[i] = compiled(source);
    }
    for (int i = 0; i < MANY; i++) {
        for (int j = 0; j < MANY; j++) {
            bool ends_meet = i % 2 == j % 2 && i / (MANY / 2) == j / (MANY / 2);
            enum template_relation relation = template_relation(templates[i], templates[j]);
            assert_int_equal(relation, i == j ? TEMPLATE_COVERS : ends_meet ? TEMPLATE_OVERLAPS : TEMPLATE_DISJOINT);
        }
    }
    for (int i = 0; i < MANY; i++)
        template_free(templates[i]);
}

/* -- brute force -- */

/* xorshift: the same templates on every machine. */
static uint32_t random_below(uint32_t *seed, uint32_t limit)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % limit;
}

#define PICK(seed, list) ((list)[random_below((seed), (uint32_t)COUNT_OF(list))])

/* URLs that templates are tried with, each with what it consists of. */
struct world {
    const char *const *hosts, *const *segments, *const *queries;
    size_t host_count, segment_count, query_count, path_length;
};

/* Matches every URL of the world, in one fixed order, and notes the outcomes. An empty identifier, in "/", is none.
 * Returns how many URLs there are. */
static size_t match_all(const struct world *world, const struct template *template, bool *outcomes)
{
    size_t count = 0;
    for (size_t length = 0; length <= world->path_length; length++) {
        size_t paths = 1;
        for (size_t i = 0; i < length; i++)
            paths *= world->segment_count;
        for (size_t number = 0; number < paths; number++) {
            char path[256] = "";
            size_t size = 0, rest = number;
            for (size_t i = 0; i < length; i++, rest /= world->segment_count)
                size += (size_t)snprintf(path + size, sizeof path - size, "/%s",
                                         world->segments[rest % world->segment_count]);
            struct request request = {.path = size > 0 ? text_slice(path, size) : TEXT("/"), .has_query = true};
            for (size_t h = 0; h < world->host_count; h++) {
                for (size_t q = 0; q < world->query_count; q++) {
                    struct template_capture capture;
                    request.host = text_of(world->hosts[h]);
                    request.query = text_of(world->queries[q]);
                    enum template_result result = template_match(template, &request, &capture);
                    if (outcomes != NULL)
                        outcomes[count] =
                            result == TEMPLATE_MATCHES && (length > 0 || capture.place != TEMPLATE_IN_PATH);
                    count++;
                }
            }
        }
    }
    return count;
}

static enum template_relation observed_relation(const bool *first, const bool *second, size_t count)
{
    bool meet = false, within = true, covers = true;
    for (size_t i = 0; i < count && !(meet && !within && !covers); i++) {
        meet = meet || (first[i] && second[i]);
        within = within && (!first[i] || second[i]);
        covers = covers && (!second[i] || first[i]);
    }
    if (!meet)
        return TEMPLATE_DISJOINT;
    return covers ? TEMPLATE_COVERS : within ? TEMPLATE_WITHIN : TEMPLATE_OVERLAPS;
}

enum { TEMPLATES = 50 };

static void compare_all(const struct world *world, char sources[TEMPLATES][256])
{
    struct template *templates[TEMPLATES];
    bool *outcomes[TEMPLATES];
    size_t seen[4] = {0};
    for (size_t i = 0; i < TEMPLATES; i++) {
        templates[i] = compiled(sources[i]);
        outcomes[i] = memory_zeroed(match_all(world, templates[i], NULL), sizeof(bool));
    }
    size_t count = 0;
    for (size_t i = 0; i < TEMPLATES; i++)
        count = match_all(world, templates[i], outcomes[i]);
    for (size_t i = 0; i < TEMPLATES; i++) {
        for (size_t j = 0; j < TEMPLATES; j++) {
            enum template_relation observed = observed_relation(outcomes[i], outcomes[j], count);
            enum template_relation relation = template_relation(templates[i], templates[j]);
            if (relation != observed)
                fail_msg("%s and %s: %s, but by brute force %s", sources[i], sources[j], relation_name(relation),
                         relation_name(observed));
            seen[relation]++;
        }
    }
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        assert_true(seen[i] > 20);
    for (size_t i = 0; i < TEMPLATES; i++) {
        template_free(templates[i]);
        free(outcomes[i]);
    }
}

/* Adds up to `most` segments; at most one of all has an identifier. */
static size_t random_path(uint32_t *seed, char *out, size_t room, uint32_t most, bool identifiers)
{
    static const char *const plain[] = {"a", "b", "ab", "*"};
    static const char *const holes[] = {"{identifier}",   "a{identifier}",   "{identifier}b",
                                        "a{identifier}b", "{identifier...}", "{identifier...}"};
    size_t size = 0;
    uint32_t segments = random_below(seed, most + 1);
    if (random_below(seed, 3) == 0)
        size += (size_t)snprintf(out, room, "/**");
    for (uint32_t i = 0; i < segments; i++) {
        bool hole = identifiers && random_below(seed, 2) == 0;
        identifiers = identifiers && !hole;
        size += (size_t)snprintf(out + size, room - size, "/%s", hole ? PICK(seed, holes) : PICK(seed, plain));
    }
    if (size == 0)
        size += (size_t)snprintf(out, room, "/");
    return size;
}

static void paths_relate_as_brute_force_finds(void **state)
{
    (void)state;
    static const char *const hosts[] = {"h"}, *const queries[] = {""};
    static const char *const segments[] = {"a", "b", "ab", "c", "ac", "cb", "acb"};
    const struct world world = {hosts, segments, queries, 1, COUNT_OF(segments), 1, 5};
    uint32_t seed = 20240229;
    char sources[TEMPLATES][256];
    for (size_t i = 0; i < TEMPLATES; i++)
        random_path(&seed, sources[i], sizeof sources[i], 2, true);
    compare_all(&world, sources);
}

static void paths_without_case_relate_as_brute_force_finds(void **state)
{
    (void)state;
    static const char *const hosts[] = {"h"}, *const queries[] = {""};
    static const char *const segments[] = {"a",  "A",  "b",  "B",  "ab",  "aB",  "Ab",  "AB", "c",
                                           "ac", "Ac", "cb", "cB", "acb", "acB", "Acb", "AcB"};
    const struct world world = {hosts, segments, queries, 1, COUNT_OF(segments), 1, 3};
    uint32_t seed = 20240301;
    char sources[TEMPLATES][256];
    for (size_t i = 0; i < TEMPLATES; i++) {
        bool folds = random_below(&seed, 2) == 0;
        sources[i][0] = '~';
        random_path(&seed, sources[i] + folds, sizeof sources[i] - 1, 2, true);
        for (char *at = strchr(sources[i], '/'); *at != '\0'; at++) /* letters of literals */
            if ((*at == 'a' || *at == 'b') && strchr("/ab{}", at[1]) != NULL && random_below(&seed, 4) == 0)
                *at = (char)(*at - 'a' + 'A');
    }
    compare_all(&world, sources);
}

/* Longer templates with fewer kinds of segments. */
static void long_paths_relate_as_brute_force_finds(void **state)
{
    (void)state;
    static const char *const hosts[] = {"h"}, *const queries[] = {""}, *const segments[] = {"a", "b", "c"};
    static const char *const pieces[] = {"/a", "/a", "/b", "/*"};
    const struct world world = {hosts, segments, queries, 1, COUNT_OF(segments), 1, 8};
    uint32_t seed = 7;
    char sources[TEMPLATES][256];
    for (size_t i = 0; i < TEMPLATES; i++) {
        snprintf(sources[i], sizeof sources[i], "%s%s%s%s%s", random_below(&seed, 2) == 0 ? "/**" : "",
                 PICK(&seed, pieces), random_below(&seed, 2) == 0 ? PICK(&seed, pieces) : "",
                 random_below(&seed, 2) == 0 ? "/{identifier...}" : "",
                 random_below(&seed, 2) == 0 ? PICK(&seed, pieces) : "");
    }
    compare_all(&world, sources);
}

static void whole_templates_relate_as_brute_force_finds(void **state)
{
    (void)state;
    static const char *const hosts[] = {"a.x", "b.x", "a.y", "c.x", "c.y", "a.b.x", "c.b.x", "a.c.x", "z"};
    static const char *const segments[] = {"a", "b", "ab", "c"};
    static const char *const queries[] = {"",    "p", "p=1", "p=2",   "p=1&q=1", "p=2&q=1", "p&q=1",
                                          "q=1", "q", "q=2", "p=1&q", "p=1&q=2", "p=3&q=3", "p&q"};
    static const char *const host_patterns[] = {"",
                                                "",
                                                "https://a.x",
                                                "https://a.*",
                                                "https://*.x",
                                                "https://a.*.x",
                                                "https://*.b.x",
                                                "https://*",
                                                "https://{identifier}.x",
                                                "https://{identifier}"};
    static const char *const query_patterns[] = {
        "", "", "?p", "?p=*", "?p=1", "?p=", "?p&q=1", "?q=*&p=1", "?q", "?p={identifier}", "?q={identifier}&p=1"};
    const struct world world = {hosts, segments, queries, COUNT_OF(hosts), COUNT_OF(segments), COUNT_OF(queries), 2};
    uint32_t seed = 1;
    char sources[TEMPLATES][256];
    for (size_t i = 0; i < TEMPLATES; i++) {
        size_t size = (size_t)snprintf(sources[i], sizeof sources[i], "%s", PICK(&seed, host_patterns));
        bool identifier = strchr(sources[i], '{') != NULL;
        size += random_path(&seed, sources[i] + size, sizeof sources[i] - size, 1, false);
        const char *query = PICK(&seed, query_patterns);
        if (!identifier || strchr(query, '{') == NULL)
            snprintf(sources[i] + size, sizeof sources[i] - size, "%s", query);
    }
    compare_all(&world, sources);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relations_are_as_tabled),
        cmocka_unit_test(many_long_templates_are_related),
        cmocka_unit_test(paths_relate_as_brute_force_finds),
        cmocka_unit_test(paths_without_case_relate_as_brute_force_finds),
        cmocka_unit_test(long_paths_relate_as_brute_force_finds),
        cmocka_unit_test(whole_templates_relate_as_brute_force_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
