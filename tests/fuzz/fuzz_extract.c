/* Input: a line whose first character is the method (G, H, P; anything else: another method) and whose rest is the
 * content type; then host, path and query (absent if its line starts with '-'), one per line; then the body. The routes
 * are fixed, one of each kind. */
#include "fuzz.h"

#include "ssoferry/route.h"
#include "ssoferry/saml_issuer.h"

static const struct {
    const char *match;
    enum identify_by identify_by;
} fixed[] = {
    {"https://{identifier}.sso.example.com/acs", IDENTIFY_BY_TEMPLATE},
    {"/old-sso/{identifier}", IDENTIFY_BY_TEMPLATE},
    {"/acs-{identifier}.do", IDENTIFY_BY_TEMPLATE},
    {"/groups/{identifier...}/-/saml/callback", IDENTIFY_BY_TEMPLATE},
    {"/**/module.php/saml/sp/saml2-acs.php/{identifier}", IDENTIFY_BY_TEMPLATE},
    {"/login/callback?connection={identifier}", IDENTIFY_BY_TEMPLATE},
    {"/login/callback", IDENTIFY_BY_ISSUER},
    {"/complete/saml/", IDENTIFY_BY_RELAY_STATE},
    {"https://{identifier}/whole", IDENTIFY_BY_TEMPLATE},
};

enum { ROUTES = sizeof fixed / sizeof *fixed };

static void check(const struct request *request, const struct extraction *extraction)
{
    MUST((extraction->problem == EXTRACT_FINE) == (identifier_problem(extraction->identifier) == NULL) ||
         extraction->route == NULL);
    MUST(extraction->problem == EXTRACT_FINE || extraction->identifier.size == 0);
    MUST(extraction->problem < EXTRACT_PROBLEMS);
    MUST(extraction->query.size <= request->query.size);
    MUST(extraction->has_query || extraction->query.size == 0);
    MUST(request->has_query || !extraction->has_query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct text prefix = {"old_", 4};
    struct text rest = text_slice((const char *)data, size), type = take_line(&rest);
    char letter = type.size > 0 ? type.at[0] : 'G';
    if (type.size > 0)
        type = text_slice(type.at + 1, type.size - 1);
    struct request request = {
        .method = letter == 'G'   ? METHOD_GET
                  : letter == 'H' ? METHOD_HEAD
                  : letter == 'P' ? METHOD_POST
                                  : METHOD_OTHER,
        .content_type = type,
        .host = take_line(&rest),
        .path = take_line(&rest),
        .query = take_line(&rest),
        .body = rest,
    };
    request.has_query = request.query.size == 0 || request.query.at[0] != '-';
    if (!request.has_query)
        request.query.size = 0;

    struct route routes[ROUTES];
    for (size_t i = 0; i < ROUTES; i++) {
        char why[256];
        routes[i] = (struct route){.identify_by = fixed[i].identify_by,
                                   .relay_state_key = TEXT("idp"),
                                   .legacy_relay_states = &prefix,
                                   .legacy_relay_state_count = 1};
        MUST(template_parse(&routes[i].template, text_of(fixed[i].match), why, NULL));
    }
    struct arena *arena = arena_new();
    struct extraction extraction;
    extract(routes, ROUTES, &request, arena_memory(arena), NULL, &extraction);
    check(&request, &extraction);
    arena_free(arena);
    for (size_t i = 0; i < ROUTES; i++)
        template_free(routes[i].template);
    return 0;
}
