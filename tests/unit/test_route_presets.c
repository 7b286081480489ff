#include "check.h"

#include <stdlib.h>

#include "ssoferry/memory.h"
#include "ssoferry/presets.h"

/* For each route of each preset, in order, a URL that it takes and one that misses it narrowly. */
static const struct {
    const char *preset;
    const char *accepted, *identifier; /* NULL: not by template */
    const char *missed;                /* no route of the preset takes it */
} cases[] = {
    {"adfs", "/ADFS/ls/", NULL, "/adfs/services/trust"},
    {"auth0", "/login/callback?connection=acme-saml", "acme-saml", "/login/callback/x?connection=acme-saml"},
    {"auth0", "/login/callback?organization=org_1", NULL, "/login/callbacks"},
    {"authentik", "/source/saml/acme/acs/", "acme", "/source/saml/acme/slo/"},
    {"better-auth", "/api/auth/sso/saml2/sp/acs/acme", "acme", "/api/auth/sso/saml2/sp/metadata/acme"},
    {"better-auth", "/sso/saml2/callback/acme", "acme", "/sso/saml2/callback"},
    {"casdoor", "/api/acs", NULL, "/api/acs/x"},
    {"clerk", "/v1/saml/acs/samlc_2abCdEfGhIjKlMnOpQrStUvWxYz", "samlc_2abCdEfGhIjKlMnOpQrStUvWxYz",
     "/v1/saml/metadata/samlc_2ab"},
    {"cognito", "/saml2/idpresponse", NULL, "/saml2/logout"},
    {"descope", "/v1/auth/saml/acs?projectId=P2abc&tenantId=T2def", "T2def", "/v1/auth/saml/acs?projectId=P2abc"},
    {"dex", "/callback/acme", "acme", "/callback/acme/x"},
    {"dex", "/callback", NULL, "/callbacks"},
    {"django-saml2-auth", "/sso/acs/", NULL, "/sso/acs/acme/"},
    {"django-saml2-pro-auth", "/sso/saml/?acs&provider=Acme", "Acme", "/sso/saml/?metadata&provider=Acme"},
    {"djangosaml2", "/saml2/acs/", NULL, "/saml2/ls/"},
    {"firebase", "/__/auth/handler", NULL, "/__/auth/iframe"},
    {"frontegg", "/auth/saml/callback", NULL, "/auth/saml/callback/x"},
    {"fusionauth", "/samlv2/acs/0a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d/85a03867", "0a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d",
     "/samlv2/acs/0a1b2c3d"},
    {"fusionauth", "/samlv2/acs", NULL, "/samlv2/logout"},
    {"gitlab", "/groups/acme/emea/sales/-/saml/callback", "acme/emea/sales", "/groups/acme/saml/callback"},
    {"gluu", "/passport/auth/saml/acme/callback", "acme", "/passport/auth/saml/acme/inbound"},
    {"itfoxtec", "/auth/assertionConsumerService", NULL, "/Auth/SingleLogout"},
    {"keycloak", "/realms/main/broker/acme-SAML/endpoint", "acme-SAML", "/realms/main/broker/acme-SAML/login"},
    {"keycloak", "/realms/main/broker/acme/endpoint/clients/app", "acme",
     "/realms/main/broker/acme/endpoint/descriptor"},
    {"keycloak", "/auth/realms/main/broker/acme/endpoint", "acme", "/auth/realms/broker/acme/endpoint"},
    {"keycloak", "/auth/realms/main/broker/acme/endpoint/clients/app", "acme",
     "/auth/realms/main/broker/acme/endpoint/clients"},
    {"laravel-saml2", "/saml2/0a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d/acs", "0a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d",
     "/saml2/0a1b2c3d/sls"},
    {"lemonldap-ng", "/portal/SAML/proxySingleSignonPost", NULL, "/saml/proxySingleSignOnArtifact"},
    {"mellon", "/secure/mellon/postResponse", NULL, "/secure/mellon/artifactResponse"},
    {"okta", "/sso/saml2/0oa1b2c3d4E5F6G7H8i9", "0oa1b2c3d4E5F6G7H8i9", "/sso/saml2"},
    {"omniauth", "/auth/saml/acme/callback", "acme", "/auth/saml/acme/metadata"},
    {"omniauth", "/auth/saml/callback", NULL, "/auth/saml"},
    {"omniauth", "/users/auth/saml/callback", NULL, "/users/auth/saml/acme/callback"},
    {"pingfederate", "/sp/eyJ2c2lkIjoiYSJ9/ACS.saml2", "eyJ2c2lkIjoiYSJ9", "/sp/eyJ2c2lkIjoiYSJ9/SLO.saml2"},
    {"pingfederate", "/sp/ACS.saml2", NULL, "/sp/acs.saml2"},
    {"propelauth", "/saml/acme/acs", "acme", "/saml/acme/metadata"},
    {"python-social-auth", "/complete/saml/", NULL, "/complete/google-oauth2/"},
    {"saml-jackson", "/api/oauth/saml", NULL, "/api/oauth/token"},
    {"scalekit", "/sso/v1/connections/conn_123/acs", "conn_123", "/sso/v1/connections/conn_123"},
    {"sentry", "/saml/acs/acme/", "acme", "/saml/sls/acme/"},
    {"shibboleth", "/app/Shibboleth.sso/SAML2/POST", NULL, "/app/Shibboleth.sso/SAML2/Artifact"},
    {"simplesamlphp", "/simplesaml/module.php/saml/sp/saml2-acs.php/default-sp", "default-sp",
     "/simplesaml/module.php/saml/sp/metadata.php/default-sp"},
    {"simplesamlphp", "/sso/module.php/saml/sp/assertionConsumerService/acme", "acme",
     "/sso/module.php/saml/sp/singleLogoutService/acme"},
    {"spring", "/login/saml2/sso/acme", "acme", "/login/saml2/sso/acme/x"},
    {"spring", "/login/saml2/sso", NULL, "/login/saml2/"},
    {"ssoready", "/v1/saml/saml_conn_1a2b3c/acs", "saml_conn_1a2b3c", "/v1/saml/saml_conn_1a2b3c/init"},
    {"supabase", "/auth/v1/sso/saml/acs", NULL, "/auth/v1/sso/saml/metadata"},
    {"supabase", "/sso/saml/acs", NULL, "/sso/saml/metadata"},
    {"sustainsys", "/saml2/ACS", NULL, "/saml2/logout"},
    {"workos", "/sso/saml/acs/Abc123Def456Ghi789Jkl012M", "Abc123Def456Ghi789Jkl012M", "/sso/saml/acs"},
    {"zitadel", "/idps/123456789012345678/saml/acs", "123456789012345678", "/idps/123456789012345678/saml/metadata"},
    {"zitadel", "/ui/login/login/externalidp/saml/acs", NULL, "/ui/login/login/externalidp/callback"},
};

