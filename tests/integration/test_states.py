"""States and the legacy side from end to end: every state, every key of the configuration that sends a request back to the old system,
the loops that must not be, and a change that holds for the very next request."""
import html
import json
import os
import re
import signal
from urllib.parse import quote

import pytest

import wire
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from gateway import as_yaml
from sign_ins import form
from programs import run
from workers import Workers

LIVE = "https://api.stytch.com/v1/b2b/sso/callback/"
LEGACY = "https://legacy.example.net"
OLD = "https://acme.old.example.com"
THREADS = 4

ROWS = {
    "acme": CONNECTION_ID,
    "moved": {"connection_id": OTHER_CONNECTION_ID, "legacy_url": f"{OLD}/moved/acs"},
    "paused": {"connection_id": OTHER_CONNECTION_ID, "state": "disabled", "legacy_url": f"{OLD}/paused/acs"},
    "templated": {"connection_id": OTHER_CONNECTION_ID, "state": "legacy"},
    "größe/1 & more?": {"state": "legacy"},
    "own": {"connection_id": OTHER_CONNECTION_ID, "state": "legacy", "legacy_url": f"{OLD}/own/acs"},
    "own-query": {"state": "legacy", "legacy_url": f"{OLD}/acs?tenant=7"},
    "own-form": {"connection_id": OTHER_CONNECTION_ID, "state": "legacy", "redirect": "form", "legacy_url": f"{OLD}/own/acs"},
    "own-303": {"connection_id": OTHER_CONNECTION_ID, "state": "legacy", "redirect": 303, "legacy_url": f"{OLD}/own/acs"},
}
LEGACY_SIDE = {"allowed_hosts": ["legacy.example.net", "*.old.example.com"]}


def sign_in(relay_state=None):
    return form({"SAMLResponse": "PHg+", **({"RelayState": relay_state} if relay_state else {})})


def as_asked(gateway, target, host=None):
    """The same request as GET, POST and HEAD; the last answer has no body by itself."""
    return [gateway.get(target, host=host), gateway.post(target, sign_in(), host=host), gateway.request("HEAD", target, host=host)]


def sent_to_legacy(gateway, answer, reason, **fields):
    """An answer that leads to the old system, and its log line."""
    assert (answer.status, answer.body) == (307, b""), (answer.status, answer.text)
    line = gateway.logged(answer)
    assert (line["decision"], line["reason"], line["status"]) == ("legacy", reason, 307)
    assert {name: line.get(name) for name in fields} == fields
    return answer.location


def posted_on_to_legacy(gateway, answer, reason):
    """The form page that leads to the old system, and its log line."""
    assert answer.status == 200 and answer.header("Content-Type") == "text/html; charset=utf-8" and answer.location is None
    line = gateway.logged(answer)
    assert (line["decision"], line["reason"], line["status"]) == ("legacy", reason, 200)
    [action] = re.findall(r'<form method="post" accept-charset="utf-8" action="([^"]*)">', answer.text)
    assert '<input type="hidden" name="SAMLResponse" value="PHg+">' in answer.text
    return html.unescape(action)


def outcomes(gateway):
    """What was counted of each row by outcome, without the zeroes; and the unknown identifiers."""
    rows, unknown, _ = gateway.report()
    rows = {line["identifier"]: {name: hits for name, hits in line["outcomes"].items() if hits} for line in rows}
    unknown = {line["identifier"]: line["hits"] for line in unknown}
    return {name: counts for name, counts in rows.items() if counts}, unknown


