"""`ssoferry explain`, `presets`, `stat` and `backup`."""

import base64
import json

import pytest

from loader import ACME, GLOBEX, explain, plain


def test_explain_shows_the_way_to_the_answer(loaded, config):
    text = plain("-c", config, "explain", "/healthz").stdout
    assert "answer       200 OK\nbecause      health_path: the daemon tells its own state, before any route\n" in text
    text = plain("-c", config, "explain", "https://login.example.com/old-sso/globex?RelayState=a%20b").stdout
    assert "the path differs" in text and "matches" in text
    assert f"location     https://api.stytch.com/v1/b2b/sso/callback/{GLOBEX}?RelayState=a%20b\n" in text
    answer = explain(config, "/old-sso/acme")
    assert (answer["status"], answer["identifier"], answer["row"]["connection_id"]) == (307, "acme", ACME)
    assert [route["taken"] for route in answer["routes"]] == [False, True]
    assert (answer["decision"], answer["would"], answer["reason"], answer["did_you_mean"]) == ("stytch", None, None, None)


@pytest.mark.parametrize(
    "arguments, status, outcome",
    [
        (["/old-sso/nobody"], 404, "unknown"),
        (["/elsewhere"], 404, "no_route"),
        (["/old-sso/%zz"], 400, "malformed"),
        (["--method", "PUT", "/old-sso/acme"], 405, "method"),
        (["--method", "POST", "/saml/acme/acs"], 307, "stytch"),
        (["--host", "login.example.com", "/old-sso/globex"], 307, "stytch"),
        (["https://login.example.com"], 404, "no_route"),
        (["/healthz?x"], 200, "health"),
        (["--method", "HEAD", "https://login.example.com/healthz"], 200, "health"),
        (["--method", "POST", "/healthz"], 404, "no_route"),
        (["/healthz/"], 404, "no_route"),
    ],
)
def test_explain_answers_as_the_gateway_does(loaded, config, arguments, status, outcome):
    answer = explain(config, *arguments)
    assert (answer["status"], answer["decision"]) == (status, outcome)


@pytest.mark.parametrize("arguments, lines", [
    (["/old-sso/acmee"], ["row          none; did you mean acme?", "decision     unknown", "because      the identifier has no row"]),
    (["/old-sso/t%20t"], ["row          none; did you mean t%20t?"]),
    (["/saml/auth0-only/acs"], ["row          none; source auth0 has it"]),
    (["/old-sso/entirely-else"], ["row          none"]),
    (["/old-sso/%zz"], ["decision     malformed, reason bad_encoding", "because      the identifier has a '%' without two hexadecimal digits"]),
    (["/saml//acs"], ["decision     malformed, reason empty_identifier", "because      the identifier is empty"]),
    (["--method", "PUT", "/old-sso/acme"], ["decision     method", "because      the method is not GET, HEAD or POST"]),
    (["/old-sso/acme?" + "q" * 20_000], ["decision     too_large", "because      path and query are longer than limits.uri"]),
    (["--body", "/dev/zero", "/old-sso/acme"], ["decision     too_large", "because      the body is larger than limits.body"]),
])
def test_explain_gives_the_reason_and_what_may_be_meant(loaded, config, arguments, lines):
    loaded("load", "--merge", loaded.file(f"version: 1\nsources:\n  default: {{t%20t: {ACME}}}\n  auth0: {{auth0-only: {ACME}}}\n"))
    said = plain("-c", config, "explain", *arguments).stdout.splitlines()
    assert [line for line in lines if line not in said] == []
    if "did you mean" in lines[0]:
        assert explain(config, *arguments)["did_you_mean"] == lines[0].split()[-1].rstrip("?")
    assert explain(config, *arguments)["other_source"] == ("auth0" if "source auth0" in lines[0] else None)


