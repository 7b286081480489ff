"""Whatever arrives, a browser is only ever sent where the configuration allows."""
import random
import re
from base64 import b64encode
from html import unescape
from urllib.parse import quote, quote_plus, urlsplit

import wire
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from sign_ins import redirect_binding_query

REQUESTS = 2000
SEED = 20261121

ALLOWED = {"https://api.stytch.com", "https://test.stytch.com", "https://noun-verb-1.customers.stytch.com", "https://legacy.example.net",
           "https://a.old.example.com"}
EVIL = ["evil.example.com", "//evil.example.com", "https://evil.example.com/", "/\\evil.example.com", "@evil.example.com", ".evil.example.com",
        "http:evil.example.com", "\r\nLocation: https://evil.example.com/", "%0d%0aLocation:%20https://evil.example.com/", "javascript:alert(1)",
        "data:text/html,x", "evil.example.com#", "evil.example.com?", "\\", "..", "%2e%2e%2f", "\t", "\0", "\x7f", "\xff", "é", "[::1]", "%"]
IDENTIFIERS = ["acme", "with space", "trial", "globex", "framed", "moving", "paused", "nobody", "ACME", "a/b", "größe", "https://idp.example.com/", "", "x" * 440,
               "x" * 441]
PATHS = ["/old-sso/{}", "/old-sso/{}/", "//old-sso//{}", "/q?connection={}", "/q?a=1&connection={}&b={}", "/issuer", "/relay", "/flight/{}", "/watched/{}",
         "/unknown/{}", "/framed/{}", "/{}", "{}", "http://{}/old-sso/acme", "https://sso.example.com/old-sso/{}", "*", "/old-sso/{}?{}", "/framed/acme?{}",
         "/unknown/{}?{}", "/host", "/shared", "/shared/?{}", "/kept/{}", "/kept//{}/{}?{}"]
HOSTS = ["localhost", "{}", "sso.example.com", "legacy.example.net", "acme.host.example.com", "{}.host.example.com", "api.stytch.com", ""]
METHODS = ["GET", "POST", "POST", "POST", "HEAD", "PUT", "OPTIONS", "{}"]
FRAMES = ["Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-URL", "X-Rewrite-URL", "Referer", "Origin", "Cookie",
          "X-Request-Id", "Accept", "Content-Type"]

ROWS = {
    "acme": CONNECTION_ID,
    "trial": "saml-connection-test-51861cbc-d3b9-428b-9761-227f5fb12be9",
    "globex": {"connection_id": OTHER_CONNECTION_ID, "redirect": 303,
               "acs_url": f"https://noun-verb-1.customers.stytch.com/v1/b2b/sso/callback/{OTHER_CONNECTION_ID}"},
    "framed": {"connection_id": OTHER_CONNECTION_ID, "redirect": "form"},
    "moving": {"state": "legacy", "legacy_url": "https://a.old.example.com/acs?x=1"},
    "paused": {"connection_id": OTHER_CONNECTION_ID, "state": "disabled"},
    "größe": CONNECTION_ID, "a/b": CONNECTION_ID, "x" * 440: CONNECTION_ID, "https://idp.example.com/": CONNECTION_ID,
}