class TestStateLegacy:
    @pytest.fixture(scope="class")
    def gateway(self, make_shared_gateway):
        gateway = make_shared_gateway(legacy=LEGACY_SIDE, redirect="form", routes=[
            {"match": "/old-sso/{identifier}", "legacy_url": LEGACY + "/saml/{identifier}/acs?from={identifier}", "redirect": 303},
            {"match": "/path/{identifier}", "legacy_url": LEGACY + "/saml/{identifier}/acs"},
            {"match": "/query?connection={identifier}", "legacy_url": LEGACY + "/login?org={identifier}"},
            {"match": "/query-kept?connection={identifier}", "legacy_url": LEGACY + "/login"},
            {"match": "/bare/{identifier}"}])
        gateway.load(ROWS)
        return gateway.start()

    @pytest.mark.parametrize("target, location", [
        ("/path/own", f"{OLD}/own/acs"),
        ("/path/own?RelayState=a%20b", f"{OLD}/own/acs?RelayState=a%20b"),
        ("/path/own-query?x=1", f"{OLD}/acs?tenant=7&x=1"),
        ("/path/own-form", f"{OLD}/own/acs"),
        ("/path/own-303", f"{OLD}/own/acs"),
        ("/bare/own", f"{OLD}/own/acs"),
        ("/query?connection=own&x=1", f"{OLD}/own/acs?connection=own&x=1"),
    ])
    def test_with_a_url_of_its_own(self, gateway, target, location):
        """It goes before the route's. Never with 303: the message must arrive."""
        get, post, head = as_asked(gateway, target)
        assert sent_to_legacy(gateway, get, "state") == sent_to_legacy(gateway, head, "state") == location
        is_sent_on = sent_to_legacy if target.endswith("303") else posted_on_to_legacy
        assert is_sent_on(gateway, post, "state") == location

    @pytest.mark.parametrize("target, location", [
        ("/path/templated", f"{LEGACY}/saml/templated/acs"),
        ("/path/templated?x=%zz&y", f"{LEGACY}/saml/templated/acs?x=%zz&y"),
        ("/old-sso/templated", f"{LEGACY}/saml/templated/acs?from=templated"),
        ("/old-sso/templated?x=1", f"{LEGACY}/saml/templated/acs?from=templated&x=1"),
        ("/query?connection=templated&x=1", f"{LEGACY}/login?org=templated&x=1"),
        ("/query-kept?connection=templated&x=1", f"{LEGACY}/login?connection=templated&x=1"),
        ("/path/" + quote("größe/1 & more?", safe=""), f"{LEGACY}/saml/{quote('größe/1 & more?', safe='')}/acs"),
        ("/query?connection=" + quote("größe/1 & more?", safe=""), f"{LEGACY}/login?org={quote('größe/1 & more?', safe='')}"),
    ])
    def test_with_the_template_of_its_route(self, gateway, target, location):
        get, post, head = as_asked(gateway, target)
        assert sent_to_legacy(gateway, get, "state") == sent_to_legacy(gateway, head, "state") == location
        is_sent_on = sent_to_legacy if target.startswith("/old-sso") else posted_on_to_legacy
        assert is_sent_on(gateway, post, "state") == location

    def test_with_neither(self, gateway):
        answer = gateway.post("/bare/templated", sign_in())
        assert (answer.status, answer.location) == (503, None)
        assert int(answer.header("Retry-After")) > 0
        assert (gateway.logged(answer)["decision"], gateway.logged(answer)["reason"]) == ("unavailable", "no_legacy_url")

    def test_only_what_a_page_can_carry_is_posted_on_by_one(self, gateway):
        for body, content_type in ((b"SAMLResponse=%FF", "application/x-www-form-urlencoded"), (b"{}", "application/json")):
            answer = gateway.request("POST", "/path/own", [("Content-Type", content_type)], body)
            assert sent_to_legacy(gateway, answer, "state") == f"{OLD}/own/acs"

    def test_the_other_states_beside_it(self, gateway):
        answer = gateway.post("/path/paused", sign_in())
        assert (answer.status, answer.location, gateway.logged(answer)["decision"]) == (410, None, "disabled")
        answer = gateway.get("/old-sso/moved")
        assert (answer.status, answer.location, gateway.logged(answer)["decision"]) == (303, LIVE + OTHER_CONNECTION_ID, "stytch")
        assert gateway.post("/path/moved", sign_in()).status == 200, "the form page of the whole configuration"

    def test_explain_says_the_same(self, gateway):
        for target in ("/path/own?x=1", "/old-sso/templated", "/query?connection=templated&x=1", "/bare/templated", "/path/paused"):
            told = json.loads(gateway.loader("explain", "--json", target).stdout)
            answer = gateway.get(target)
            assert (told["status"], told["location"] or None) == (answer.status, answer.location), target


