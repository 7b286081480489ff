"""The decision table, row by row, on the wire: what is asked, what is answered, and what the log says of it."""
import pytest

import wire
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID

LIVE = "https://api.stytch.com/v1/b2b/sso/callback/"
TEST_CONNECTION_ID = "saml-connection-test-51861cbc-d3b9-428b-9761-227f5fb12be9"
CUSTOM = f"https://noun-verb-1234.customers.stytch.com/v1/b2b/sso/callback/{OTHER_CONNECTION_ID}"

ROWS = {
    "acme": CONNECTION_ID,
    "trial": TEST_CONNECTION_ID,
    "globex": {"connection_id": OTHER_CONNECTION_ID, "acs_url": CUSTOM, "redirect": 303},
    "paused": {"connection_id": OTHER_CONNECTION_ID, "state": "disabled"},
    "moving": {"connection_id": OTHER_CONNECTION_ID, "state": "legacy", "legacy_url": "https://legacy.example.net/saml/moving/acs"},
    "0123": CONNECTION_ID,
    "yes": CONNECTION_ID,
    "with space": CONNECTION_ID,
    "a+b": CONNECTION_ID,
    "a/b": CONNECTION_ID,
    "..": CONNECTION_ID,
    "100%25": CONNECTION_ID,
    "größe": CONNECTION_ID,
    "quoted\"\\": CONNECTION_ID,
    "x" * 440: CONNECTION_ID,
}


@pytest.fixture(scope="module")
def gateway(make_shared_gateway):
    gateway = make_shared_gateway(
        legacy={"allowed_hosts": ["legacy.example.net"]}, limits={"body": "64KiB"},
        routes=[{"match": "/old-sso/{identifier}"}, {"match": "/*/acs/{identifier}/post"}, {"match": "/by-query?connection={identifier}"},
                {"match": "/seen/{identifier}", "redirect": 303}])
    gateway.load(ROWS)
    return gateway.start()


REDIRECTS = [
    ("/old-sso/acme", 307, LIVE + CONNECTION_ID, "acme"),
    ("/old-sso/acme/", 307, LIVE + CONNECTION_ID, "acme"),
    ("//old-sso//acme", 307, LIVE + CONNECTION_ID, "acme"),
    ("/old-sso/%61cme", 307, LIVE + CONNECTION_ID, "acme"),
    ("/%6Fld-sso/acme", 307, LIVE + CONNECTION_ID, "acme"),
    ("/old-sso/trial", 307, "https://test.stytch.com/v1/b2b/sso/callback/" + TEST_CONNECTION_ID, "trial"),
    ("/old-sso/globex", 303, CUSTOM, "globex"),
    ("/seen/acme", 303, LIVE + CONNECTION_ID, "acme"),
    ("/old-sso/0123", 307, LIVE + CONNECTION_ID, "0123"),
    ("/old-sso/yes", 307, LIVE + CONNECTION_ID, "yes"),
    ("/old-sso/with%20space", 307, LIVE + CONNECTION_ID, "with space"),
    ("/old-sso/a+b", 307, LIVE + CONNECTION_ID, "a+b"),
    ("/old-sso/a%2Bb", 307, LIVE + CONNECTION_ID, "a+b"),
    ("/old-sso/a%2Fb", 307, LIVE + CONNECTION_ID, "a/b"),
    ("/old-sso/%2e%2E", 307, LIVE + CONNECTION_ID, ".."),
    ("/old-sso/100%2525", 307, LIVE + CONNECTION_ID, "100%25"),
    ("/old-sso/gr%C3%B6%C3%9Fe", 307, LIVE + CONNECTION_ID, "größe"),
    ("/old-sso/quoted%22%5C", 307, LIVE + CONNECTION_ID, "quoted\"\\"),
    ("/old-sso/" + "x" * 440, 307, LIVE + CONNECTION_ID, "x" * 440),
    ("/any/acs/acme/post", 307, LIVE + CONNECTION_ID, "acme"),
    ("/by-query?connection=acme", 307, LIVE + CONNECTION_ID, "acme"),
    ("/by-query?connection=with+space", 307, LIVE + CONNECTION_ID, "with space"),
    ("/by-query?x=1&connection=acme&y=%zz", 307, LIVE + CONNECTION_ID + "?x=1&y=%zz", "acme"),
    ("/old-sso/moving", 307, "https://legacy.example.net/saml/moving/acs", "moving"),
]