class Requests:
    """Requests that are nearly right, made from a seed."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def piece(self):
        r = self._random
        kind = r.random()
        if kind < 0.45:
            text = r.choice(IDENTIFIERS)
        elif kind < 0.9:
            text = r.choice(EVIL)
        else:
            text = "".join(chr(r.randrange(256)) for _ in range(r.randrange(1, 30)))
        return r.choice([text, quote(text, safe=""), quote_plus(text), quote(quote(text, safe=""), safe="")])

    def fill(self, template):
        while "{}" in template:
            template = template.replace("{}", self.piece(), 1)
        return template

    def message(self):
        issuer = self._random.choice(["https://idp.example.com/", *EVIL, *IDENTIFIERS])
        return ('<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">'
                f"<a:Issuer>{issuer}</a:Issuer></p:Response>")

    def body(self):
        r = self._random
        fields = [("SAMLResponse", r.choice([b64encode(self.message().encode()).decode(), self.piece()]))]
        for name in ("RelayState", "TARGET", "connection", self.piece()):
            if r.random() < 0.5:
                fields.append((name, r.choice(["old-", "{\"idp\":\"", ""]) + self.piece() + r.choice(["", "\"}"])))
        r.shuffle(fields)
        return "&".join(f"{r.choice([quote_plus(name), name])}={r.choice([quote_plus(value), quote_plus(value), value])}" for name, value in fields)

    def next(self):
        r = self._random
        method, target, host = self.fill(r.choice(METHODS)), self.fill(r.choice(PATHS)), self.fill(r.choice(HOSTS))
        if r.random() < 0.2:
            target += ("&" if "?" in target else "?") + redirect_binding_query(self.message(), self.piece())
        body = self.body() if r.random() < 0.7 else self.piece()
        headers = [("Host", host), ("Connection", "close")]
        if r.random() < 0.8:
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        for _ in range(r.randrange(3)):
            headers.append((r.choice(FRAMES), self.piece()))
        return wire.request_bytes(*(bytes_of(text) for text in (method, target)), None, [(name, bytes_of(value)) for name, value in headers],
                                  bytes_of(body))


def bytes_of(text):
    return text.encode("latin-1", "replace") if max(text, default="", key=ord) < "\u0100" else text.encode("utf-8")


def targets_of(answer):
    """Every URL in an answer that a browser would go to by itself."""
    targets = list(answer.all("Location")) + answer.all("Refresh") + answer.all("Content-Location") + answer.all("Link")
    if "text/html" in (answer.header("Content-Type") or ""):
        page = answer.body.decode("utf-8", "replace")
        targets += [unescape(value) for value in re.findall(r"""(?:action|href|src)\s*=\s*["']?([^"'\s>]*)""", page)]
        assert len(re.findall("<script", page)) <= 1 and "http-equiv" not in page.lower()
    return targets


def test_a_location_is_one_that_the_configuration_allows(make_gateway):
    legacy = "https://legacy.example.net"
    gateway = make_gateway(
        hosts=["sso.example.com"], legacy={"allowed_hosts": ["legacy.example.net", "*.old.example.com"], "unmatched_url": legacy},
        routes=[{"match": "/old-sso/{identifier}"}, {"match": "/q?connection={identifier}"}, {"match": "/issuer", "identify_by": "issuer"},
                {"match": "/relay", "identify_by": "relay_state"},
                {"match": "/flight/{identifier}", "legacy_relay_states": ["old-"], "legacy_url": legacy + "/flight/{identifier}"},
                {"match": "/watched/{identifier}", "observe": True, "legacy_url": legacy + "/w?i={identifier}"},
                {"match": "/unknown/{identifier}", "unknown": "legacy", "legacy_url": legacy + "/{identifier}/acs"},
                {"match": "/Shared", "fold_path": True, "identify_by": "issuer", "unknown": "legacy", "legacy_url": legacy + "/{identifier}/shared"},
                {"match": "/kept/{identifier...}", "unknown": "legacy", "legacy_url": legacy + "{path}"},
                {"match": "/framed/{identifier}", "redirect": "form"}, {"match": "https://{identifier}.host.example.com/host"}])
    gateway.load(ROWS)
    gateway.start()
    requests = Requests(SEED)
    statuses, origins = {}, {}
    for number in range(REQUESTS):
        data = requests.next()
        answer = gateway.raw(data, head_only=data.startswith(b"HEAD "))
        if answer is None:
            continue
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
        for target in targets_of(answer):
            parts = urlsplit(target)
            origin = f"{parts.scheme}://{parts.netloc}"
            assert origin in ALLOWED, f"request {number} of seed {SEED}: {data!r} is sent to {target!r}: {answer.head!r}"
            assert not re.search(r"[\x00-\x20\x7f]", target), (number, data, target)
            assert "\\" not in parts.netloc
            origins[origin] = origins.get(origin, 0) + 1
        assert len(answer.all("Location")) == (1 if answer.status in (303, 307) else 0), (number, data, answer.head)
        assert answer.status in (200, 303, 307, 400, 404, 405, 410, 413, 503, 508), (number, data, answer.head)
    assert set(origins) == ALLOWED, f"the requests reached too little: {origins}"
    assert {200, 303, 307, 400, 404, 405, 410, 508} <= set(statuses), statuses
    assert gateway.get("/healthz").status == 200
