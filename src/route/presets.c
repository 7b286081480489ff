#include "ssoferry/presets.h"

/* Left out because each application chooses their addresses: passport-saml's MultiSaml, a host per tenant
 * (`https://{identifier}.example.com/...`) and a domain in the path (`/saml-callback/{identifier}`). They need a
 * `match` of their own. */

#define KEYED_BY_ISSUER "Rows are keyed by the customer's IdP entity id (the Issuer)."

/* clang-format off */
#define PATH(template) {template, IDENTIFY_BY_TEMPLATE}
#define ISSUER(template) {template, IDENTIFY_BY_ISSUER}
/* clang-format on */

static const struct preset all[] = {
    {.name = "adfs",
     .stack = "AD FS as service provider",
     .routes = {ISSUER("/adfs/ls/")},
     .fold_path = true,
     .note = KEYED_BY_ISSUER
     " Artifact resolution, WS-Federation and sign-out at the same address do not carry over; unknown: legacy leaves "
     "them to AD FS."},
    {.name = "auth0",
     .stack = "Auth0 (custom domain)",
     .routes = {PATH("/login/callback?connection={identifier}"), ISSUER("/login/callback")},
     .note = "Rows are keyed by the connection's name. Answers to sign-ins that the service provider started may lack "
             "the query: for those, add a second row keyed by the IdP entity id. The same address takes the callbacks "
             "of social sign-ins, which have no Issuer; unknown: legacy leaves them to Auth0."},
    {.name = "authentik",
     .stack = "authentik SAML source",
     .routes = {PATH("/source/saml/{identifier}/acs/")},
     .note = "Rows are keyed by the source's slug."},
    {.name = "better-auth",
     .stack = "better-auth SSO plugin",
     .routes = {PATH("/**/sso/saml2/sp/acs/{identifier}"), PATH("/**/sso/saml2/callback/{identifier}")},
     .note = "Rows are keyed by the provider id."},
    {.name = "casdoor", .stack = "Casdoor", .routes = {ISSUER("/api/acs")}, .note = KEYED_BY_ISSUER},
    {.name = "clerk",
     .stack = "Clerk",
     .routes = {PATH("/v1/saml/acs/{identifier}")},
     .note = "Rows are keyed by the connection id (samlc_...); its case matters."},
    {.name = "cognito",
     .stack = "AWS Cognito user pool",
     .routes = {ISSUER("/saml2/idpresponse")},
     .note = KEYED_BY_ISSUER " Only a custom domain of the user pool can be taken over."},
    {.name = "descope",
     .stack = "Descope",
     .routes = {PATH("/v1/auth/saml/acs?projectId=*&tenantId={identifier}")},
     .note = "Rows are keyed by the tenant id. The projectId is carried on."},
    {.name = "dex",
     .stack = "Dex",
     .routes = {PATH("/callback/{identifier}"), ISSUER("/callback")},
     .note = "Rows are keyed by the connector id and, for the bare address, by the customer's IdP entity id: the "
             "RelayState there is a number that Dex drew, which names no connection. OIDC callbacks at these addresses "
             "do not carry over; by the bare one, unknown: legacy leaves them to Dex. Where Dex's issuer has a path, "
             "write the routes out with it."},
    {.name = "django-saml2-auth",
     .stack = "django-saml2-auth",
     .routes = {ISSUER("/sso/acs/")},
     .note = KEYED_BY_ISSUER},
    {.name = "django-saml2-pro-auth",
     .stack = "django-saml2-pro-auth",
     .routes = {PATH("/sso/saml/?acs&provider={identifier}")},
     .note = "Rows are keyed by the provider's name in the settings; its case matters. Metadata and sign-out at the "
             "same address do not carry over."},
    {.name = "djangosaml2", .stack = "djangosaml2", .routes = {ISSUER("/saml2/acs/")}, .note = KEYED_BY_ISSUER},
    {.name = "firebase",
     .stack = "Firebase Authentication, Google Identity Platform",
     .routes = {ISSUER("/__/auth/handler")},
     .note = KEYED_BY_ISSUER
     " The same address takes the callbacks of other sign-in methods, which have no Issuer; unknown: legacy leaves "
     "them to Firebase."},
    {.name = "frontegg", .stack = "Frontegg", .routes = {ISSUER("/auth/saml/callback")}, .note = KEYED_BY_ISSUER},
    {.name = "fusionauth",
     .stack = "FusionAuth",
     .routes = {PATH("/samlv2/acs/{identifier}/*"), ISSUER("/samlv2/acs")},
     .fold_case = true,
     .note = "Rows are keyed by the identity provider's UUID (sign-ins that the IdP starts) and by its entity id (all "
             "others): make both."},
    {.name = "gitlab",
     .stack = "GitLab groups",
     .routes = {PATH("/groups/{identifier...}/-/saml/callback")},
     .fold_case = true,
     .note = "Rows are keyed by the top-level group's full path, slashes included, in lower case."},
    {.name = "gluu",
     .stack = "Gluu passport",
     .routes = {PATH("/passport/auth/saml/{identifier}/callback")},
     .note = "Rows are keyed by the provider id."},
    {.name = "itfoxtec",
     .stack = "ITfoxtec.Identity.Saml2 sample",
     .routes = {ISSUER("/Auth/AssertionConsumerService")},
     .fold_path = true,
     .note = KEYED_BY_ISSUER},
    {.name = "keycloak",
     .stack = "Keycloak identity broker",
     .routes = {PATH("/realms/*/broker/{identifier}/endpoint"),
                PATH("/realms/*/broker/{identifier}/endpoint/clients/*"),
                PATH("/auth/realms/*/broker/{identifier}/endpoint"),
                PATH("/auth/realms/*/broker/{identifier}/endpoint/clients/*")},
     .note = "Rows are keyed by the identity provider's alias; its case matters. Where realms share aliases, write one "
             "route a realm, each with a source of its own."},
    {.name = "laravel-saml2",
     .stack = "laravel-saml2",
     .routes = {PATH("/saml2/{identifier}/acs")},
     .fold_case = true,
     .note = "Rows are keyed by the tenant's UUID."},
    {.name = "lemonldap-ng",
     .stack = "LemonLDAP::NG",
     .routes = {ISSUER("/**/saml/proxySingleSignOnPost")},
     .fold_path = true,
     .note = KEYED_BY_ISSUER " The artifact endpoint does not carry over."},
    {.name = "mellon",
     .stack = "mod_auth_mellon",
     .routes = {ISSUER("/**/mellon/postResponse")},
     .note = KEYED_BY_ISSUER " Where MellonEndpointPath does not end in /mellon, write the route out. Artifact and "
                             "PAOS endpoints do not carry over."},
    {.name = "okta",
     .stack = "Okta as service provider",
     .routes = {PATH("/sso/saml2/{identifier}")},
     .note = "Rows are keyed by the identity provider's id (0oa...); its case matters."},
    {.name = "omniauth",
     .stack = "omniauth-saml, Devise",
     .routes = {PATH("/auth/saml/{identifier}/callback"), ISSUER("/auth/saml/callback"),
                ISSUER("/users/auth/saml/callback")},
     .note = "Rows are keyed by the tenant in the path, or by the customer's IdP entity id where the path has none."},
    {.name = "pingfederate",
     .stack = "PingFederate as service provider",
     .routes = {PATH("/sp/{identifier}/ACS.saml2"), ISSUER("/sp/ACS.saml2")},
     .note = "Rows are keyed by the encoded virtual server id in the path, or by the customer's IdP entity id where "
             "the path has none. Artifact binding does not carry over."},
    {.name = "propelauth",
     .stack = "PropelAuth",
     .routes = {PATH("/saml/{identifier}/acs")},
     .note = "Rows are keyed by the organisation's id."},
    {.name = "python-social-auth",
     .stack = "python-social-auth",
     .routes = {ISSUER("/complete/saml/")},
     .note = KEYED_BY_ISSUER
     " Where several tenants share one IdP and all sign-ins start there, write the route with identify_by: "
     "relay_state: its rows are keyed by the IdP's name in SOCIAL_AUTH_SAML_ENABLED_IDPS. Sign-ins that Stytch starts "
     "carry a RelayState of Stytch's, which names nobody."},
    {.name = "saml-jackson",
     .stack = "BoxyHQ SAML Jackson, Ory Polis",
     .routes = {ISSUER("/api/oauth/saml")},
     .note = KEYED_BY_ISSUER " Several connections with one entity id cannot be told apart here."},
    {.name = "scalekit",
     .stack = "Scalekit",
     .routes = {PATH("/sso/v1/connections/{identifier}/acs")},
     .note = "Rows are keyed by the connection id."},
    {.name = "sentry",
     .stack = "Sentry",
     .routes = {PATH("/saml/acs/{identifier}/")},
     .note = "Rows are keyed by the organisation's slug."},
    {.name = "shibboleth",
     .stack = "Shibboleth SP",
     .routes = {ISSUER("/**/Shibboleth.sso/SAML2/POST")},
     .note = KEYED_BY_ISSUER " The SAML2/Artifact, SAML2/POST-SimpleSign and SAML2/ECP endpoints do not carry over."},
    {.name = "simplesamlphp",
     .stack = "SimpleSAMLphp",
     .routes = {PATH("/**/module.php/saml/sp/saml2-acs.php/{identifier}"),
                PATH("/**/module.php/saml/sp/assertionConsumerService/{identifier}")},
     .note = "Rows are keyed by the name of the authentication source, such as default-sp. Where all customers share "
             "one source, write the route with identify_by: issuer. Artifact binding does not carry over."},
    {.name = "spring",
     .stack = "Spring Security",
     .routes = {PATH("/login/saml2/sso/{identifier}"), ISSUER("/login/saml2/sso")},
     .note = "Rows are keyed by the registration id or, for the bare address, by the customer's IdP entity id."},
    {.name = "ssoready",
     .stack = "SSOReady",
     .routes = {PATH("/v1/saml/{identifier}/acs")},
     .note = "Rows are keyed by the connection id (saml_conn_...)."},
    {.name = "supabase",
     .stack = "Supabase Auth",
     .routes = {ISSUER("/auth/v1/sso/saml/acs"), ISSUER("/sso/saml/acs")},
     .note = KEYED_BY_ISSUER " The RelayState is a UUID drawn for each sign-in, which names no connection."},
    {.name = "sustainsys",
     .stack = "Sustainsys.Saml2",
     .routes = {ISSUER("/Saml2/Acs")},
     .fold_path = true,
     .note = KEYED_BY_ISSUER " Artifact binding does not carry over."},
    {.name = "workos",
     .stack = "WorkOS",
     .routes = {PATH("/sso/saml/acs/{identifier}")},
     .note = "Rows are keyed by the id in the ACS URL; its case matters."},
    {.name = "zitadel",
     .stack = "ZITADEL",
     .routes = {PATH("/idps/{identifier}/saml/acs"), ISSUER("/ui/login/login/externalidp/saml/acs")},
     .note = "Rows are keyed by the identity provider's number or, at the old login's address, by the customer's IdP "
             "entity id."},
};

const struct preset *presets(size_t *count)
{
    *count = sizeof all / sizeof *all;
    return all;
}

const struct preset *preset_find(struct text name)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (text_equal(text_of(all[i].name), name))
            return &all[i];
    return NULL;
}