class TestUnknown:
    @pytest.fixture(scope="class")
    def gateway(self, make_shared_gateway):
        gateway = make_shared_gateway(legacy={**LEGACY_SIDE, "unmatched_url": LEGACY}, health_path="/up", routes=[
            {"match": "/open/{identifier}", "unknown": "legacy", "legacy_url": LEGACY + "/saml/{identifier}"},
            {"match": "/fixed/{identifier}", "unknown": "legacy", "legacy_url": LEGACY + "/all"},
            {"match": "/closed/{identifier}", "legacy_url": LEGACY + "/saml/{identifier}"},
            {"match": "/login?connection={identifier}"}])
        gateway.load(ROWS)
        return gateway.start()

    @pytest.mark.parametrize("target, location", [
        ("/open/nobody?x=1", f"{LEGACY}/saml/nobody?x=1"),
        ("/open/ACME", f"{LEGACY}/saml/ACME"),
        ("/open/no%2Fbody%3F", f"{LEGACY}/saml/no%2Fbody%3F"),
        ("/fixed/nobody", f"{LEGACY}/all"),
    ])
    def test_goes_to_the_legacy_side_where_the_route_says_so(self, gateway, target, location):
        for answer in as_asked(gateway, target):
            assert sent_to_legacy(gateway, answer, "unknown_legacy") == location

    @pytest.mark.parametrize("target, status", [
        ("/closed/nobody", 404), ("/open/%zz", 400), ("/fixed/%FF", 400), ("/open/" + "x" * 441, 400), ("/open/paused", 410)])
    def test_is_nothing_else(self, gateway, target, status):
        """Neither what is malformed nor what is switched off, and not on another route."""
        for answer in as_asked(gateway, target):
            assert (answer.status, answer.location) == (status, None)

    def test_is_counted_as_unknown(self, make_gateway):
        gateway = make_gateway(legacy=LEGACY_SIDE, routes=[{"match": "/open/{identifier}", "unknown": "legacy", "legacy_url": LEGACY}])
        gateway.load(ROWS)
        gateway.start()
        for target in ("/open/nobody", "/open/nobody", "/open/templated", "/open/acme"):
            gateway.post(target, sign_in())
        gateway.stop()
        assert outcomes(gateway) == ({"templated": {"legacy": 1}, "acme": {"stytch": 1}}, {"nobody": 2})

    @pytest.mark.parametrize("target", [
        "/slo", "/slo/?SAMLRequest=a%2Bb%3D&RelayState=%zz", "/metadata", "/saml/metadata.xml?", "/", "//two//slashes", "/a/../b", "/a%2F..%2Fb",
        "/open", "/open/acme/more", "/login", "/login?connections=acme", "/healthz", "/favicon.ico"])
    def test_what_no_route_takes_keeps_path_and_query(self, gateway, target):
        for answer in as_asked(gateway, target):
            assert sent_to_legacy(gateway, answer, "unmatched", path=target.split("?")[0]) == LEGACY + target

    def test_what_is_not_sent_on(self, gateway):
        assert gateway.get("/up").status == 200
        for answer in (gateway.request("PUT", "/slo"), gateway.request("OPTIONS", "/open/nobody")):
            assert (answer.status, answer.location) == (405, None)
        answer = gateway.get("/login?connection=")
        assert (answer.status, answer.location) == (400, None), "a route has taken it"