@pytest.mark.parametrize("query, reason, because", [
    ("SAMLResponse=x", "unknown_legacy", "there is no RelayState to find the identifier in, and the route sends unknown ones to the legacy side"),
    ("code=x", "no_relay_state", "there is no RelayState to find the identifier in, and the route leaves what is no SAML sign-in to the legacy side"),
    ("RelayState=nobody", "unknown_legacy", "the identifier has no row, and the route sends unknown ones to the legacy side"),
])
def test_explain_tells_sign_ins_that_name_nobody_from_what_is_none(loaded, query, reason, because):
    config = loaded.file(f"""\
store: {loaded.store}
legacy: {{allowed_hosts: [legacy.example.com]}}
routes: [{{match: /acs, identify_by: relay_state, unknown: legacy, legacy_url: "https://legacy.example.com/acs"}}]
""", "relay_state.yaml")
    said = plain("-c", config, "explain", f"/acs?{query}").stdout.splitlines()
    assert f"decision     legacy, reason {reason}" in said and f"because      {because}" in said


def test_explain_takes_a_body(loaded, config):
    body = loaded.file("SAMLResponse=abc", "body")
    assert explain(config, "--body", body, "/old-sso/acme")["method"] == "POST"
    for path, status in (loaded.home / "none", 2), (loaded.home, 2), ("/proc/self/mem", 1):  # the last is a disk that fails
        assert "cannot read the body" in plain("-c", config, "explain", "--body", path, "/old-sso/acme", status=status).stderr
    loaded("set", "acme", "redirect=303")
    assert explain(config, "--body", body, "/old-sso/acme")["body_lost"] is True
    assert explain(config, "/old-sso/acme")["body_lost"] is False
    text = plain("-c", config, "explain", "--body", body, "/old-sso/acme").stdout
    assert "answer       303 See Other\n" in text and "mind         303 makes browsers drop the body: 16 bytes" in text


def test_explain_leaves_out_what_no_browser_sends(config, loaded):
    for url in "https://u:p@login.example.com/old-sso/globex?a=@b#c", "https://u@v@login.example.com/old-sso/globex?a=@b":
        answer = explain(config, url)
        assert (answer["host"], answer["path"], answer["query"]) == ("login.example.com", "/old-sso/globex", "a=@b")
    assert explain(config, "https://login.example.com/@x")["path"] == "/@x"
    assert explain(config, "https://login.example.com?@x")["host"] == "login.example.com"


def test_explain_minds_a_host_that_is_not_listed(loaded):
    """Whether it leads to the gateway, no explanation can know."""
    def told(url, *options, hosts="hosts: [sso.example.com, 'b.example.com:8443']", match="/old-sso/{identifier}"):
        config = loaded.file(f"store: {loaded.store}\n{hosts}\nroutes: [{{match: '{match}'}}]\n", "hosts.yaml")
        said = [line for line in plain("-c", config, "explain", *options, url).stdout.splitlines() if "none of hosts" in line]
        assert explain(config, *options, url)["foreign_host"] is (said != [])
        return said

    for url in "https://other.example.com/old-sso/acme", "https://other.example.com/elsewhere":
        assert told(url) == ["mind         other.example.com is none of hosts: does this name lead to the gateway?"]
    assert told("/old-sso/acme", "--host", "other.example.com:8443") == ["mind         other.example.com:8443 is none of hosts: does this name lead to the gateway?"]
    for host in "sso.example.com", "SSO.example.com:443", "sso.example.com.", "b.example.com", "127.0.0.1:8080", "[::1]:8080", "localhost:8080":
        assert told(f"http://{host}/old-sso/acme") == []
    assert told("/old-sso/acme") == [] and told("https://other.example.com/healthz") == []
    assert told("https://other.example.com/old-sso/acme", hosts="") == []
    assert told("https://acme.sso.example.com/acs", match="https://{identifier}.sso.example.com/acs") == [], "hosts cannot list that"


