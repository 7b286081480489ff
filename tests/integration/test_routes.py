"""Identifiers in the RelayState and in the host, logins that are in flight, the legacy side, and configurations that cannot be meant."""
import json
import re
from base64 import b64encode
from urllib.parse import quote

import pytest

from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from gateway import as_yaml
from sign_ins import form
from programs import run

LIVE = "https://api.stytch.com/v1/b2b/sso/callback/"
LEGACY = "https://legacy.example.net"


def sign_in_of(issuer):
    """A message of which nothing but the Issuer is there."""
    xml = ('<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol">'
           f'<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">{issuer}</Issuer></Response>')
    return form({"SAMLResponse": b64encode(xml.encode()).decode()})


def with_relay_state(relay_state):
    return form({"SAMLResponse": "PHg+", "RelayState": relay_state})


class TestRelayState:
    ROWS = {"acme": CONNECTION_ID, "größe": CONNECTION_ID, "a+b c": CONNECTION_ID, "quoted\"": CONNECTION_ID, "globex": OTHER_CONNECTION_ID}

    @pytest.fixture(scope="class")
    def gateway(self, make_shared_gateway):
        gateway = make_shared_gateway(routes=[
            {"match": "/complete/saml/", "identify_by": "relay_state"},
            {"match": "/other/saml", "identify_by": "relay_state", "relay_state_key": "tenant"}])
        gateway.load(self.ROWS)
        return gateway.start()

    @pytest.mark.parametrize("relay_state, identifier", [
        ("acme", "acme"), ("größe", "größe"), ("a+b c", "a+b c"), ("quoted\"", "quoted\""),
        ('{"idp":"acme"}', "acme"), ('{"next":"/x","idp":"größe"}', "größe"), (' {"idp":"acme"}', None),
        ('{"idp":"\\u0061cme"}', "acme"), ('{"n":123456789012345678901234567890,"idp":"acme"}', "acme"), ('{"a":{"idp":"globex"},"idp":"acme"}', "acme"),
    ])
    def test_found(self, gateway, relay_state, identifier):
        answers = [gateway.post("/complete/saml/", with_relay_state(relay_state)),
                   gateway.get("/complete/saml?" + with_relay_state(relay_state).decode())]
        if identifier is None:
            assert {answer.status for answer in answers} <= {400, 404}
            return
        assert answers[0].location == LIVE + CONNECTION_ID
        assert answers[1].location == LIVE + CONNECTION_ID + "?" + with_relay_state(relay_state).decode(), "RelayState is carried on"
        assert gateway.logged(answers[0])["identifier"] == identifier

    def test_key(self, gateway):
        assert gateway.post("/other/saml", with_relay_state('{"tenant":"globex","idp":"acme"}')).location == LIVE + OTHER_CONNECTION_ID

    @pytest.mark.parametrize("body, code", [
        (b"SAMLResponse=PHg%2B", "no_relay_state"),
        (b"SAMLResponse=PHg%2B&RelayState=", "no_relay_state"),
        (b"RelayState=acme&RelayState=globex", "parameter_twice"),
        (b"RelayState=%zz", "bad_encoding"),
        (b"RelayState=%ff", "bad_utf8"),
        (b"RelayState=a%0Ab", "control_character"),
        (b"RelayState=" + b"x" * 441, "identifier_too_long"),
        (b"RelayState=%7B", "bad_relay_state"),
        (b"RelayState=%7B%22idp%22%3A1%7D", "bad_relay_state"),
        (b"RelayState=%7B%22next%22%3A%22x%22%7D", "bad_relay_state"),
        (b"RelayState=%7B%22idp%22%3A%22acme%22%2C%22idp%22%3A%22globex%22%7D", "bad_relay_state"),
        (b"RelayState=" + b"%7B%22idp%22:" * 5000, "too_long_or_bad"),
        (b"RelayState=%7B%22idp%22%3A%22%22%7D", "empty_identifier"),
    ])
    def test_not_found(self, gateway, body, code):
        answer = gateway.post("/complete/saml/", body)
        assert (answer.status, answer.location) == (400, None)
        reason = gateway.logged(answer)["reason"]
        assert reason == code or (code == "too_long_or_bad" and reason in ("identifier_too_long", "bad_relay_state"))

    def test_unknown(self, gateway):
        answer = gateway.post("/complete/saml/", with_relay_state("nobody-9731"))
        assert (answer.status, gateway.logged(answer)["decision"]) == (404, "unknown")
        assert "is known under the RelayState" in answer.text
        assert "ACS" not in answer.text and "nobody-9731" not in answer.text, "the address is fine, and a RelayState may be a secret"

    def test_a_body_that_is_no_form(self, gateway):
        answer = gateway.request("POST", "/complete/saml/", [("Content-Type", "application/json")], json.dumps({"RelayState": "acme"}).encode())
        assert answer.status == 400
        assert gateway.logged(answer)["reason"] == "not_a_form"


