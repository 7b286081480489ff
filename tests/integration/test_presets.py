"""Presets end to end: the URLs that the legacy stacks published, answered by a configuration that only names them."""
import json

import pytest

import wire
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from sign_ins import USER, form, redirect_binding_query
from programs import run

ISSUER = "https://idp.globex.example/saml/metadata"

BY_URL = [
    # preset, identifier, URL that leads to it, near miss
    ("auth0", "acme-okta", "/login/callback?connection=acme-okta&organization=org_1", "/login/callbacks?connection=acme-okta"),
    ("workos", "01HZX3J5Q8Abcdefghijklmno", "/sso/saml/acs/01HZX3J5Q8Abcdefghijklmno", "/sso/saml/acs/01hzx3j5q8abcdefghijklmno"),
    ("okta", "0oa1ab2CDeFGhijKL345", "/sso/saml2/0oa1ab2CDeFGhijKL345", "/sso/saml/0oa1ab2CDeFGhijKL345"),
    ("keycloak", "Acme-ADFS", "/realms/prod/broker/Acme-ADFS/endpoint", "/realms/prod/broker/acme-adfs/endpoint"),
    ("keycloak", "Acme-ADFS", "/auth/realms/prod/broker/Acme-ADFS/endpoint/clients/app", "/auth/realms/broker/Acme-ADFS/endpoint"),
    ("sentry", "acme", "/saml/acs/acme/", "/saml/acs/acme/x"),
    ("sentry", "acme", "/saml/acs/acme", "/saml/acs"),
    ("spring", "acme", "/login/saml2/sso/acme", "/login/saml2/sso/acme/x"),
    ("gitlab", "acme/platform", "/groups/acme/platform/-/saml/callback", "/groups/acme/-/saml"),
    ("simplesamlphp", "default-sp", "/a/b/module.php/saml/sp/saml2-acs.php/default-sp", "/simplesaml/module.php/saml/sp/metadata.php/default-sp"),
    ("descope", "T2abc", "/v1/auth/saml/acs?projectId=P2x&tenantId=T2abc", "/v1/auth/saml/acs?tenantId=T2abc"),
    ("better-auth", "acme-saml", "/api/auth/sso/saml2/sp/acs/acme-saml", "/api/auth/sso/saml2/sp/metadata"),
    ("better-auth", "acme-saml", "/sso/saml2/callback/acme-saml", "/sso/saml2/callback"),
    ("laravel-saml2", "b0a1c2d3-0000-4000-8000-00000000abcd", "/saml2/B0A1C2D3-0000-4000-8000-00000000ABCD/acs", "/saml2/acs"),
]


@pytest.mark.parametrize("preset, identifier, target, miss", BY_URL, ids=[f"{row[0]}-{n}" for n, row in enumerate(BY_URL)])
def test_by_url(make_gateway, preset, identifier, target, miss):
    gateway = make_gateway(routes=[{"preset": preset, "source": "old"}])
    gateway.load({identifier: CONNECTION_ID, "near": OTHER_CONNECTION_ID}, source="old")
    gateway.start()

    answer = gateway.post(target, form({"SAMLResponse": "PHg+"}))

    assert answer.status == 307
    assert answer.location.startswith(f"https://api.stytch.com/v1/b2b/sso/callback/{CONNECTION_ID}")
    assert (identifier not in answer.location) and (gateway.logged(answer)["source"] == "old")
    missed = gateway.post(miss, form({"SAMLResponse": "PHg+"}))
    assert (missed.status in (400, 404), missed.location) == (True, None)


BY_ISSUER = {
    "cognito": "/saml2/idpresponse",
    "lemonldap-ng": "/saml/proxySingleSignOnPost",
    "shibboleth": "/app/Shibboleth.sso/SAML2/POST",
    "spring": "/login/saml2/sso",
    "auth0": "/login/callback",
    "adfs": "/adfs/ls/",
    "firebase": "/__/auth/handler",
    "supabase": "/auth/v1/sso/saml/acs",
}


@pytest.mark.parametrize("preset", BY_ISSUER)
def test_by_issuer(make_cutover, preset):
    cutover = make_cutover(routes=[{"preset": preset}], old_path=BY_ISSUER[preset], idp_entity_id=ISSUER)
    cutover.start({ISSUER: CONNECTION_ID})
    body = form({"SAMLResponse": cutover.idp.message(), "RelayState": "x"})

    stytch = cutover.follow(cutover.post(body), body)

    assert stytch.text == f"<!doctype html><title>Signed in as {USER}</title>"
    query = redirect_binding_query(cutover.idp.response())
    assert cutover.gateway.get(f"{BY_ISSUER[preset]}?{query}").location == f"{cutover.callback_url}?{query}"


def test_all_together(make_gateway):
    """Stacks whose addresses do not collide can stand side by side, each with a source of its own."""
    names = ["adfs", "auth0", "authentik", "cognito", "descope", "keycloak", "okta", "sentry", "spring", "workos", "zitadel"]
    gateway = make_gateway(routes=[{"preset": name, "source": name} for name in names])
    for name in names:
        gateway.load({"acme": CONNECTION_ID if name != "okta" else OTHER_CONNECTION_ID}, source=name)
    gateway.start()
    assert gateway.get("/sso/saml2/acme").location.endswith(OTHER_CONNECTION_ID)
    for target in ("/sso/saml/acs/acme", "/saml/acs/acme/", "/login/saml2/sso/acme", "/realms/x/broker/acme/endpoint", "/idps/acme/saml/acs"):
        assert gateway.get(target).location.endswith(CONNECTION_ID)


def test_one_system_under_two_names(make_gateway):
    gateway = make_gateway(routes=[{"preset": "okta", "host": "a.example.com", "source": "a"},
                                   {"preset": "okta", "host": "*.example.net", "source": "b"}])
    gateway.load({"acme": CONNECTION_ID}, source="a")
    gateway.load({"acme": OTHER_CONNECTION_ID}, source="b")
    gateway.start()
    cases = [("a.example.com", CONNECTION_ID, 0), ("A.EXAMPLE.COM:8443", CONNECTION_ID, 0), ("any.example.net", OTHER_CONNECTION_ID, 1),
             ("example.net", None, 2), ("b.example.com", None, 2)]
    for host, connection_id, passed in cases:
        answer = gateway.raw(wire.request_bytes("GET", "/sso/saml2/acme", host))
        told = json.loads(gateway.loader("explain", "--json", f"https://{host}/sso/saml2/acme").stdout)
        assert answer.status == (307 if connection_id else 404) and (answer.location or "").endswith(connection_id or "")
        assert (told["status"], told["location"]) == (answer.status, answer.location)
        assert gateway.logged(answer).get("route") == told["route"]
        assert [route["why"] for route in told["routes"] if not route["taken"]] == ["the host differs"] * passed


def test_every_preset_is_a_configuration(tmp_path):
    printed = run("ssoferry", "presets", "--json").stdout
    names = [json.loads(line)["name"] for line in printed.splitlines()]
    assert len(names) >= 35
    for name in names:
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"routes:\n  - preset: {name}\n")
        run("ssoferryd", "--check", "-c", path)