def test_explain_makes_up_a_sign_in(loaded):
    """For routes that look into the message: what the IdP would post, by what one knows of it."""
    issuer = "https://idp.example.com/?a=1&b=<ü>"
    loaded("set", issuer, f"connection_id={ACME}")
    config = loaded.file(f"""\
store: {loaded.store}
routes: [{{match: /acs, identify_by: issuer}}, {{match: /done, identify_by: relay_state}}]
""", "message.yaml")
    answer = explain(config, "--issuer", issuer, "--relay-state", "a b&c=+", "/acs")
    assert (answer["method"], answer["identifier"], answer["status"], answer["try"]) == ("POST", issuer, 307, None)
    assert explain(config, "--relay-state", "acme", "/done")["row"]["connection_id"] == ACME
    assert explain(config, "--issuer", issuer, "/done")["reason"] == "no_relay_state"
    for arguments, words in (["--issuer", "https://x", "/acs"], "is known for this identity provider"), (["--relay-state", "x", "/done"], "under the RelayState"):
        assert explain(config, *arguments)["decision"] == "unknown"
        [page] = [line for line in plain("-c", config, "explain", *arguments).stdout.splitlines() if line.startswith("page says")]
        assert words in page and "in this address" not in page
    for arguments, advice in ([["/acs"], "--issuer ENTITYID: "], [["--body", loaded.file("<Response/>", "raw.xml"), "/acs"], "a body is a form"],
                              [["/done"], "--relay-state VALUE: "],
                              [["--relay-state", "acme", "/acs"], "--issuer ENTITYID, too: "], [["--issuer", issuer, "/done"], "--relay-state VALUE, too: "],
                              *([[*made_up, "--method", method, path], "leave out --method: only a POST has its message in the body"]
                                for made_up, path in ((["--issuer", issuer], "/acs"), (["--relay-state", "acme"], "/done")) for method in ("GET", "HEAD"))):
        assert f"\ntry          {advice}" in plain("-c", config, "explain", *arguments).stdout
        assert explain(config, *arguments)["try"].startswith(advice)
    assert "leave out --body" in plain("-c", config, "explain", "--issuer", issuer, "--body", "x", "/acs", status=2).stderr
    assert explain(config, "/acs/a b")["try"] == "%20 for the space: a URL has none"
    assert explain(config, "--method", "post", "/acs")["try"] == "--method in capitals, such as POST: to HTTP, post is another one"
    assert explain(config, "--method", "PUT", "/acs")["try"] is None


def test_explain_knows_base64_whose_plus_became_a_blank(loaded):
    """As curl --data posts it, and shells and scripts do that put a URL together."""
    config = loaded.file(f"store: {loaded.store}\nroutes: [{{match: /acs, identify_by: issuer}}]\n", "issuer.yaml")
    xml = '<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol"><!-- >>>> --><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">acme</Issuer></Response>'
    message = base64.b64encode(xml.encode()).decode()
    assert "+" in message
    advice = "%2B for each + of the SAMLResponse (curl --data-urlencode)"
    answer = explain(config, "--body", loaded.file("SAMLResponse=" + message, "body"), "/acs")
    assert (answer["reason"], answer["try"]) in (("bad_xml", advice), ("bad_base64", advice))
    assert f"\ntry          {advice}\n" in plain("-c", config, "explain", f"/acs?SAMLResponse={message}").stdout
    for encoded, status in (message.replace("+", "%2B"), 307), (message.replace("+", "%2B")[:-80], 400):
        answer = explain(config, "--body", loaded.file("SAMLResponse=" + encoded, "body"), "/acs")
        assert (answer["status"], answer["try"]) == (status, None)


def test_explain_needs_routes_and_a_url(loaded, config):
    assert "give -c CONFIG" in loaded("explain", "/old-sso/acme", status=2).stderr
    assert "is not a URL" in plain("-c", config, "explain", "old-sso/acme", status=2).stderr


def test_presets():
    listed = [json.loads(line) for line in plain("presets", "--json").stdout.splitlines()]
    names = [preset["name"] for preset in listed]
    assert names == sorted(names) and "keycloak" in names and all(preset["routes"] for preset in listed)
    assert {route["identify_by"] for preset in listed for route in preset["routes"]} == {"template", "issuer"}
    assert {preset["fold_path"] for preset in listed} == {True, False}
    text = plain("presets").stdout
    assert all(name in text for name in names) and not text.startswith("{")


def test_stat(loaded):
    stat = json.loads(loaded("stat", "--json").stdout)
    assert (stat["revision"], stat["rows"], stat["stytch"], stat["legacy"]) == (1, 3, 3, 0)
    assert stat["file_bytes"] == loaded.store.stat().st_size
    assert "revision         1\n" in loaded("stat").stdout


def test_backup(loaded):
    copy = loaded.home / "copy.mdb"
    assert str(copy) in loaded("backup", copy).stdout
    assert loaded("export", store=copy).stdout == loaded.export()
    assert str(copy) in loaded("backup", copy, status=1).stderr