class TestHost:
    @pytest.fixture(scope="class")
    def gateway(self, make_shared_gateway):
        gateway = make_shared_gateway(routes=[
            {"match": "https://{identifier}.sso.example.com/acs"},
            {"match": "https://login.example.com/saml/{identifier}"},
            {"match": "https://{identifier}/whole/acs"},
            {"match": "https://ssoferry/none/{identifier}"}])
        gateway.load({"acme": CONNECTION_ID, "sso.globex.example": OTHER_CONNECTION_ID, "ACME": OTHER_CONNECTION_ID})
        return gateway.start()

    @pytest.mark.parametrize("host, target, connection", [
        ("acme.sso.example.com", "/acs", CONNECTION_ID),
        ("acme.sso.example.com:8443", "/acs/", CONNECTION_ID),
        ("ACME.SSO.Example.COM", "/acs", CONNECTION_ID),
        ("login.example.com", "/saml/acme", CONNECTION_ID),
        ("login.example.com:443", "/saml/ACME", OTHER_CONNECTION_ID),
        ("sso.globex.example", "/whole/acs", OTHER_CONNECTION_ID),
        ("SSO.globex.example:80", "/whole/acs", OTHER_CONNECTION_ID),
    ])
    def test_found(self, gateway, host, target, connection):
        assert gateway.post(target, b"SAMLResponse=x", host=host).location == LIVE + connection

    @pytest.mark.parametrize("host, target, statuses", [
        ("globex.sso.example.com", "/acs", {404}),
        ("a.b.sso.example.com", "/acs", {404}),
        ("sso.example.com", "/acs", {404}),
        (".sso.example.com", "/acs", {400, 404}),
        ("acme.sso.example.com.evil.example", "/acs", {404}),
        ("acme.sso.example.com", "/saml/acme", {404}),
        ("login.example.com.", "/saml/nobody", {404}),
        ("acme.sso.example.com@evil.example", "/acs", {400, 404}),
    ])
    def test_not_found(self, gateway, host, target, statuses):
        answer = gateway.post(target, b"SAMLResponse=x", host=host)
        assert answer.location is None
        assert answer.status in statuses

    def test_no_host_field(self, gateway):
        for target in (b"/acs", b"/none/acme"):  # libh2o has a name of its own for the server
            answer = gateway.raw(b"GET %s HTTP/1.0\r\n\r\n" % target)
            assert answer.status in (400, 404) and answer.location is None