def ask(gateway, target):
    """The same request with each method that is served."""
    return [gateway.get(target), gateway.post(target, b"SAMLResponse=PHg%2B"), gateway.request("HEAD", target)]


@pytest.mark.parametrize("target, status, location, identifier", REDIRECTS, ids=[row[0][:40] for row in REDIRECTS])
def test_redirect(gateway, target, status, location, identifier):
    answers = ask(gateway, target)

    assert [(answer.status, answer.location, answer.body) for answer in answers] == [(status, location, b"")] * 3
    for line in map(gateway.logged, answers):
        assert line["identifier"] == identifier
        assert line["decision"] == ("legacy" if identifier == "moving" else "stytch")
        assert line["status"] == status


REFUSALS = [
    # target, status, decision
    ("/old-sso/nobody", 404, "unknown"),
    ("/old-sso/ACME", 404, "unknown"),
    ("/old-sso/acme%20", 404, "unknown"),
    ("/old-sso/a%2525", 404, "unknown"),
    ("/", 404, "no_route"),
    ("/elsewhere", 404, "no_route"),
    ("/OLD-SSO/acme", 404, "no_route"),
    ("/old-sso/acme/more", 404, "no_route"),
    ("/old-sso/a/b", 404, "no_route"),
    ("/old-sso/../old-sso/acme", 404, "no_route"),
    ("/by-query", 404, "no_route"),
    ("/old-sso/paused", 410, "disabled"),
    ("/old-sso/%zz", 400, "malformed"),
    ("/old-sso/%", 400, "malformed"),
    ("/old-sso/acme%4", 400, "malformed"),
    ("/old-sso/%00", 400, "malformed"),
    ("/old-sso/acme%0Aacme", 400, "malformed"),
    ("/old-sso/%7F", 400, "malformed"),
    ("/old-sso/%C2%85", 400, "malformed"),
    ("/old-sso/%FF", 400, "malformed"),
    ("/old-sso/%C0%AF", 400, "malformed"),
    ("/old-sso/%ED%A0%80", 400, "malformed"),
    ("/old-sso/" + "x" * 441, 400, "malformed"),
    ("/old-sso/" + "%C3%B6" * 221, 400, "malformed"),
    ("/by-query?connection=", 400, "malformed"),
    ("/by-query?connection=acme&connection=globex", 400, "malformed"),
]


@pytest.mark.parametrize("target, status, decision", REFUSALS, ids=[row[0][:40] for row in REFUSALS])
def test_refusal(gateway, target, status, decision):
    answers = ask(gateway, target)

    assert [(answer.status, answer.location) for answer in answers] == [(status, None)] * 3
    assert [answer.body == b"" for answer in answers] == [False, False, True]
    for line in map(gateway.logged, answers):
        assert (line["decision"], line["status"]) == (decision, status)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get", "SAML"])
def test_method(gateway, method):
    answer = gateway.request(method, "/old-sso/acme")

    assert (answer.status, answer.location) == (405, None)
    assert answer.header("Allow") == "GET, HEAD, POST"
    line = gateway.logged(answer)
    assert (line["decision"], line["identifier"], line["connection_id"]) == ("method", "acme", CONNECTION_ID)