class TestRelayState:
    """Sign-ins that the old provider started end there, whatever has become of the connection since."""

    @pytest.fixture(scope="class")
    def gateway(self, make_shared_gateway):
        gateway = make_shared_gateway(legacy=LEGACY_SIDE, routes=[
            {"match": "/acs/{identifier}", "legacy_relay_states": ["old:", "https://app.example.com/old/"], "legacy_url": LEGACY + "/acs/{identifier}"},
            {"match": "/all/{identifier}", "legacy_relay_states": ["old:"], "legacy_url": LEGACY + "/acs"}])
        gateway.load(ROWS)
        return gateway.start()

    @pytest.mark.parametrize("target, location", [
        ("/acs/acme?x=1", f"{LEGACY}/acs/acme?x=1"),
        ("/acs/moved", f"{OLD}/moved/acs"),
        ("/acs/nobody", f"{LEGACY}/acs/nobody"),
        ("/all/nobody", f"{LEGACY}/acs"),
        ("/all/%zz", f"{LEGACY}/acs"),
    ])
    def test_of_the_old_provider(self, gateway, target, location):
        query = f"{'&' if '?' in target else '?'}SAMLResponse=x&RelayState=old%3Axyz"
        posted, bare, in_query = gateway.post(target, sign_in("old:xyz")), gateway.post(target, sign_in("old:")), gateway.get(target + query)
        assert sent_to_legacy(gateway, posted, "relay_state") == sent_to_legacy(gateway, bare, "relay_state") == location
        assert sent_to_legacy(gateway, in_query, "relay_state") == location + query

    @pytest.mark.parametrize("target, status", [("/acs/paused", 410), ("/all/paused", 410), ("/acs/%zz", 400)])
    def test_that_does_not_help(self, gateway, target, status):
        answer = gateway.post(target, sign_in("old:1"))
        assert (answer.status, answer.location) == (status, None)

    @pytest.mark.parametrize("relay_state", [None, "new:1", "xold:1", "Old:1", "https://app.example.com/older"])
    def test_of_nobody_else(self, gateway, relay_state):
        assert gateway.post("/acs/acme", sign_in(relay_state)).location == LIVE + CONNECTION_ID
        assert gateway.post("/acs/nobody", sign_in(relay_state)).status == 404


# What a rehearsal is asked, what it would have done, and what the old system gets.
REHEARSED = [
    ("acme", "stytch", "observe", "/saml/acme/acs"),
    ("moved", "stytch", "observe", None),
    ("paused", "disabled", "observe", None),
    ("templated", "legacy", "state", "/saml/templated/acs"),
    ("own", "legacy", "state", None),
    ("nobody", "unknown", "observe", "/saml/nobody/acs"),
]