class TestFoldCase:
    def test_as_written_first_then_in_lower_case(self, make_gateway):
        gateway = make_gateway(routes=[{"match": "/folded/{identifier}", "fold_case": True}, {"match": "/exact/{identifier}"},
                                       {"match": "/Path/{identifier}/Acs", "fold_path": True}])
        gateway.load({"acme": CONNECTION_ID, "Globex": OTHER_CONNECTION_ID, "globex": CONNECTION_ID})
        gateway.start()
        assert gateway.get("/folded/ACME").location == LIVE + CONNECTION_ID
        assert gateway.get("/folded/Globex").location == LIVE + OTHER_CONNECTION_ID
        assert gateway.get("/folded/GLOBEX").location == LIVE + CONNECTION_ID
        assert gateway.get("/exact/ACME").status == 404
        assert gateway.get("/path/acme/ACS").location == LIVE + CONNECTION_ID
        assert gateway.get("/path/ACME/ACS").status == 404
        assert ", in any case) matches" in gateway.loader("explain", "/path/acme/ACS").stdout
        explained = gateway.loader("explain", "/EXACT/acme").stdout
        assert re.search(r"/exact/\{identifier\} .*the path differs, but only in capital letters: `fold_path: true` takes it", explained)
        assert re.search(r"/folded/\{identifier\} .*the path differs\n", explained)


class TestInFlight:
    """Logins that the old provider started end there, while IdP-initiated ones already go to Stytch."""

    @pytest.fixture(scope="class")
    def gateway(self, make_shared_gateway):
        gateway = make_shared_gateway(legacy={"allowed_hosts": ["legacy.example.net"]}, routes=[
            {"match": "/acs/{identifier}", "legacy_relay_states": ["old-", "https://app.example.com/legacy/", "a b+"],
             "legacy_url": LEGACY + "/acs/{identifier}"}])
        gateway.load({"acme": CONNECTION_ID, "größe/x": CONNECTION_ID})
        return gateway.start()

    @pytest.mark.parametrize("relay_state", ["old-", "old-123", "https://app.example.com/legacy/home", "a b+c"])
    def test_the_old_providers(self, gateway, relay_state):
        answer = gateway.post("/acs/acme?x=1", with_relay_state(relay_state))
        assert (answer.status, answer.location) == (307, LEGACY + "/acs/acme?x=1")
        line = gateway.logged(answer)
        assert (line["decision"], line["reason"]) == ("legacy", "relay_state")

    @pytest.mark.parametrize("relay_state", ["", "new-1", "xold-", "OLD-1", "ol", "https://app.example.com/"])
    def test_all_others(self, gateway, relay_state):
        assert gateway.post("/acs/acme", with_relay_state(relay_state)).location == LIVE + CONNECTION_ID

    def test_none(self, gateway):
        assert gateway.post("/acs/acme", b"SAMLResponse=x").location == LIVE + CONNECTION_ID

    def test_in_the_query(self, gateway):
        answer = gateway.get("/acs/acme?RelayState=%6Fld-1&SAMLResponse=x")
        assert answer.location == LEGACY + "/acs/acme?RelayState=%6Fld-1&SAMLResponse=x"

    def test_the_identifier_is_encoded_in_the_legacy_url(self, gateway):
        answer = gateway.post("/acs/gr%C3%B6%C3%9Fe%2Fx", with_relay_state("old-1"))
        assert answer.location == LEGACY + "/acs/" + quote("größe/x", safe="")