struct built {
    struct route routes[PRESET_ROUTES_MAX];
    size_t count;
};

static struct built build(const struct preset *preset)
{
    struct built built = {.count = 0};
    while (built.count < PRESET_ROUTES_MAX && preset->routes[built.count].match != NULL) {
        const struct preset_route *from = &preset->routes[built.count];
        struct route *to = &built.routes[built.count++];
        char why[256];
        *to = (struct route){.identify_by = from->identify_by, .relay_state_key = TEXT("idp")};
        if (!template_parse(&to->template, text_of(from->match), why, NULL))
            fail_msg("%s: %s: %s", preset->name, from->match, why);
        if (preset->fold_path)
            template_fold_path(to->template);
    }
    return built;
}

static void drop(struct built *built)
{
    while (built->count > 0)
        template_free(built->routes[--built->count].template);
}

/* Which of the routes takes a GET of the URL; their count where none does. */
static size_t taken_by(const struct built *built, const char *url, struct memory memory, struct extraction *extraction)
{
    struct text whole = text_of(url);
    size_t question = text_find(whole, '?', 0);
    struct request request = {.path = text_slice(whole.at, question), .has_query = question < whole.size};
    if (request.has_query)
        request.query = text_slice(whole.at + question + 1, whole.size - question - 1);
    extract(built->routes, built->count, &request, memory, NULL, extraction);
    return extraction->route != NULL ? (size_t)(extraction->route - built->routes) : built->count;
}

static void each_route_of_each_preset_takes_its_urls_and_no_others(void **state)
{
    (void)state;
    size_t count, next = 0;
    const struct preset *all = presets(&count);
    for (size_t p = 0; p < count; p++) {
        struct built built = build(&all[p]);
        assert_true(built.count > 0);
        for (size_t r = 0; r < built.count; r++, next++) {
            struct arena *arena = arena_new();
            struct extraction extraction;
            if (next == COUNT_OF(cases) || strcmp(cases[next].preset, all[p].name) != 0)
                fail_msg("no case for route %zu of preset %s", r, all[p].name);
            if (taken_by(&built, cases[next].accepted, arena_memory(arena), &extraction) != r)
                fail_msg("%s: route %zu does not take %s", all[p].name, r, cases[next].accepted);
            if (cases[next].identifier != NULL)
                assert_text(extraction.identifier, cases[next].identifier);
            if ((built.routes[r].identify_by == IDENTIFY_BY_TEMPLATE) != (cases[next].identifier != NULL))
                fail_msg("%s: route %zu: identified otherwise", all[p].name, r);
            if (taken_by(&built, cases[next].missed, arena_memory(arena), &extraction) != built.count)
                fail_msg("%s takes %s", all[p].name, cases[next].missed);
            arena_free(arena);
        }
        drop(&built);
    }
    if (next != COUNT_OF(cases))
        fail_msg("case %zu, of %s, belongs to no preset", next, cases[next].preset);
}

static void presets_are_well_formed(void **state)
{
    (void)state;
    size_t count;
    const struct preset *all = presets(&count);
    for (size_t i = 0; i < count; i++) {
        const struct preset *preset = &all[i];
        assert_true(preset->name[strspn(preset->name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0');
        if (i > 0 && strcmp(all[i - 1].name, preset->name) >= 0)
            fail_msg("%s is out of order", preset->name);
        assert_true(preset->stack[0] != '\0');
        assert_non_null(preset->note);
        struct built built = build(preset);
        for (size_t r = 0; r < built.count; r++) {
            assert_true(preset->routes[r].match[0] == '/');
            assert_int_equal(template_has_identifier(built.routes[r].template),
                             preset->routes[r].identify_by == IDENTIFY_BY_TEMPLATE);
            /* A sign-in that Stytch starts carries a RelayState of Stytch's. */
            if (preset->routes[r].identify_by == IDENTIFY_BY_RELAY_STATE)
                fail_msg("%s cannot take sign-ins that Stytch starts", preset->name);
        }
        for (size_t later = 1; later < built.count; later++) {
            for (size_t first = 0; first < later; first++) {
                if (routes_ambiguous(&built.routes[first], &built.routes[later]))
                    fail_msg("%s: routes %zu and %zu are ambiguous", preset->name, first, later);
            }
        }
        drop(&built);
        assert_ptr_equal(preset_find(text_of(preset->name)), preset);
    }
    assert_null(preset_find(TEXT("")));
    assert_null(preset_find(TEXT("auth")));
    assert_null(preset_find(TEXT("Auth0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_route_of_each_preset_takes_its_urls_and_no_others),
        cmocka_unit_test(presets_are_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
