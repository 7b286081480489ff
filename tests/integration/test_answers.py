"""What every answer carries, whom it is written for, and how exactly it repeats what was asked."""
import json
import re
from html.parser import HTMLParser

import pytest

import wire
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from programs import LIBH2O_KEEPS_ITS_OWN

LOCATION = f"https://api.stytch.com/v1/b2b/sso/callback/{CONNECTION_ID}"

# What is asked for each kind of answer.
KINDS = {
    "redirect_307": ("POST", "/old-sso/acme", 307),
    "redirect_303": ("POST", "/old-sso/globex", 303),
    "legacy": ("POST", "/old-sso/moving", 307),
    "form": ("POST", "/old-sso/framed", 200),
    "disabled": ("POST", "/old-sso/paused", 410),
    "unknown": ("GET", "/old-sso/nobody", 404),
    "no_route": ("GET", "/", 404),
    "malformed": ("GET", "/old-sso/%zz", 400),
    "method": ("PUT", "/old-sso/acme", 405),
    "health": ("GET", "/healthz", 200),
}
GENERATED_ID = "[0-9a-f]{32}"
ERRORS = ("disabled", "unknown", "no_route", "malformed", "method")


@pytest.fixture(scope="module")
def gateway(make_shared_gateway):
    gateway = make_shared_gateway(legacy={"allowed_hosts": ["legacy.example.net"]})
    gateway.load({
        "acme": CONNECTION_ID,
        "globex": {"connection_id": OTHER_CONNECTION_ID, "redirect": 303},
        "framed": {"connection_id": OTHER_CONNECTION_ID, "redirect": "form"},
        "paused": {"connection_id": OTHER_CONNECTION_ID, "state": "disabled"},
        "moving": {"state": "legacy", "legacy_url": "https://legacy.example.net/acs"},
    })
    return gateway.start()


def ask(gateway, kind, headers=()):
    method, target, status = KINDS[kind]
    answer = gateway.post(target, b"SAMLResponse=PHg%2B", headers) if method == "POST" else gateway.request(method, target, headers)
    assert answer.status == status
    return answer


@pytest.mark.parametrize("kind", KINDS)
def test_headers_of_every_answer(gateway, kind):
    answer = ask(gateway, kind)

    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("Referrer-Policy") == "no-referrer"
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert re.fullmatch(GENERATED_ID, answer.header("X-Request-Id"))
    assert not re.search(r"\d", answer.header("Server") or ""), "a banner with a version"
    assert answer.all("Set-Cookie") == []
    if 300 <= answer.status < 400:
        assert answer.location and answer.body == b""
        assert answer.header("Content-Length") == "0"
        assert answer.header("Content-Type") is None
    else:
        assert answer.location is None
        assert answer.header("Content-Length") == str(len(answer.body))


class Page(HTMLParser):
    """Reads an error page: its tags must close, and its text is what people see."""
    VOID = {"meta", "link", "br", "input"}

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(source)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def first(self, tag):
        return next(attributes for name, attributes in self.tags if name == tag)


@pytest.mark.parametrize("kind", ERRORS)
def test_people_get_a_page(gateway, kind):
    answer = ask(gateway, kind, [("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")])

    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert answer.text.lower().startswith("<!doctype html>")
    page = Page(answer.text)
    assert page.first("html").get("lang") == "en"
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert answer.header("X-Request-Id") in page.text
    assert "script" not in [tag for tag, _ in page.tags]
    assert "stytch" not in page.text.lower() and "lmdb" not in page.text.lower()


@pytest.mark.parametrize("kind", ERRORS)
def test_programs_get_json(gateway, kind):
    answer = ask(gateway, kind, [("Accept", "application/json")])

    assert answer.header("Content-Type") == "application/json"
    fields = json.loads(answer.text)
    assert set(fields) == {"error", "message", "request_id"}
    assert fields["error"] == ("bad_encoding" if kind == "malformed" else kind)
    assert fields["request_id"] == answer.header("X-Request-Id")
    assert fields["message"]