class TestObserve:
    """A rehearsal decides, logs and counts as usual, and sends everything to the old system."""

    LEGACY_URL = LEGACY + "/saml/{identifier}/acs"

    def rehearsed(self, gateway, prefix, identifier, would, reason, path):
        location = f"{LEGACY}{path}" if path else f"{OLD}/{identifier}/acs"
        for answer in as_asked(gateway, f"{prefix}/{identifier}?x=1"):
            assert sent_to_legacy(gateway, answer, reason, would=would, identifier=identifier) == location + "?x=1"

    def counted(self, gateway):
        gateway.stop()
        rows, unknown = outcomes(gateway)
        assert rows == {identifier: {would: 3} for identifier, would, _, _ in REHEARSED if would != "unknown"}
        assert unknown == {"nobody": 3}

    def test_on_a_route(self, make_gateway):
        gateway = make_gateway(legacy=LEGACY_SIDE, routes=[
            {"match": "/watched/{identifier}", "observe": True, "legacy_url": self.LEGACY_URL},
            {"match": "/live/{identifier}", "legacy_url": self.LEGACY_URL}])
        gateway.load(ROWS)
        gateway.start()
        for rehearsal in REHEARSED:
            self.rehearsed(gateway, "/watched", *rehearsal)
        self.counted(gateway)

        gateway.start()
        for identifier, status in (("acme", 307), ("paused", 410), ("nobody", 404)):
            answer = gateway.get(f"/live/{identifier}")
            assert answer.status == status and "would" not in gateway.logged(answer)
        assert gateway.get("/live/acme").location == LIVE + CONNECTION_ID

    def test_of_the_whole_gateway(self, make_gateway):
        gateway = make_gateway(observe=True, legacy=LEGACY_SIDE, routes=[
            {"match": "/one/{identifier}", "legacy_url": self.LEGACY_URL}, {"match": "/two/{identifier}", "legacy_url": self.LEGACY_URL}])
        gateway.load(ROWS)
        gateway.start()
        for number, rehearsal in enumerate(REHEARSED):
            self.rehearsed(gateway, ("/one", "/two")[number % 2], *rehearsal)
        answer = gateway.get("/nowhere")
        assert (answer.status, "would" in gateway.logged(answer)) == (404, False), "no route, no rehearsal"
        self.counted(gateway)

    def test_of_routes_of_which_one_has_nowhere_to_send_them(self, make_gateway):
        """In an emergency whoever can go back does, at a reload too."""
        routes = [{"match": "/one/{identifier}", "legacy_url": self.LEGACY_URL}, {"match": "/two/{identifier}"}]
        gateway = make_gateway(legacy=LEGACY_SIDE, routes=routes)
        gateway.load(ROWS)
        gateway.start()
        gateway.configure(observe=True)
        warning = "observe: true has no effect on this route, which has no legacy_url"
        assert warning in run("ssoferryd", "--check", "-c", gateway.config_path).stderr
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(lambda: "reload: done" in gateway.stderr)
        assert warning in gateway.stderr
        assert gateway.get("/one/acme").location == f"{LEGACY}/saml/acme/acs"
        assert gateway.get("/two/moved").location == f"{OLD}/moved/acs"
        assert gateway.get("/two/acme").location == LIVE + CONNECTION_ID

    def test_says_what_is_in_force(self, make_gateway):
        """A file that says `observe: true` tells nothing of a daemon that has not read it yet."""
        routes = [{"match": f"/{name}/{{identifier}}", "legacy_url": self.LEGACY_URL} for name in ("one", "two")]
        all_routes = "rehearsal (observe): every sign-in goes to the old system\n"
        gateway = make_gateway(observe=True, legacy=LEGACY_SIDE, routes=routes)
        gateway.load(ROWS)
        gateway.start()
        gateway.wait_for(lambda: gateway.stderr.endswith("ssoferryd: " + all_routes))  # it answers before it has said all

        def said(*, observe, first):
            begin = len(gateway.stderr)
            gateway.configure(observe=observe, routes=[routes[0] | {"observe": first}, routes[1]])
            gateway.signal(signal.SIGHUP)
            gateway.wait_for(lambda: "reload: done" in gateway.stderr[begin:])
            return gateway.stderr[begin:]

        at_stytch = sum(isinstance(row, str) or row.get("state", "stytch") == "stytch" for row in ROWS.values())
        ended = f"reload: the rehearsal is over: {at_stytch} of {len(ROWS)} connections are in state stytch, and their sign-ins now go to Stytch\n"
        assert "reload: rehearsal on 1 of 2 routes (observe): every sign-in by it goes to the old system\n" in said(observe=False, first=True)
        assert ended in said(observe=False, first=False)
        assert "rehears" not in said(observe=False, first=False)
        assert "reload: " + all_routes in said(observe=True, first=False)
        assert ended in said(observe=False, first=False)

    def test_what_is_malformed(self, make_gateway):
        """The old system gets it too where its address needs no identifier; else there is nowhere to send it."""
        gateway = make_gateway(observe=True, legacy=LEGACY_SIDE, routes=[
            {"match": "/fixed/{identifier}", "legacy_url": LEGACY + "/acs"}, {"match": "/each/{identifier}", "legacy_url": self.LEGACY_URL}])
        gateway.load(ROWS)
        gateway.start()
        assert sent_to_legacy(gateway, gateway.post("/fixed/%zz", sign_in()), "observe", would="malformed") == LEGACY + "/acs"
        answer = gateway.post("/each/%zz", sign_in())
        assert (answer.status, answer.location) == (400, None)
        gateway.stop()
        assert outcomes(gateway) == ({}, {})

    def goes_on(self, gateway, reason, location):
        """Everybody goes to the old system, and a balancer that asks goes on sending them."""
        answer = gateway.post("/one/moved", sign_in())
        assert sent_to_legacy(gateway, answer, "observe", would="unavailable") == location
        health = gateway.get("/healthz")
        told = json.loads(health.text)
        assert (health.status, told["status"], told["reason"]) == (200, "ok", reason) and "revision" not in told

    def test_before_the_first_load(self, make_gateway):
        gateway = make_gateway(observe=True, legacy=LEGACY_SIDE, routes=[{"match": "/one/{identifier}", "legacy_url": self.LEGACY_URL}])
        gateway.start()
        gateway.wait_for(lambda: "no mapping yet: sign-ins go to the old system until `ssoferry load FILE`" in gateway.stderr)
        self.goes_on(gateway, "not_loaded", f"{LEGACY}/saml/moved/acs")

    def test_of_a_table_that_cannot_be_read(self, make_gateway):
        """A row's own address is lost with it, and the route's is what is left."""
        gateway = make_gateway(observe=True, legacy=LEGACY_SIDE, routes=[{"match": "/one/{identifier}", "legacy_url": self.LEGACY_URL}])
        gateway.load(ROWS)
        gateway.start()
        assert json.loads(gateway.get("/healthz").text) == {"status": "ok", "revision": 1, "connections": len(ROWS)}
        assert gateway.post("/one/moved", sign_in()).location == f"{OLD}/moved/acs"
        os.truncate(gateway.store, 0)
        self.goes_on(gateway, "store", f"{LEGACY}/saml/moved/acs")

    @pytest.mark.parametrize("observe, second", [
        (True, {}), (False, {"legacy_url": LEGACY}), (False, {"legacy_url": LEGACY, "unknown": "legacy"})], ids=["no-address", "live", "unknown"])
    def test_a_route_that_needs_the_table_keeps_the_balancer_away(self, make_gateway, observe, second):
        gateway = make_gateway(observe=observe, legacy=LEGACY_SIDE, routes=[
            {"match": "/one/{identifier}", "legacy_url": self.LEGACY_URL, "observe": True}, {"match": "/two/{identifier}", **second}])
        gateway.start()
        gateway.wait_for(lambda: "no mapping yet: sign-ins get 503 until `ssoferry load FILE`" in gateway.stderr)
        assert gateway.get("/two/acme").status == 503
        health = gateway.get("/healthz")
        assert (health.status, json.loads(health.text)["reason"]) == (503, "not_loaded")

    def test_begins_and_ends_with_a_reload(self, make_gateway):
        gateway = make_gateway(legacy=LEGACY_SIDE, routes=[{"match": "/one/{identifier}", "legacy_url": self.LEGACY_URL}])
        gateway.load(ROWS)
        gateway.start()
        with gateway.connect() as connection:
            for observe, location in ((True, f"{LEGACY}/saml/acme/acs"), (False, LIVE + CONNECTION_ID)) * 2:
                reloads = gateway.stderr.count("reload: done")
                gateway.configure(observe=observe)
                gateway.signal(signal.SIGHUP)
                gateway.wait_for(lambda: gateway.stderr.count("reload: done") > reloads)
                connection.send(wire.request_bytes("GET", "/one/acme", "localhost"))
                assert connection.answer().location == location