class TestLegacySide:
    @pytest.fixture(scope="class")
    def gateway(self, make_shared_gateway):
        gateway = make_shared_gateway(
            hosts=["sso.example.com"],
            legacy={"allowed_hosts": ["legacy.example.net", "*.old.example.com"], "unmatched_url": LEGACY},
            routes=[{"match": "/a/{identifier}", "unknown": "legacy", "legacy_url": LEGACY + "/acs?org={identifier}"},
                    {"match": "/b/{identifier}"},
                    {"match": "/watched/{identifier}", "observe": True, "legacy_url": LEGACY + "/watched/{identifier}"}])
        gateway.load({
            "acme": CONNECTION_ID,
            "moving": {"connection_id": OTHER_CONNECTION_ID, "state": "legacy", "legacy_url": "https://acme.old.example.com/acs"},
            "lost": {"connection_id": OTHER_CONNECTION_ID, "state": "legacy"},
        })
        return gateway.start()

    @pytest.mark.parametrize("target, location", [
        ("/a/acme?x", LIVE + CONNECTION_ID + "?x"),
        ("/a/nobody", LEGACY + "/acs?org=nobody"),
        ("/a/no%26body%3Fx%23", LEGACY + "/acs?org=no%26body%3Fx%23"),
        ("/a/nobody?x=%zz", LEGACY + "/acs?org=nobody&x=%zz"),
        ("/a/moving?x=1&y", "https://acme.old.example.com/acs?x=1&y"),
        ("/a/lost", LEGACY + "/acs?org=lost"),
        ("/slo?SAMLRequest=a%2Bb", LEGACY + "/slo?SAMLRequest=a%2Bb"),
        ("/", LEGACY + "/"),
        ("//evil.example.com/x", LEGACY + "//evil.example.com/x"),
        ("/@evil.example.com/", LEGACY + "/@evil.example.com/"),
        ("/watched/acme", LEGACY + "/watched/acme"),
        ("/watched/nobody?x", LEGACY + "/watched/nobody?x"),
    ])
    def test_location(self, gateway, target, location):
        answer = gateway.post(target, b"SAMLResponse=x")
        assert (answer.status, answer.location) == (307, location)

    def test_a_row_that_has_no_legacy_url(self, gateway):
        answer = gateway.post("/b/lost", b"SAMLResponse=x")
        assert (answer.status, answer.location) == (503, None)
        assert gateway.logged(answer)["reason"] == "no_legacy_url"

    def test_a_rehearsal_says_what_it_would_have_done(self, gateway):
        line = gateway.logged(gateway.post("/watched/acme", b"SAMLResponse=x"))
        assert (line["decision"], line["would"], line["reason"]) == ("legacy", "stytch", "observe")
        line = gateway.logged(gateway.post("/watched/nobody", b"SAMLResponse=x"))
        assert (line["decision"], line["would"]) == ("legacy", "unknown")

    def test_a_request_that_comes_round_is_not_sent_on(self, gateway):
        for host in ("legacy.example.net", "LEGACY.example.net:443"):
            for target in ("/slo", "/a|b", "/[a]", "/\xff", "/" + 3000 * "x", "/a/nobody?x=|"):
                answer = gateway.request("POST", target, body=b"x", host=host)
                assert (answer.status, answer.location) == (508, None)
                assert gateway.logged(answer)["decision"] == "loop"

    def test_a_legacy_url_that_leads_back_is_refused_at_load(self, gateway):
        done = gateway.loader("load", gateway.mapping_file({"acme": {"state": "legacy", "legacy_url": "https://sso.example.com/a/acme"}}), expect=2)
        assert "sso.example.com" in done.stderr or "legacy_url" in done.stderr


class TestLegacyPath:
    """A preset whose addresses vary in more than the identifier: the old system gets each as it was."""

    @pytest.fixture(scope="class")
    def gateway(self, make_shared_gateway):
        gateway = make_shared_gateway(legacy={"allowed_hosts": ["legacy.example.net"]}, routes=[
            {"preset": name, "source": name, "unknown": "legacy", "legacy_url": LEGACY + "{path}"}
            for name in ("fusionauth", "gitlab", "keycloak", "omniauth", "simplesamlphp", "spring")])
        gateway.load({"acme": CONNECTION_ID})
        return gateway.start()

    @pytest.mark.parametrize("target", [
        "/samlv2/acs/0f0d1a0e/app-1", "/samlv2/acs", "/groups/acme/platform/-/saml/callback", "/realms/other/broker/acme/endpoint",
        "/auth/realms/main/broker/acme/endpoint/clients/portal?x=1", "/users/auth/saml/callback", "/auth/saml/acme/callback",
        "/a/b/module.php/saml/sp/saml2-acs.php/default-sp", "/login/saml2/sso/okta/", "/login/saml2/sso", "/login/saml2/sso?code=x",
    ])
    def test_location(self, gateway, target):
        body = sign_in_of("https://idp.example.com/metadata") if "code" not in target else b"a=b"
        answer = gateway.post(target, body)
        assert (answer.status, answer.location) == (307, LEGACY + target)
        assert gateway.logged(answer)["decision"] == "legacy"