PREFERENCES = [
    (None, "html"),
    ("*/*", "html"),
    ("text/html", "html"),
    ("application/json", "json"),
    ("APPLICATION/JSON", "json"),
    ("application/json; charset=utf-8", "json"),
    ("application/json, text/html;q=0.9", "json"),
    ("text/html;q=0.5, application/json", "json"),
    ("text/html;q=0.5,application/json;q=0.50", "html"),
    ("text/html;q=0.5,application/json;q=0.501", "json"),
    ("application/json;q=0.5, text/html", "html"),
    ("application/json;q=0", "html"),
    ("application/json;q=0, */*", "html"),
    ("application/json, */*;q=0.1", "json"),
    ("text/plain, application/json;q=0.2", "json"),
    ("image/webp", "html"),
    (";;,,q=;application/json;q=x", "html"),
    ("", "html"),
    ("application/jsonp", "html"),
    ("text/html;level=1, application/json;q=0.9", "html"),
]


@pytest.mark.parametrize("accept, kind", PREFERENCES)
def test_accept(gateway, accept, kind):
    answer = gateway.get("/old-sso/nobody", [] if accept is None else [("Accept", accept)])
    assert answer.header("Content-Type") == {"html": "text/html; charset=utf-8", "json": "application/json"}[kind]