class TestLoop:
    """A request that is sent round in a circle would come back until the browser gives up."""

    OWN = "sso.example.com"
    CONFIG = {"hosts": [OWN, "127.0.0.1:1"], "legacy": {"allowed_hosts": [OWN, "legacy.example.net", "*.old.example.com"]}}

    @pytest.mark.parametrize("url", [
        f"https://{OWN}/old-sso/acme", f"https://{OWN.upper()}/", f"https://{OWN}:443/x?y", f"https://{OWN}"])
    def test_a_row_is_refused_when_it_is_loaded(self, make_gateway, url):
        gateway = make_gateway(**self.CONFIG)
        gateway.load({"acme": CONNECTION_ID})
        before = gateway.loader("export").stdout
        file = gateway.mapping_file({"acme": CONNECTION_ID, "round": {"state": "legacy", "legacy_url": url}})
        for command in ("check", "diff", "load"):
            said = gateway.loader(command, file, expect=2).stderr
            assert f"{file}:6:17: error: legacy_url" in said and "leads back to the gateway itself" in said, said
        for fields in (["state=legacy", f"legacy_url={url}"], [f"legacy_url={url}"]):
            said = gateway.loader("set", "acme", *fields, expect=2).stderr
            assert "legacy_url" in said and "leads back to the gateway itself" in said
        assert gateway.loader("export").stdout == before
        assert json.loads(gateway.loader("stat", "--json").stdout)["revision"] == 1

    @pytest.mark.parametrize("config, line", [
        ({"routes": [{"match": "/a/{identifier}", "legacy_url": f"https://{OWN}/a/{{identifier}}"}]}, "legacy_url"),
        ({"routes": [{"match": "/a/{identifier}"}], "legacy": {**CONFIG["legacy"], "unmatched_url": f"https://{OWN.upper()}"}}, "unmatched_url"),
    ], ids=["route", "unmatched"])
    def test_the_configuration_is_refused_at_start(self, make_gateway, config, line):
        gateway = make_gateway(**{**self.CONFIG, **config})
        place = next(n for n, text in enumerate(as_yaml(gateway.config).split("\n"), 1) if text.strip().startswith(line))
        for command in (["ssoferryd", "--check"], ["ssoferryd"]):
            said = run(*command, "-c", gateway.config_path, expect=2).stderr
            assert f"{gateway.config_path}:{place}:" in said and "leads back to the gateway itself (hosts)" in said

    def test_the_configuration_is_refused_at_a_reload(self, make_gateway):
        gateway = make_gateway(**self.CONFIG)
        gateway.load({"acme": CONNECTION_ID})
        gateway.start()
        gateway.configure(routes=[{"match": "/old-sso/{identifier}", "unknown": "legacy", "legacy_url": f"https://{self.OWN}/"}])
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(lambda: "leads back to the gateway itself" in gateway.stderr and "as it was" in gateway.stderr)
        assert gateway.get("/old-sso/nobody").status == 404

    @pytest.fixture(scope="class")
    def gateway(self, make_shared_gateway):
        gateway = make_shared_gateway(legacy={**LEGACY_SIDE, "allowed_hosts": ["*.old.example.com", "legacy.example.net", "legacy.example.net:8443"],
                                              "unmatched_url": LEGACY}, routes=[
            {"match": "/a/{identifier}", "unknown": "legacy", "legacy_relay_states": ["old:"], "legacy_url": LEGACY + "/a/{identifier}"},
            {"match": "/watched/{identifier}", "observe": True, "legacy_url": LEGACY + "/a/{identifier}"}])
        gateway.load({**ROWS, "port": {"state": "legacy", "legacy_url": "https://legacy.example.net:8443/acs"}})
        return gateway.start()

    def refused(self, gateway, answer):
        assert (answer.status, answer.location) == (508, None), answer.head
        line = gateway.logged(answer)
        assert (line["decision"], line["status"]) == ("loop", 508)
        assert "sent round in a circle" in answer.text and answer.header("X-Request-Id") in answer.text
        return line

    @pytest.mark.parametrize("target", ["/a/templated", "/a/nobody", "/slo?x=1", "/watched/acme", "/watched/nobody"])
    def test_a_request_that_comes_round(self, gateway, target):
        hosts = ["legacy.example.net", "LEGACY.Example.NET", "legacy.example.net:443", "legacy.example.net:80"]
        for answer in [answer for host in hosts for answer in as_asked(gateway, target, host)[:2]]:
            self.refused(gateway, answer)

    def test_that_the_old_provider_started(self, gateway):
        self.refused(gateway, gateway.post("/a/acme", sign_in("old:1"), host="legacy.example.net"))

    def test_a_row_whose_own_url_it_is(self, gateway):
        self.refused(gateway, gateway.post("/a/own", sign_in(), host="acme.old.example.com"))
        self.refused(gateway, gateway.post("/a/port", sign_in(), host="legacy.example.net:8443"))

    @pytest.mark.parametrize("target, host", [
        ("/a/own", "legacy.example.net"), ("/a/templated", "acme.old.example.com"), ("/a/port", "legacy.example.net"),
        ("/a/templated", "legacy.example.net:8443"), ("/a/templated", "legacy.example.net.example.com"), ("/a/templated", "127.0.0.1")])
    def test_another_host_is_no_loop(self, gateway, target, host):
        answer = gateway.post(target, sign_in(), host=host)
        assert answer.status == 307 and gateway.logged(answer)["decision"] == "legacy"

    def test_what_goes_to_stytch_is_no_loop(self, gateway):
        assert gateway.post("/a/acme", sign_in(), host="legacy.example.net").location == LIVE + CONNECTION_ID

    def test_a_rehearsal_says_what_it_would_have_done(self, gateway):
        line = self.refused(gateway, gateway.post("/watched/acme", sign_in(), host="legacy.example.net"))
        assert line["would"] == "stytch"

    def test_a_program_is_told_in_json(self, gateway):
        answer = gateway.get("/slo", [("Accept", "application/json")], host="legacy.example.net")
        told = json.loads(answer.text)
        assert (answer.status, told["error"]) == (508, "loop") and told["message"] and told["request_id"]

    def test_hosts_hold_for_every_way_in(self, make_gateway):
        """A host that the gateway was given as its own only after the row was loaded."""
        gateway = make_gateway(legacy=LEGACY_SIDE)
        gateway.load(ROWS)
        gateway.configure(hosts=["acme.old.example.com"])
        gateway.start()
        self.refused(gateway, gateway.post("/old-sso/own", sign_in(), host="sso.example.com"))