class TestBodyLimit:
    LIMIT = 64 * 1024
    PIECE = b"x" * 1024

    def test_at_the_limit(self, gateway):
        answer = gateway.post("/old-sso/acme", b"x" * self.LIMIT)
        assert answer.status == 307
        assert gateway.logged(answer)["body_bytes"] == self.LIMIT

    @pytest.mark.parametrize("size", [LIMIT + 1, 2 * LIMIT, 100 * LIMIT])
    def test_the_whole_body_is_sent(self, gateway, size):
        """As most clients do: they read the answer only when all is sent, and see a broken connection where the gateway hangs up."""
        data = wire.request_bytes("POST", "/old-sso/acme", "localhost", (), b"x" * size)
        with gateway.connect() as connection:
            connection.send(data)
            answer = connection.answer()
        self.refused(gateway, answer)

    def test_chunked(self, gateway):
        chunk = b"400\r\n" + self.PIECE + b"\r\n"
        data = wire.request_bytes("POST", "/old-sso/acme", "localhost", (("Transfer-Encoding", "chunked"),), b"")
        with gateway.connect() as connection:
            connection.send_what_is_taken(data + chunk * 80 + b"0\r\n\r\n")
            self.refused(gateway, connection.answer())

    def test_the_client_asks_first(self, gateway):
        headers = (("Content-Length", str(self.LIMIT + 1)), ("Expect", "100-continue"))
        answer = gateway.request("POST", "/old-sso/acme", headers)
        self.refused(gateway, answer)

    def refused(self, gateway, answer):
        assert answer is not None, "closed without an answer"
        assert (answer.status, answer.location) == (413, None)
        assert "1 MiB" not in answer.text  # the limit is configured, and the page does not say another one
        line = gateway.logged(answer)
        assert (line["decision"], line["route"], line["identifier"], "path" in line) == ("too_large", "/old-sso/{identifier}", "acme", False)


class TestNothingLoaded:
    def test_until_the_first_load(self, make_gateway):
        gateway = make_gateway().start()
        health = gateway.get("/healthz")
        assert health.status == 503
        assert health.text.strip(), "the reason"
        answer = gateway.post("/old-sso/acme", b"SAMLResponse=x")
        assert (answer.status, answer.location) == (503, None)
        assert int(answer.header("Retry-After")) > 0
        line = gateway.logged(answer)
        assert (line["decision"], line["reason"]) == ("unavailable", "not_loaded")

        gateway.load({"acme": CONNECTION_ID})

        gateway.wait_for(lambda: gateway.get("/healthz").status == 200)
        assert gateway.get("/old-sso/acme").status == 307

    def test_an_empty_mapping_is_loaded_too(self, make_gateway):
        gateway = make_gateway()
        gateway.load({})
        gateway.start()
        assert gateway.get("/healthz").status == 200
        assert gateway.get("/old-sso/acme").status == 404


class TestHealth:
    def test_get_and_head(self, gateway):
        assert gateway.get("/healthz").status == 200
        head = gateway.request("HEAD", "/healthz")
        assert (head.status, head.body) == (200, b"")

    def test_is_configurable(self, make_gateway):
        gateway = make_gateway(health_path="/-/up")
        gateway.load({"acme": CONNECTION_ID})
        gateway.start()
        assert gateway.get("/-/up").status == 200
        assert gateway.get("/healthz").status == 404


def test_a_change_is_seen_by_the_next_request(gateway):
    try:
        for state, status in [("disabled", 410), ("stytch", 307)] * 3:
            gateway.set("acme", f"state={state}")
            assert gateway.get("/old-sso/acme").status == status
    finally:
        gateway.set("acme", "state=stytch")


def test_sources_are_namespaces(make_gateway):
    gateway = make_gateway(routes=[{"match": "/old-sso/{identifier}"}, {"match": "/login/callback?connection={identifier}", "source": "auth0"}])
    gateway.load({"acme": CONNECTION_ID})
    gateway.load({"acme": OTHER_CONNECTION_ID, "only-there": OTHER_CONNECTION_ID}, source="auth0")
    gateway.start()

    assert gateway.get("/old-sso/acme").location == LIVE + CONNECTION_ID
    answer = gateway.get("/login/callback?connection=acme")
    assert answer.location == LIVE + OTHER_CONNECTION_ID
    assert gateway.logged(answer)["source"] == "auth0"
    assert gateway.get("/old-sso/only-there").status == 404