@pytest.mark.parametrize("target", [b"/old-sso/%3Cscript%3Ealert(1)%3C/script%3E", b"/old-sso/<script>alert(1)</script>",
                                    b"/old-sso/\"'><img src=x>", b"/old-sso/x?<script>alert(1)</script>"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_nothing_of_the_request_is_repeated_unescaped(gateway, target, accept):
    data = wire.request_bytes("GET", target.replace(b" ", b"%20"), "<script>alert(2)</script>", [("Accept", accept)])
    answer = gateway.raw(data)
    assert answer is None or (answer.status in (400, 404) and b"alert(" not in answer.body and b"<img" not in answer.body)


class TestRequestId:
    @pytest.mark.parametrize("sane", ["abcdefgh", "4bf92f3577b34da6a3ce929d0e0e4736", "8f14e45f-ceea-467f-9a36-dedd4bea2543", "lb_1.2-3", "x" * 128,
                                      "Root=1-67891233-abcdef012345678912345678"])
    def test_is_kept(self, gateway, sane):
        answer = gateway.get("/old-sso/acme", [("X-Request-Id", sane)])
        assert answer.header("X-Request-Id") == sane
        assert gateway.logged(answer)["request_id"] == sane

    @pytest.mark.parametrize("other", ["", "with space", "x" * 129, "x" * 1000, "quote\"", "<b>", "a;b", "größe", "tab\there", "\\u0000"])
    def test_is_replaced(self, gateway, other):
        answer = gateway.get("/old-sso/acme", [("X-Request-Id", other)])
        assert re.fullmatch(GENERATED_ID, answer.header("X-Request-Id"))
        assert answer.header("X-Request-Id") != other

    def test_differs_from_request_to_request(self, gateway):
        assert len({gateway.get("/old-sso/acme").header("X-Request-Id") for _ in range(200)}) == 200


@pytest.mark.parametrize("target", ["/old-sso/acme", "/old-sso/globex?x=1", "/old-sso/moving", "/old-sso/paused", "/old-sso/nobody", "/",
                                    "/old-sso/%zz", "/old-sso/framed", "/healthz"])
def test_head_is_get_without_the_body(gateway, target):
    def fields(answer):
        return [(name, value) for name, value in answer.headers if name.lower() not in ("x-request-id", "date")]

    with gateway.connect() as connection:
        for method in ("HEAD", "GET", "HEAD"):
            connection.send(wire.request_bytes(method, target, "localhost", [("X-Request-Id", "same-for-both")]))
            answer = connection.answer(head_only=method == "HEAD")
            if method == "GET":
                get = answer
            else:
                head = answer
    assert (head.status, fields(head)) == (get.status, fields(get))


QUERIES = [
    b"?a=1&b=%20+%zz&&c",
    b"?",
    b"??",
    b"???x=1",
    b"?&",
    b"?&&a",
    b"?=",
    b"?%",
    b"?a=%2f%2F%00%0d%0a",
    b"?a=b?c=d",
    b"?url=https://elsewhere.example.com/x",
    b"?a=//elsewhere.example.com/\\..",
    b"?a=/../../..",
    b"?a;b;c",
    b"?'\"<>`{}|^~",
    b"?SAMLResponse=abc%2Bdef%3D&RelayState=x",
    b"?x=" + b"0123456789" * 600,
]


@pytest.mark.parametrize("query", QUERIES, ids=[query[:30].decode("ascii") for query in QUERIES])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_query_is_carried_over_exactly(gateway, method, query):
    data = wire.request_bytes(method, b"/old-sso/acme" + query, "localhost", (), b"x=1" if method == "POST" else b"")
    answer = gateway.raw(data)
    assert answer.status == 307
    assert answer.location.encode("latin-1") == LOCATION.encode("ascii") + query


def test_an_identifiers_own_parameter_is_dropped_and_no_other_byte(make_gateway):
    gateway = make_gateway(routes=[{"match": "/cb?connection={identifier}"}])
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    for query, carried in [
        ("connection=acme", ""),
        ("connection=acme&", "?"),
        ("connection=acme&a=%zz&&b", "?a=%zz&&b"),
        ("a=1&connection=acme", "?a=1"),
        ("a=1&connection=acme&b=+%20", "?a=1&b=+%20"),
        ("a=1&c%6Fnnection=%61cme&b", "?a=1&b"),
    ]:
        answer = gateway.get("/cb?" + query)
        assert (query, answer.location.removeprefix(LOCATION)) in [(query, carried), (query, carried.rstrip("?"))]


class TestConnections:
    def test_many_requests_on_one(self, gateway):
        with gateway.connect() as connection:
            for n in range(100):
                connection.send(wire.request_bytes("POST", f"/old-sso/acme?n={n}", "localhost", (), b"x" * n))
                assert connection.answer().location == f"{LOCATION}?n={n}"

    def test_pipelined(self, gateway):
        answers = gateway.pipeline([wire.request_bytes("GET", f"/old-sso/acme?n={n}", "localhost") for n in range(50)])
        assert [answer.location for answer in answers] == [f"{LOCATION}?n={n}" for n in range(50)]

    def test_byte_by_byte(self, gateway):
        with gateway.connect() as connection:
            for byte in wire.request_bytes("POST", "/old-sso/acme?slow", "localhost", (), b"x=1"):
                connection.send(bytes([byte]))
            assert connection.answer().location == LOCATION + "?slow"

    def test_chunked(self, gateway):
        data = wire.request_bytes("POST", "/old-sso/acme", "localhost", [("Transfer-Encoding", "chunked")])
        with gateway.connect() as connection:
            connection.send(data + b"3\r\nx=1\r\n5;ext\r\n&y=22\r\n0\r\n\r\n")
            answer = connection.answer()
        assert answer.location == LOCATION
        assert gateway.logged(answer)["body_bytes"] == 8

    def test_http_1_0(self, gateway):
        answer = gateway.raw(b"GET /old-sso/acme HTTP/1.0\r\n\r\n")
        assert answer.location == LOCATION

    @pytest.mark.skipif(LIBH2O_KEEPS_ITS_OWN, reason="this libh2o calls its own parser of heads, which hands these fields on")
    @pytest.mark.parametrize("expectation", [b"100-continue", b"a-miracle"])
    def test_http_1_0_knows_no_expectations(self, gateway, expectation):
        """RFC 9110 10.1.1: a 100 would be taken for the answer."""
        head = b"POST /old-sso/acme HTTP/1.%d\r\nHost: localhost\r\neXPECT: " + expectation + b"\r\nContent-Length: 3\r\n\r\n"
        with gateway.connect() as connection:
            connection.send(head % 0 + b"x=1")
            assert not connection.is_to_go_on()
        assert gateway.raw(head % 0 + b"x=1").location == LOCATION
        with gateway.connect() as connection:
            connection.send(head % 1)
            assert connection.is_to_go_on() == (expectation == b"100-continue")

    @pytest.mark.parametrize("data", [
        b"GET\r\n\r\n", b"\x00\x01\x02\r\n\r\n", b"GET /old-sso/a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /old-sso/acme HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /old-sso/acme HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /old-sso/acme HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n",
        b"POST /old-sso/acme HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /old-sso/acme HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET old-sso/acme HTTP/1.1\r\nHost: x\r\n\r\n", b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT sso.example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /old-sso/" + b"x" * 500_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /old-sso/acme HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 500_000 + b"\r\n\r\n",
        b"GET /old-sso/acme HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    ], ids=lambda data: data[:40].decode("latin-1").encode("unicode_escape").decode("ascii"))
    def test_what_is_not_http_is_refused(self, gateway, data):
        """A 4xx, or a closed connection; and the daemon goes on."""
        answer = gateway.raw(data)
        assert answer is None or (400 <= answer.status < 500 and answer.location is None), answer
        assert gateway.get("/old-sso/acme").status == 307