class TestTheNextRequest:
    STYTCH, TO_LEGACY, GONE, NOBODY = (307, LIVE + CONNECTION_ID), (307, f"{LEGACY}/saml/acme/acs"), (410, None), (404, None)

    @pytest.fixture
    def gateway(self, make_gateway):
        gateway = make_gateway(threads=THREADS, legacy=LEGACY_SIDE, routes=[
            {"match": "/old-sso/{identifier}", "legacy_url": LEGACY + "/saml/{identifier}/acs"}])
        gateway.load(ROWS)
        return gateway.start()

    def test_sees_a_change_of_state_on_every_worker(self, gateway):
        with Workers(gateway) as workers:
            assert workers.ask_all("/old-sso/acme") == {self.STYTCH}
            for state, answer in [("legacy", self.TO_LEGACY), ("stytch", self.STYTCH), ("disabled", self.GONE), ("legacy", self.TO_LEGACY),
                                  ("disabled", self.GONE), ("stytch", self.STYTCH)] * 3:
                gateway.set("acme", f"state={state}")
                assert workers.ask_all("/old-sso/acme") == {answer}
                assert workers.ask_all("/old-sso/moved") == {(307, LIVE + OTHER_CONNECTION_ID)}, "and nothing else has changed"

    def test_sees_a_rollback_on_every_worker(self, gateway):
        with Workers(gateway) as workers:
            gateway.set("acme", "state=legacy")                      # 2
            gateway.set("acme", "state=disabled")                    # 3
            gateway.loader("remove", "acme")                         # 4
            assert workers.ask_all("/old-sso/acme") == {self.NOBODY}
            for revision, answer in [(3, self.GONE), (2, self.TO_LEGACY), (4, self.NOBODY), (1, self.STYTCH), (2, self.TO_LEGACY)]:
                gateway.loader("rollback", "--yes", revision)
                assert workers.ask_all("/old-sso/acme") == {answer}
                assert workers.ask_all("/old-sso/own") == {(307, f"{OLD}/own/acs")}
            gateway.loader("rollback", "--yes", "0")
            assert workers.ask_all("/old-sso/own") == {self.NOBODY}
            gateway.load(ROWS)
            assert workers.ask_all("/old-sso/acme") == {self.STYTCH}

    def test_sees_a_change_of_where_the_old_system_is(self, gateway):
        with Workers(gateway) as workers:
            gateway.set("acme", "state=legacy", f"legacy_url={OLD}/new/acs")
            assert workers.ask_all("/old-sso/acme") == {(307, f"{OLD}/new/acs")}
            gateway.set("acme", "legacy_url=")
            assert workers.ask_all("/old-sso/acme") == {self.TO_LEGACY}
            gateway.set("acme", "state=stytch")
            assert workers.ask_all("/old-sso/acme") == {self.STYTCH}