BAD_ROUTES = {
    "the_same_twice": ([{"match": "/a/{identifier}"}, {"match": "/a/{identifier}"}], 2),
    "covered": ([{"match": "/*/{identifier}"}, {"match": "/a/{identifier}"}], 2),
    "overlapping": ([{"match": "/a/*/{identifier}"}, {"match": "/*/b/{identifier}"}], 2),
    "no_identifier": ([{"match": "/a"}], 1),
    "identifier_and_issuer": ([{"match": "/a/{identifier}", "identify_by": "issuer"}], 1),
    "no_match": ([{"source": "x"}], 1),
    "match_and_preset": ([{"match": "/a/{identifier}", "preset": "okta"}], 1),
    "no_such_preset": ([{"preset": "oktaa"}], 1),
    "unknown_key": ([{"match": "/a/{identifier}", "sauce": "x"}], 1),
    "bad_source": ([{"match": "/a/{identifier}", "source": "A B"}], 1),
    "legacy_without_url": ([{"match": "/a/{identifier}", "unknown": "legacy"}], 1),
    "legacy_host_not_allowed": ([{"match": "/a/{identifier}", "legacy_url": "https://elsewhere.example.com/"}], 1),
    "legacy_url_with_identifier_in_its_host": ([{"match": "/a/{identifier}", "legacy_url": "https://{identifier}.old.example.com/"}], 1),
    "legacy_url_with_a_path_before_the_path": ([{"match": "/a/{identifier}", "legacy_url": "https://a.old.example.com/x{path}"}], 1),
    "legacy_url_that_leads_back": ([{"match": "/a/{identifier}", "legacy_url": "https://back.old.example.com/"}], 1),
    "relay_states_without_url": ([{"match": "/a/{identifier}", "legacy_relay_states": ["x"]}], 1),
    "identifier_twice": ([{"match": "/{identifier}/{identifier}"}], 1),
}


@pytest.mark.parametrize("name", BAD_ROUTES)
def test_a_configuration_that_cannot_be_meant(tmp_path, name):
    routes, faulty = BAD_ROUTES[name]
    path = tmp_path / "ssoferryd.yaml"
    path.write_text(as_yaml({"routes": routes, "hosts": ["back.old.example.com"], "legacy": {"allowed_hosts": ["*.old.example.com"]}}))
    done = run("ssoferryd", "--check", "-c", path, expect=2)
    line_of_faulty = [n for n, line in enumerate(path.read_text().split("\n"), 1) if line.startswith("- ")][faulty - 1]
    places = [int(line.split(":")[1]) for line in done.stderr.split("\n") if line.startswith(f"{path}:") and ": error: " in line]
    assert places and all(line_of_faulty <= place <= line_of_faulty + len(routes[-1]) for place in places), done.stderr


@pytest.mark.parametrize("routes", [
    [{"match": "/a/{identifier}"}, {"match": "/*/{identifier}"}],
    [{"match": "/a/b/{identifier}"}, {"match": "/a/*/{identifier}"}, {"match": "/**/{identifier}"}],
    [{"match": "/acs?connection={identifier}"}, {"match": "/acs", "identify_by": "issuer"}],
    [{"match": "https://a.example.com/{identifier}"}, {"match": "https://b.example.com/{identifier}"}, {"match": "/{identifier}"}],
])
def test_the_more_particular_route_first_is_fine(tmp_path, routes):
    path = tmp_path / "ssoferryd.yaml"
    path.write_text(as_yaml({"routes": routes}))
    run("ssoferryd", "--check", "-c", path)
